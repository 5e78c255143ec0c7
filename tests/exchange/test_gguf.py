"""GGUF files read back: names, shapes, values, the tokenizer; and run by llama.cpp where it is installed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.adapters.peft import save_adapter
from gemma_mlx.errors import AdapterError, GemmaError, ModelError
from gemma_mlx.events import Done
from gemma_mlx.exchange.gguf import KINDS, export_gguf, export_gguf_adapter, refuse_gguf
from gemma_mlx.load import load_model
from gemma_mlx.models.config import parameter_shapes
from gemma_mlx.settings import LoraSettings
from gemma_mlx.text.tokenizer import load_tokenizer
from gemma_mlx.weights.packing import module_at
from tests.adapters.test_lora import adapted
from tests.tiny import TINY_GENERATIONS, write_tiny_model

gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module", params=TINY_GENERATIONS)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf") / request.param
    return write_tiny_model(folder, request.param, dtype="float16", tokenizer=True)


def exported(base: Path, target: Path, **more: Any) -> Path:
    *_, done = export_gguf(base, target, **more)
    assert isinstance(done, Done)
    return Path(done.result["file"])


def read(path: Path) -> Any:
    return gguf.GGUFReader(path)


def values(reader: Any) -> dict[str, np.ndarray]:
    """Every tensor in float32."""
    return {
        tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for tensor in reader.tensors
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_back_is_the_model(base: Path, tmp_path: Path, kind: Any) -> None:
    found = values(read(exported(base, tmp_path / "out", kind=kind)))
    loaded = load_model(base)
    assert len(found) == len(parameter_shapes(loaded.config))
    worst = {"f16": 0.0, "bf16": 2.0**-8, "q8_0": 0.01, "q4_0": 0.13}[kind]
    embedding = np.array(loaded.model.model.embed_tokens.weight.astype(mx.float32))
    assert found["token_embd.weight"].shape == embedding.shape
    up = np.array(module_at(loaded.model, "model.layers.1.mlp.up_proj").weight.astype(mx.float32))
    difference = np.abs(found["blk.1.ffn_up.weight"] - up).max()
    assert difference <= worst * np.abs(up).max()
    norm = np.array(module_at(loaded.model, "model.layers.1.input_layernorm").weight.astype(mx.float32))
    assert np.array_equal(found["blk.1.attn_norm.weight"], norm + 1)


def test_fields_and_tokenizer(base: Path, tmp_path: Path) -> None:
    fields = read(exported(base, tmp_path / "out")).fields
    loaded = load_model(base)
    architecture = fields["general.architecture"].contents()
    assert fields[f"{architecture}.block_count"].contents() == loaded.config.num_layers
    assert fields[f"{architecture}.attention.key_length"].contents() == loaded.config.head_dim
    tokens = fields["tokenizer.ggml.tokens"].contents()
    assert len(tokens) == loaded.config.vocab_size
    end = loaded.tokenizer.control_id("<end_of_turn>")
    assert tokens[end] == "<end_of_turn>"
    assert fields["tokenizer.ggml.token_type"].contents()[end] == 3
    assert fields["tokenizer.ggml.eot_token_id"].contents() == end
    assert "<start_of_turn>" in fields["tokenizer.chat_template"].contents()
    text = (tmp_path / "out" / "Modelfile").read_text()
    assert text.startswith("FROM ./out-F16.gguf") and "<start_of_turn>model" in text


def test_an_adapter_is_folded_in_or_written_alone(tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "base", "gemma2", tokenizer=True)
    settings = LoraSettings(rank=4, use_rslora=True, rank_pattern={"model.layers.1.mlp.up_proj": 2})
    save_adapter(tmp_path / "adapter", adapted(settings), settings, "base")
    merged = values(read(exported(base, tmp_path / "merged", adapter=tmp_path / "adapter")))
    plain = values(read(exported(base, tmp_path / "plain")))
    *_, done = export_gguf_adapter(base, tmp_path / "adapter", tmp_path / "alone")
    assert isinstance(done, Done)
    reader = read(Path(done.result["file"]))
    alone = values(reader)
    alpha = reader.fields["adapter.lora.alpha"].contents()
    for name in ("blk.1.ffn_up.weight", "blk.0.attn_q.weight"):
        low, high = alone[f"{name}.lora_a"], alone[f"{name}.lora_b"]
        update = alpha / low.shape[0] * (high @ low)
        assert np.abs(update).max() > 0.01
        assert np.allclose(merged[name], plain[name] + update, atol=4e-3)


def test_dora_is_refused_alone(tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "base", "gemma2", tokenizer=True)
    settings = LoraSettings(use_dora=True)
    save_adapter(tmp_path / "adapter", adapted(settings), settings, "base")
    with pytest.raises(AdapterError) as caught:
        list(export_gguf_adapter(base, tmp_path / "adapter", tmp_path / "out"))
    assert caught.value.code == "dora-in-gguf" and not (tmp_path / "out").exists()


def test_a_weight_beyond_float16_is_told(tmp_path: Path) -> None:
    import tests.tiny as tiny

    base = write_tiny_model(tmp_path / "base", "gemma", tokenizer=True)
    weights = tiny.tiny_weights(tiny.tiny_config("gemma"))
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = 1e6
    tiny.write_shards(base, weights)
    with pytest.raises(ModelError) as caught:
        exported(base, tmp_path / "out")
    assert caught.value.code == "too-large-for-f16" and not (tmp_path / "out").exists()
    exported(base, tmp_path / "out", kind="bf16")


def test_a_folder_that_is_there_is_left_alone(base: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(GemmaError) as caught:
        exported(base, tmp_path / "out")
    assert caught.value.code == "folder-exists"


def test_reading_gguf_is_refused_with_a_way_out() -> None:
    assert "gemma-mlx download" in refuse_gguf(Path("x.gguf")).fix


PROMPT = "What is the capital of France? Tell me a story about a small ship and its captain."


def theirs(path: Path, **more: Any) -> Any:
    llama = pytest.importorskip("llama_cpp")
    return llama.Llama(str(path), n_ctx=256, logits_all=True, verbose=False, n_threads=1, seed=1, **more)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_llama_cpp_gives_the_same_tokens_and_logits(base: Path, tmp_path: Path) -> None:
    model = theirs(exported(base, tmp_path / "out"))
    loaded = load_model(base, dtype="float32")
    ids = loaded.tokenizer.encode(PROMPT, bos=True)
    assert model.tokenize(PROMPT.encode(), add_bos=True, special=False) == ids
    assert len(ids) > 16  # longer than the window
    model.eval(ids)
    given = np.array(model.scores[: len(ids)])
    ours = np.array(loaded.model(mx.array([ids]))[0])
    assert np.abs(given - ours).max() < 0.01 * np.abs(ours).max()
    same = 0
    for _ in range(64):
        choice = int(mx.argmax(loaded.model(mx.array([ids]))[0, -1]))
        same += int(np.argmax(model.scores[model.n_tokens - 1])) == choice
        ids.append(choice)
        model.eval([choice])
    print(f"{loaded.config.name}: {same} of 64 greedy tokens, logits within {np.abs(given - ours).max():.1e}")
    assert same == 64


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_llama_cpp_runs_the_adapter(tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "base", "gemma2", dtype="float16", tokenizer=True)
    settings = LoraSettings(rank=4)
    save_adapter(tmp_path / "adapter", adapted(settings), settings, "base")
    *_, done = export_gguf_adapter(base, tmp_path / "adapter", tmp_path / "alone")
    assert isinstance(done, Done)
    model = theirs(exported(base, tmp_path / "plain"), lora_path=done.result["file"])
    loaded = load_model(base, dtype="float32", adapter=tmp_path / "adapter")
    ids = loaded.tokenizer.encode(PROMPT, bos=True)
    model.eval(ids)
    ours = np.array(loaded.model(mx.array([ids]))[0])
    assert np.abs(np.array(model.scores[: len(ids)]) - ours).max() < 0.01 * np.abs(ours).max()


TEXTS = (
    "Hello, world!", "  two spaces\n\nand lines\t\ttabs", "<b>html</b><table>", "naïve 你好 привет 🙂👩‍👩‍👧",
    "def f(x):\n    return x**2 # 12345", "<start_of_turn>user", "\n\n\n   \n", "a" * 50,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_llama_cpp_reads_the_real_vocabulary_as_we_do(test_data: Path, tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "base", "gemma2", vocab_size=256_000, num_hidden_layers=1)
    for path in (test_data / "tokenizers" / "gemma-2").iterdir():
        shutil.copyfile(path, base / path.name)
    llama = pytest.importorskip("llama_cpp")
    model = llama.Llama(str(exported(base, tmp_path / "out", kind="q8_0")), vocab_only=True, verbose=False)
    tokenizer = load_tokenizer(base)
    for text in TEXTS:
        ids = tokenizer.encode(text, bos=True)
        assert model.tokenize(text.encode(), add_bos=True, special=False) == ids
        assert model.detokenize(ids[1:]).decode() == text
    turns = model.tokenize(b"<start_of_turn>user\nhi<end_of_turn>", add_bos=False, special=True)
    assert [turns[0], turns[-1]] == [106, 107]
