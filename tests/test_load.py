"""The one door: folders of every kind, adapters, clear errors within two seconds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from gemma_mlx import load
from gemma_mlx.adapters.lora import add_lora
from gemma_mlx.adapters.peft import save_adapter
from gemma_mlx.errors import AdapterError, GemmaError, ModelError, SettingsError, TokenizerError
from gemma_mlx.events import Event, Progress, Warning
from gemma_mlx.load import load_model
from gemma_mlx.settings import LoraSettings, QuantizeSettings
from gemma_mlx.weights.quantize import save_quantized
from tests.tiny import tiny_config, tiny_weights, write_json, write_shards, write_tiny_model
from tests.weights.bitsandbytes_files import write_nf4_model

IDS = mx.array([[2, 300, 7, 44, 501, 9, 120, 3]])


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text", "gemma3"])
def test_dialects_shards_and_brackets_give_one_model(tmp_path: Path, generation: str) -> None:
    plain = load_model(write_tiny_model(tmp_path / "plain", generation))
    other = load_model(
        str(write_tiny_model(tmp_path / "a [b] {c}*?", generation, dialect="transformers5", shards=3))
    )
    logits = plain.model(IDS)
    assert logits.shape == (1, 8, 512)
    assert mx.isfinite(logits).all()
    assert mx.array_equal(logits, other.model(IDS))
    assert plain.fingerprint == other.fingerprint
    assert plain.warnings == ()
    assert not plain.model.training


def test_a_name_of_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMMA_MLX_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    folder = write_tiny_model(tmp_path / "models" / "tiny")
    assert load_model("tiny").folder == folder


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_dtype_casts_the_whole_model(tmp_path: Path, dtype: str) -> None:
    folder = write_tiny_model(tmp_path)
    exact = load_model(folder).model(IDS)
    logits = load_model(folder, dtype=dtype).model(IDS)
    assert str(logits.dtype).endswith(dtype)
    assert float(mx.linalg.norm(logits.astype(mx.float32) - exact)) < 0.05 * float(mx.linalg.norm(exact))


def test_an_unknown_dtype_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="int4"):
        load_model(write_tiny_model(tmp_path), dtype="int4")


def test_progress_is_told(tmp_path: Path) -> None:
    events: list[Event] = []
    load_model(write_tiny_model(tmp_path), progress=events.append)
    steps = [event for event in events if isinstance(event, Progress)]
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))


def test_the_tokenizer_is_read_at_first_use(tmp_path: Path) -> None:
    loaded = load_model(write_tiny_model(tmp_path / "with", tokenizer=True))
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("Hello, world")) == "Hello, world"
    assert loaded.tokenizer is loaded.tokenizer
    without = load_model(write_tiny_model(tmp_path / "without"))
    with pytest.raises(TokenizerError) as caught:
        _ = without.tokenizer
    assert caught.value.code == "no-tokenizer"


def test_a_resized_vocabulary_is_that_of_the_file_with_a_warning(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    write_shards(folder, tiny_weights(tiny_config("gemma2", vocab_size=520)))
    loaded = load_model(folder)
    assert loaded.config.vocab_size == 520
    assert loaded.model(IDS).shape[-1] == 520
    assert [warning.code for warning in loaded.warnings] == ["other-vocabulary"]


def test_a_quantized_folder_is_used_as_it_is(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source")
    settings = QuantizeSettings(bits=4, group_size=32)
    list(save_quantized(source, tmp_path / "four", settings))
    same = load_model(tmp_path / "four", quantization=settings)
    assert same.warnings == ()
    events: list[Event] = []
    other = load_model(tmp_path / "four", quantization=QuantizeSettings(bits=8), progress=events.append)
    assert [warning.code for warning in other.warnings] == ["kept-quantization"]
    assert "4 bit" in other.warnings[0].what
    assert any(isinstance(event, Warning) for event in events)
    assert other.model.model.embed_tokens.bits == 4
    assert mx.array_equal(same.model(IDS), other.model(IDS))


def test_nf4_by_default_exactly_and_again_to_4_bit(tmp_path: Path) -> None:
    folder, expected = write_nf4_model(tmp_path / "nf4")
    kept = load_model(folder)
    up = kept.model.model.layers[0].mlp.up_proj
    assert isinstance(up, nn.QuantizedLinear)
    assert up.bits == 8
    assert kept.warnings == ()
    exact = load_model(folder, dtype="float32").model
    weight = exact.model.layers[0].mlp.up_proj.weight
    assert np.array_equal(np.array(weight), expected["model.layers.0.mlp.up_proj.weight"])
    logits = exact(IDS)
    assert float(mx.linalg.norm(kept.model(IDS) - logits)) < 0.1 * float(mx.linalg.norm(logits))
    again = load_model(folder, quantization=QuantizeSettings(bits=4))
    assert [warning.code for warning in again.warnings] == ["requantized"]


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter of the tiny Gemma 2 that changes its logits."""
    base = write_tiny_model(tmp_path / "base")
    loaded = load_model(base)
    settings = LoraSettings(rank=4)
    add_lora(loaded.model, settings, seed=1)
    for path, module in loaded.model.named_modules():
        if "lora_B" in module:
            module.lora_B = mx.random.normal(module.lora_B.shape, key=mx.random.key(len(path)))
    save_adapter(tmp_path / "adapter", loaded.model, settings, str(base))
    np.save(tmp_path / "logits.npy", np.array(loaded.model(IDS)))
    return tmp_path / "adapter"


def test_an_adapter_is_attached(tmp_path: Path, adapter: Path) -> None:
    loaded = load_model(tmp_path / "base", adapter=adapter)
    assert loaded.adapter == adapter
    assert np.array_equal(np.array(loaded.model(IDS)), np.load(tmp_path / "logits.npy"))
    assert not mx.array_equal(loaded.model(IDS), load_model(tmp_path / "base").model(IDS))
    assert load_model(tmp_path / "base", adapter=adapter, quantization=QuantizeSettings()).model(IDS).shape


def test_an_adapter_of_another_model_is_refused(tmp_path: Path, adapter: Path) -> None:
    other = write_tiny_model(tmp_path / "other", hidden_size=128)
    _refused_quickly(lambda: load_model(other, adapter=adapter), AdapterError)


def _refused_quickly(action: Any, kind: type[GemmaError] = ModelError) -> GemmaError:
    begin = time.perf_counter()
    with pytest.raises(kind) as caught:
        action()
    # The bound that users are promised; each of these takes milliseconds.
    assert time.perf_counter() - begin < 2
    error = caught.value
    assert error.what
    assert error.where
    assert error.fix
    return error


def _change_config(folder: Path, **changes: Any) -> None:
    raw = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", raw | changes)


def test_a_hundred_thousand_layers_are_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    _change_config(folder, num_hidden_layers=100_000)
    error = _refused_quickly(lambda: load_model(folder))
    assert "num_hidden_layers" in error.where


def test_more_layers_than_the_file_has_are_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    _change_config(folder, num_hidden_layers=500)
    error = _refused_quickly(lambda: load_model(folder))
    assert error.code == "missing-tensor"
    assert "model.layers.4." in error.where


def test_a_nan_weight_is_named_unless_unchecked(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    weights = tiny_weights(tiny_config("gemma2"))
    weights["model.layers.3.mlp.down_proj.weight"][5, 5] = np.nan
    write_shards(folder, weights, shards=3)
    error = _refused_quickly(lambda: load_model(folder))
    assert error.code == "not-finite"
    tensor = "model.layers.3.mlp.down_proj.weight"
    assert f"model-00003-of-00003.safetensors, tensor {tensor}, row 5" in error.where
    assert load_model(folder, check=False)


@pytest.mark.parametrize(
    ("file", "code"),
    [("config.json", "unreadable-config"), ("model.safetensors", "unreadable-weights")],
)
@pytest.mark.parametrize("trap", ["fifo", "loop", "folder"])
def test_traps_in_the_place_of_files(tmp_path: Path, file: str, code: str, trap: str) -> None:
    folder = write_tiny_model(tmp_path)
    (folder / file).unlink()
    if trap == "fifo":
        os.mkfifo(folder / file)
    elif trap == "loop":
        (folder / file).symlink_to(file)
    else:
        (folder / file).mkdir()
    assert _refused_quickly(lambda: load_model(folder)).code == code


def test_truncated_missing_and_absent(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model", shards=2)
    shard = folder / "model-00002-of-00002.safetensors"
    os.truncate(shard, shard.stat().st_size // 2)
    assert _refused_quickly(lambda: load_model(folder)).code == "truncated-weights"
    shard.unlink()
    assert _refused_quickly(lambda: load_model(folder)).code == "missing-shard"
    (folder / "config.json").unlink()
    assert _refused_quickly(lambda: load_model(folder)).code == "no-config"
    assert _refused_quickly(lambda: load_model(tmp_path / "gone")).code == "no-model"
    file = folder / "model-00001-of-00002.safetensors"
    assert _refused_quickly(lambda: load_model(file)).code == "no-model"
    assert _refused_quickly(lambda: load_model(tmp_path)).code == "no-config"


def test_other_families_say_so(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    _change_config(folder, model_type="whisper")
    assert "whisper" in _refused_quickly(lambda: load_model(folder)).what


def test_every_known_generation_has_a_builder() -> None:
    from gemma_mlx.models.config import GENERATIONS

    assert load.BUILDERS.keys() == GENERATIONS.keys()
