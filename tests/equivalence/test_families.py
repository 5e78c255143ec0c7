"""Other families beside transformers and PEFT: logits of all of them, and Qwen2 as closely as Gemma."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemma_mlx.events import Done
from gemma_mlx.families import FAMILY_NAMES
from gemma_mlx.load import Loaded, load_model
from gemma_mlx.models.families import TIED_BY_DEFAULT
from gemma_mlx.settings import LoraSettings, QuantizeSettings, SamplingSettings, TrainSettings
from gemma_mlx.verification import limits
from gemma_mlx.verification.measure import relative
from tests.text.tiny_tokenizer import write_qwen

SMALL: dict[str, Any] = {
    "vocab_size": 768, "hidden_size": 80, "intermediate_size": 128, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 20, "max_position_embeddings": 40_000,
    "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "cohere": {"logit_scale": 0.0625},
    "cohere2": {"logit_scale": 0.25, "sliding_window": 16, "num_hidden_layers": 4},
    "granite": {
        "logits_scaling": 8.0, "attention_multiplier": 0.1, "embedding_multiplier": 12.0,
        "residual_multiplier": 0.22,
    },
    "olmo3": {"sliding_window": 16, "num_hidden_layers": 4},
}  # fmt: skip
"""What makes a family what it is: scales, and windows that are shorter than the prompt."""
IDS = np.arange(40) * 37 % 700 + 3


def made(kind: str, **changes: Any) -> Any:
    """A small random model of transformers, eager, fp32, with every part awake."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        CONFIG_MAPPING[kind](**{**SMALL, **changes}), attn_implementation="eager", dtype=torch.float32
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0, 0.2 if parameter.ndim == 1 else 1.2 * parameter.shape[-1] ** -0.5)
            if parameter.ndim == 1 and "norm" in name:
                parameter.add_(1)
    return model.eval()


def saved(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    write_qwen(folder)
    return folder


def gold(model: Any, ids: np.ndarray = IDS) -> np.ndarray:
    import torch

    with torch.no_grad():
        return np.asarray(model(input_ids=torch.tensor(ids)[None]).logits[0].float().numpy())


def ours(loaded: Loaded, ids: np.ndarray = IDS) -> np.ndarray:
    import mlx.core as mx

    return np.array(loaded.model(mx.array(ids)[None])[0].astype(mx.float32))


@pytest.fixture(scope="module")
def qwen() -> Any:
    return made("qwen2", tie_word_embeddings=True)


@pytest.fixture(scope="module")
def folder(qwen: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(qwen, tmp_path_factory.mktemp("qwen") / "tiny-qwen2")


@pytest.mark.parametrize("kind", FAMILY_NAMES)
def test_logits_of_every_family(kind: str, tmp_path: Path) -> None:
    """One pass, chunks through the cache, and the head that the saved file says."""
    import mlx.core as mx

    model = made(kind, **OWN.get(kind, {}))
    loaded = load_model(saved(model, tmp_path / kind))
    windows = set(loaded.config.layer_windows)
    assert windows == ({16, None} if "sliding_window" in OWN.get(kind, {}) else {None})
    wanted = gold(model)
    assert relative(ours(loaded), wanted) < limits.LOGITS
    assert np.abs(ours(loaded) - wanted).max() < limits.LOGITS_MOST
    cache = loaded.model.make_cache()
    parts = [loaded.model(mx.array(IDS[a:b])[None], cache)[0] for a, b in ((0, 7), (7, 31), (31, 40))]
    assert relative(np.array(mx.concatenate(parts)), wanted) < limits.LOGITS


@pytest.mark.parametrize("kind", FAMILY_NAMES)
def test_adapters_of_every_family_go_to_peft_and_come_back(kind: str, tmp_path: Path) -> None:
    """All linear modules of the blocks, whatever the family calls them; rsLoRA has the odd scale."""
    import mlx.core as mx
    from peft import PeftModel

    from gemma_mlx.adapters.lora import add_lora, lora_modules
    from gemma_mlx.adapters.peft import load_adapter, save_adapter

    model = made(kind, **OWN.get(kind, {}))
    folder = saved(model, tmp_path / kind)
    base = gold(model)
    loaded = load_model(folder)
    settings = LoraSettings(rank=4, alpha=8, use_rslora=True)
    add_lora(loaded.model, settings, 0)
    for index, (_, module) in enumerate(lora_modules(loaded.model)):
        module.lora_B = 0.05 * mx.random.normal(module.lora_B.shape, key=mx.random.key(index))
    save_adapter(tmp_path / "ours", loaded.model, settings, str(folder))
    tuned = PeftModel.from_pretrained(model, str(tmp_path / "ours")).eval()
    adapted = {name for name, module in tuned.named_modules() if hasattr(module, "lora_A")}
    assert len(adapted) == len(list(lora_modules(loaded.model)))
    assert relative(ours(loaded), gold(tuned)) < limits.LOGITS
    assert relative(ours(loaded), base) > 1e-3
    tuned.save_pretrained(str(tmp_path / "theirs"))
    back = load_model(folder)
    load_adapter(tmp_path / "theirs", back.model)
    assert relative(ours(back), ours(loaded)) == 0


@pytest.mark.parametrize("kind", FAMILY_NAMES)
def test_the_head_that_a_file_leaves_unsaid(kind: str) -> None:
    from transformers import CONFIG_MAPPING

    assert CONFIG_MAPPING[kind]().tie_word_embeddings == (kind in TIED_BY_DEFAULT)


@pytest.mark.parametrize("tied", [True, False])
def test_qwen2_of_the_hubs_dialect(tied: bool, tmp_path: Path) -> None:
    model = made("qwen2", tie_word_embeddings=tied, rope_theta=1_000_000.0)
    saved(model, tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    raw = json.loads(path.read_text())
    theta = raw.pop("rope_parameters")["rope_theta"]
    for name in ("layer_types", "dtype"):
        raw.pop(name, None)
    path.write_text(json.dumps(raw | {"rope_theta": theta, "torch_dtype": "float32"}))
    assert theta == 1_000_000.0
    assert relative(ours(load_model(tmp_path / "model")), gold(model)) < limits.LOGITS


def test_qwen2_layer_by_layer(qwen: Any, folder: Path) -> None:
    import mlx.core as mx
    import torch

    with torch.no_grad():
        wanted = qwen(input_ids=torch.tensor(IDS)[None], output_hidden_states=True).hidden_states
    taps: list[mx.array] = []
    load_model(folder).model.hidden(mx.array(IDS)[None], taps=taps)
    assert len(taps) == len(wanted) == 4
    for got, expected in zip(taps, wanted, strict=True):
        assert relative(np.array(got), expected.numpy()) < limits.POINTS


def test_qwen2_far_out(qwen: Any, folder: Path) -> None:
    """Position 32K: mlx-lm's own rotary frequencies deviate by 1e-3 of an attention's inputs there."""
    import mlx.core as mx
    import mlx.nn as nn
    import torch

    position = 32_000
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 20)).astype(np.float32)
    where = torch.arange(position, position + 4)[None]
    cos, sin = qwen.model.rotary_emb(torch.zeros(1), where)
    from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

    wanted = apply_rotary_pos_emb(torch.tensor(x), torch.tensor(x), cos, sin)[0].numpy()
    loaded = load_model(folder)
    rotation = loaded.model.model.layers[0].self_attn.rope
    base = loaded.config.layer_ropes[0].base
    plain = nn.RoPE(20, traditional=False, base=base)
    assert relative(np.array(rotation(mx.array(x), offset=position)), wanted) < 5e-6
    assert relative(np.array(plain(mx.array(x), offset=position)), wanted) > 1e-4


def test_qwen2_in_bf16_is_as_near_to_fp32_as_transformers_own(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    ratios = []
    for seed in range(5):
        ids = np.random.default_rng(seed).integers(3, 700, 64)
        exact = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
        narrow = AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.bfloat16
        )
        exact.load_state_dict({name: tensor.float() for name, tensor in narrow.state_dict().items()})
        wanted = gold(exact, ids)
        mine = relative(ours(load_model(folder, dtype="bfloat16"), ids), wanted)
        ratios.append(mine / relative(gold(narrow, ids), wanted))
    assert np.mean(ratios) < 1.05, ratios


def test_qwen2_generates_what_transformers_generates(qwen: Any, folder: Path) -> None:
    import torch

    from gemma_mlx.inference.batch import generate_batch
    from gemma_mlx.text.chat_template import Message

    loaded = load_model(folder)
    questions = ["Hello there", "why", "The answer to all of it, if you please: what is it?"]
    prompts = [[Message("system", "Be brief."), Message("user", text)] for text in questions]
    *_, done = generate_batch(loaded, prompts, SamplingSettings(temperature=0, max_tokens=60))
    assert isinstance(done, Done)
    from gemma_mlx.inference.generate import prompt_ids

    for prompt, answer in zip(prompts, done.result["answers"], strict=True):
        ids = prompt_ids(loaded.tokenizer, prompt)
        beyond = list(range(loaded.tokenizer.vocab_size, 768))  # ids without a text, which are never picked
        with torch.no_grad():
            whole = qwen.generate(
                torch.tensor(ids)[None], max_new_tokens=len(answer["ids"]), do_sample=False,
                eos_token_id=10_000, pad_token_id=0, suppress_tokens=beyond,
            )  # fmt: skip
        assert whole[0, len(ids) :].tolist() == answer["ids"] and answer["ids"]


def test_qwen2_chats_have_transformers_ids(folder: Path) -> None:
    """A system text has its own turn; without one the template writes its own."""
    from transformers import PreTrainedTokenizerFast

    from gemma_mlx.text.chat_template import Message, render_chat

    theirs = PreTrainedTokenizerFast.from_pretrained(str(folder))
    tokenizer = load_model(folder).tokenizer
    chats = [
        [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello  there\n"), ("user", "Größe? 你好")],
        [("user", "Hi"), ("assistant", "x"), ("user", " y ")],
    ]
    for chat in chats:
        rows = [{"role": role, "content": text} for role, text in chat]
        wanted = theirs.apply_chat_template(
            rows, add_generation_prompt=True, tokenize=True, return_dict=False
        )
        messages = [Message(role, text) for role, text in chat]  # type: ignore[arg-type]
        got = render_chat(tokenizer, messages, add_generation_prompt=True)
        assert got.ids == list(wanted)


def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (3, 24) and which of their tokens carry loss; the last row is shorter and padded on the right."""
    rng = np.random.default_rng(3)
    for _ in range(10):
        ids, mask = rng.integers(3, 700, (3, 24)), np.zeros((3, 24), bool)
        mask[:2, 8:], mask[2, 4:15] = True, True
        yield ids, mask


def test_qwen2_learns_as_with_peft(qwen: Any, folder: Path, tmp_path: Path) -> None:
    """The adapter goes to PEFT, ten steps are made by each, and the merged model is the same."""
    import copy

    import mlx.core as mx
    import torch
    from peft import PeftModel

    from gemma_mlx.adapters.lora import add_lora, lora_modules
    from gemma_mlx.adapters.peft import adapter_tensors, load_adapter, save_adapter
    from gemma_mlx.data.batches import collate_padded
    from gemma_mlx.data.formats import Example
    from gemma_mlx.exchange.merge import save_merged
    from gemma_mlx.training.optimizer import Optimizer
    from gemma_mlx.training.step import StepFunction, to_inputs

    loaded = load_model(folder)
    settings = LoraSettings(rank=4, alpha=8)
    add_lora(loaded.model, settings, 0)
    for index, (_, module) in enumerate(lora_modules(loaded.model)):
        module.lora_B = 0.05 * mx.random.normal(module.lora_B.shape, key=mx.random.key(index))
    assert len(list(lora_modules(loaded.model))) == 21
    save_adapter(tmp_path / "start", loaded.model, settings, str(folder))
    tuned = PeftModel.from_pretrained(copy.deepcopy(qwen), str(tmp_path / "start"), is_trainable=True)
    assert relative(ours(loaded), gold(tuned.eval())) < limits.LOGITS
    assert relative(ours(loaded), gold(qwen)) > 1e-2

    plan = TrainSettings(learning_rate=1e-2, schedule="constant", warmup_steps=0, max_gradient_norm=None)
    step, optimizer = StepFunction(loaded.model, plan, None), Optimizer(plan)
    parameters = step.parameters()
    theirs = torch.optim.AdamW(
        [each for each in tuned.parameters() if each.requires_grad], lr=1e-2, weight_decay=0.0
    )
    losses = []
    for number, (ids, mask) in enumerate(batches()):
        rows = [
            Example(ids[row, : 15 if row == 2 else 24].tolist(), mask[row, : 15 if row == 2 else 24].tolist(),
                    "rows", row, "")
            for row in range(3)
        ]  # fmt: skip
        inputs = to_inputs(collate_padded(rows))
        loss, gradients = step.gradients(parameters, inputs, number, 0)
        mean = {name: value * (1 / inputs.tokens) for name, value in gradients.items()}

        theirs.zero_grad()
        logits = tuned(input_ids=torch.tensor(ids)).logits[:, :-1]
        kept = torch.tensor(mask)[:, 1:]
        wanted = torch.nn.functional.cross_entropy(logits[kept], torch.tensor(ids)[:, 1:][kept])
        wanted.backward()
        assert inputs.tokens == int(kept.sum())
        losses.append((float(loss) / inputs.tokens, float(wanted.detach())))
        if number == 0:
            named = {name: each.grad.numpy() for name, each in tuned.named_parameters() if each.requires_grad}
            for path, module in lora_modules(loaded.model):
                assert module is not None
                for part in ("lora_A", "lora_B"):
                    expected = named[f"base_model.model.{path}.{part}.default.weight"]
                    assert relative(np.array(mean[f"{path}.{part}"]), expected) < limits.WORST_GRADIENT
        parameters = optimizer.update(parameters, mean, 1e-2)
        mx.eval(parameters)
        step.assign(parameters)
        theirs.step()
    assert max(abs(a / b - 1) for a, b in losses) < limits.MANY_STEPS
    assert abs(losses[0][0] / losses[0][1] - 1) < limits.LOSS
    assert losses[-1][0] != losses[0][0]

    tuned.save_pretrained(str(tmp_path / "theirs"))
    back = load_model(folder)
    load_adapter(tmp_path / "theirs", back.model)
    assert adapter_tensors(back.model).keys() == adapter_tensors(loaded.model).keys()
    assert relative(ours(back), gold(tuned.eval())) < limits.LOGITS
    *_, done = save_merged(folder, tmp_path / "theirs", tmp_path / "merged", dtype="float32")
    assert isinstance(done, Done)
    merged = tuned.merge_and_unload()
    assert relative(ours(load_model(tmp_path / "merged")), gold(merged)) < limits.LOGITS
    from transformers import AutoModelForCausalLM

    again = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", attn_implementation="eager")
    assert relative(gold(again), gold(merged)) < limits.LOGITS


def test_quantized_qwen2_equals_its_own_dequantized_weights(qwen: Any, folder: Path) -> None:
    import copy

    import mlx.core as mx
    import torch

    from gemma_mlx.adapters.lora import dense_weight
    from gemma_mlx.weights.packing import module_at

    loaded = load_model(folder, quantization=QuantizeSettings(bits=8, group_size=32), dtype="float32")
    model = copy.deepcopy(qwen)
    changed = 0
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            module = module_at(loaded.model, name.rpartition(".")[0])
            if name.endswith(".weight") and "scales" in module:
                parameter.copy_(torch.tensor(np.array(dense_weight(module).astype(mx.float32))))
                changed += 1
    assert changed > 0
    assert relative(ours(loaded), gold(model)) < limits.QUANTIZED


def test_verify_records_and_compares_a_qwen2(folder: Path, tmp_path: Path) -> None:
    from tests.command_line import gemma

    recording = tmp_path / "qwen.recording"
    assert gemma("record", folder, "--out", recording).status == 0
    document = gemma("verify", folder, "--recording", recording, "--json").document
    assert document["passed"] >= 10 and document["failed"] == 0
