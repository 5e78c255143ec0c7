"""A Qwen2 through every command that a Gemma goes through: the same door, trainer, adapters and chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.adapters.lora import lora_modules
from gemma_mlx.events import Done, Warning
from gemma_mlx.inference.chat import ChatSession
from gemma_mlx.load import load_model
from gemma_mlx.settings import DataSettings, LoraSettings, RunSettings, SamplingSettings, TrainSettings
from gemma_mlx.training.trainer import train
from tests.command_line import gemma, write_rows
from tests.tiny_family import write_tiny_family

GREEDY = ("--temperature", "0", "--max-tokens", "6")
IDS = mx.array(np.arange(30) * 37 % 600 + 3)[None]


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_family(tmp_path_factory.mktemp("models") / "tiny-qwen2")


def relative(actual: mx.array, expected: mx.array) -> float:
    return float(mx.linalg.norm(actual - expected) / mx.linalg.norm(expected))


def run_of(model: Path, folder: Path, data: Path, **training: Any) -> tuple[list[Any], dict[str, Any]]:
    settings = RunSettings(
        model=str(model),
        lora=LoraSettings(rank=4),
        data=DataSettings(dataset=str(data), validation_split=0.2),
        training=TrainSettings(**{"steps": 6, "learning_rate": 0.02, "warmup_steps": 0, **training}),
    )
    events = list(train(settings, folder))
    assert isinstance(events[-1], Done)
    return events, events[-1].result


def test_what_it_is_is_shown(qwen: Path) -> None:
    document = gemma("inspect", qwen, "--json").document
    assert document["generation"] == "Qwen2" and document["context"] == 2048
    assert document["layers"] == 3
    assert "Qwen2" in gemma("inspect", qwen).stdout


def test_quantized_saved_and_loaded_it_is_what_it_was_in_memory(qwen: Path, tmp_path: Path) -> None:
    done = gemma("quantize", qwen, "--out", tmp_path / "small", "--bits", "4", "--group-size", "32", "--json")
    assert done.status == 0
    raw = json.loads((tmp_path / "small" / "config.json").read_text())
    assert raw["quantization"]["bits"] == 4 and raw["model_type"] == "qwen2"
    from gemma_mlx.settings import QuantizeSettings

    stored = load_model(tmp_path / "small")
    memory = load_model(qwen, quantization=QuantizeSettings(bits=4, group_size=32))
    assert "scales" in stored.model.model.layers[0].self_attn.q_proj
    assert "bias" in stored.model.model.layers[0].self_attn.q_proj
    assert relative(stored.model(IDS), memory.model(IDS)) == 0
    assert 0.01 < relative(stored.model(IDS).astype(mx.float32), load_model(qwen).model(IDS)) < 0.9


def test_it_learns_from_padded_rows(qwen: Path, tmp_path: Path) -> None:
    """Its layers cannot keep packed rows apart: asked for, packing is declined with a word."""
    data = write_rows(tmp_path / "rows.jsonl")
    events, result = run_of(qwen, tmp_path / "run", data, layout="packed")
    assert [event.code for event in events if isinstance(event, Warning)].count("rows-padded") == 1
    losses = [event.values["train_loss"] for event in events if "train_loss" in getattr(event, "values", {})]
    assert losses[-1] < losses[0]
    quiet, automatic = run_of(qwen, tmp_path / "automatic", data)
    assert not any(isinstance(event, Warning) and event.code == "rows-padded" for event in quiet)
    checkpointed, _ = run_of(qwen, tmp_path / "checkpointed", data, gradient_checkpointing=True)
    again = [e.values["train_loss"] for e in checkpointed if "train_loss" in getattr(e, "values", {})]
    assert np.allclose(losses, again, rtol=1e-4)
    adapters = [load_model(qwen, adapter=each["adapter"]) for each in (result, automatic)]
    assert relative(adapters[0].model(IDS), adapters[1].model(IDS)) == 0
    assert len(list(lora_modules(adapters[0].model))) == 21
    config = json.loads((Path(result["adapter"]) / "adapter_config.json").read_text())
    assert len(config["target_modules"]) == 7


def test_a_run_that_was_interrupted_ends_as_one_that_was_not(qwen: Path, tmp_path: Path) -> None:
    from gemma_mlx.training.trainer import Control

    data = write_rows(tmp_path / "rows.jsonl")
    run_of(qwen, tmp_path / "whole", data)
    control = Control()
    settings = RunSettings.model_validate(
        json.loads((tmp_path / "whole" / "run.json").read_text())["settings"]
    )
    for event in train(settings, tmp_path / "parts", control=control):
        if getattr(event, "values", {}).get("train_loss") and event.step == 3:
            control.request = "pause"
    *_, done = train(settings, tmp_path / "parts", resume=True)
    assert isinstance(done, Done)
    ends = [
        load_model(qwen, adapter=folder / "adapter") for folder in (tmp_path / "whole", tmp_path / "parts")
    ]
    assert relative(ends[0].model(IDS), ends[1].model(IDS)) == 0


def test_merged_it_answers_as_with_the_adapter_beside_it(qwen: Path, tmp_path: Path) -> None:
    _, result = run_of(qwen, tmp_path / "run", write_rows(tmp_path / "rows.jsonl"))
    merged = tmp_path / "merged"
    assert gemma("merge", qwen, result["adapter"], "--out", merged, "--dtype", "float32").status == 0
    tuned = load_model(qwen, adapter=result["adapter"]).model(IDS)
    assert relative(load_model(merged).model(IDS), tuned) < 5e-6
    assert relative(load_model(qwen).model(IDS), tuned) > 1e-3


def test_a_chat_with_a_system_text_reuses_what_it_computed(qwen: Path) -> None:
    sampling = SamplingSettings(temperature=0, max_tokens=5)
    chat = ChatSession(load_model(qwen), system="Be brief.", sampling=sampling)
    *_, first = chat.send("Hello")
    *_, second = chat.send("And now?")
    assert isinstance(first, Done) and isinstance(second, Done)
    assert second.result["computed_prompt_tokens"] < second.result["prompt_tokens"]
    fresh = gemma("generate", qwen, "Hello", "--system", "Be brief.", "--temperature", "0", "--max-tokens",
                  "5", "--json").document  # fmt: skip
    assert fresh["ids"] == first.result["ids"]


def test_answers_of_a_batch_are_those_of_each_alone(qwen: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    texts = ["why", "why " * 9, "a much longer question than the others " * 3]
    prompts.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    out = tmp_path / "out.jsonl"
    assert gemma("generate", qwen, "--prompts", prompts, "--out", out, *GREEDY).status == 0
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    for text, answer in zip(texts, answers, strict=True):
        assert answer["text"] == gemma("generate", qwen, text, *GREEDY, "--json").document["text"]


def test_what_is_written_for_gemma_alone_is_refused_in_words(qwen: Path, tmp_path: Path) -> None:
    error = gemma("export", qwen, "--out", tmp_path / "gguf", "--json").error
    assert error["code"] in ("not-for-gguf", "missing-package")
    assert not (tmp_path / "gguf").exists()


def test_an_architecture_that_cannot_be_run_names_those_that_can(qwen: Path, tmp_path: Path) -> None:
    raw = json.loads((qwen / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(raw | {"model_type": "mamba"}))
    (tmp_path / "model.safetensors").write_bytes((qwen / "model.safetensors").read_bytes())
    error = gemma("inspect", tmp_path, "--json").error
    assert "mamba" in error["what"]
    (tmp_path / "config.json").write_text(json.dumps(raw | {"model_type": "whisper"}))
    error = gemma("generate", tmp_path, "Hi", "--json").error
    assert error["code"] == "unknown-model" and "Qwen2" in error["fix"] and "Gemma 1" in error["fix"]


def test_a_family_that_was_never_compared_loads_with_a_word(tmp_path: Path) -> None:
    folder = write_tiny_family(
        tmp_path / "model", "starcoder2", norm_epsilon=1e-5, use_bias=True, norm_eps=1e-5
    )
    loaded = load_model(folder)
    assert [warning.code for warning in loaded.warnings] == ["unproven-family"]


def test_a_compiled_step_on_a_quantized_base_is_the_same_step(qwen: Path) -> None:
    """As on GPUs: traced once for a shape, products of packed weights dequantized first."""
    from gemma_mlx.adapters.lora import add_lora
    from gemma_mlx.adapters.products import unpack_products
    from gemma_mlx.data.batches import collate_padded
    from gemma_mlx.settings import QuantizeSettings
    from gemma_mlx.training.step import StepFunction, to_inputs
    from tests.training.test_step import examples

    found = []
    for on_gpu in (False, True):
        loaded = load_model(qwen, quantization=QuantizeSettings(bits=8, group_size=32), dtype="float32")
        add_lora(loaded.model, LoraSettings(rank=4), 0)
        for index, (_, module) in enumerate(lora_modules(loaded.model)):
            module.lora_B = 0.05 * mx.random.normal(module.lora_B.shape, key=mx.random.key(index))
        if on_gpu:
            unpack_products(loaded.model)
        step = StepFunction(loaded.model, TrainSettings(), None, compiled=on_gpu)
        for seed in (1, 0):  # the second batch runs what the first has compiled
            inputs = to_inputs(collate_padded(examples(seed=seed)), 128)
            loss, gradients = step.gradients(step.parameters(), inputs, 1, 0)
        found.append((float(loss), gradients))
    (loss, gradients), (compiled_loss, compiled) = found
    assert compiled_loss == pytest.approx(loss, rel=1e-5)
    assert max(relative(compiled[name], gradients[name]) for name in gradients) < 1e-4


def test_all_of_it_can_be_trained(qwen: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    _, result = run_of(qwen, tmp_path / "run", data, method="full", learning_rate=1e-3)
    tuned = load_model(result["model"])
    assert tuned.config.name == "Qwen2"
    assert relative(tuned.model(IDS), load_model(qwen).model(IDS)) > 1e-3


def test_without_a_chat_template_it_continues_texts_and_says_why_it_does_not_chat(
    qwen: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    for file in qwen.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["chat_template"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert gemma("generate", folder, "Hello", "--raw", *GREEDY).status == 0
    error = gemma("generate", folder, "Hello", "--json").error
    assert error["code"] == "no-chat-template" and "plain text" in error["fix"]
