"""Module by module: widths, checks, what NF4 becomes, and that memory stays bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.errors import ModelError, SettingsError
from gemma_mlx.models.config import read_config
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights.checks import check_model
from gemma_mlx.weights.packing import dequantize_weight
from gemma_mlx.weights.prepare import PreparedModule, prepare_modules, working_dtype
from gemma_mlx.weights.scheme import Scheme
from tests.tiny import tiny_config, tiny_weights, write_shards, write_tiny_model
from tests.weights.bitsandbytes_files import write_nf4_model


def _prepare(folder: Path, *arguments: Any, **options: Any) -> dict[str, PreparedModule]:
    model = check_model(folder, read_config(folder))
    return {module.path: module for module in prepare_modules(model, *arguments, **options)}


def _dtypes(modules: dict[str, PreparedModule]) -> set[str]:
    arrays = (array for module in modules.values() for array in module.tensors.values())
    return {str(array.dtype).removeprefix("mlx.core.") for array in arrays}


def test_every_module_comes_once_and_as_it_is_stored(tmp_path: Path) -> None:
    modules = _prepare(write_tiny_model(tmp_path, dtype="bfloat16"))
    assert _dtypes(modules) == {"bfloat16"}
    assert len(modules) == 4 * (7 + 4) + 2
    assert all(module.scheme is None for module in modules.values())


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_dtype_casts(tmp_path: Path, dtype: str) -> None:
    assert _dtypes(_prepare(write_tiny_model(tmp_path), None, dtype)) == {dtype}


def test_mixed_widths_become_the_embeddings(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, shards=2, dtype="bfloat16")
    weights = tiny_weights(tiny_config("gemma2"))
    wide = write_tiny_model(tmp_path / "wide", shards=2)
    (wide / "model-00002-of-00002.safetensors").rename(folder / "model-00002-of-00002.safetensors")
    assert "model.norm.weight" in weights
    assert _dtypes(_prepare(folder)) == {"bfloat16"}


def test_quantizing_computes_in_bfloat16_unless_told(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    assert _dtypes(_prepare(folder, QuantizeSettings())) == {"uint32", "bfloat16"}
    assert _dtypes(_prepare(folder, QuantizeSettings(), "float32")) == {"uint32", "float32"}
    assert _dtypes(_prepare(folder, QuantizeSettings(mode="mxfp4"))) == {"uint32", "uint8", "bfloat16"}


def test_an_unknown_dtype_is_refused(tmp_path: Path) -> None:
    model = check_model(write_tiny_model(tmp_path), read_config(tmp_path))
    with pytest.raises(SettingsError, match="float8"):
        working_dtype(model, None, "float8")


def test_errors_are_measured_where_asked(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    measured = _prepare(folder, QuantizeSettings(bits=4), measure=True)
    errors = [module.error for module in measured.values() if module.scheme]
    assert all(error is not None and 0.06 < error < 0.12 for error in errors)
    assert {module.error for module in _prepare(folder, QuantizeSettings()).values()} == {None}


def test_nf4_is_kept_at_8_bit(tmp_path: Path) -> None:
    folder, expected = write_nf4_model(tmp_path / "model")
    modules = _prepare(folder)
    for path, module in modules.items():
        if "proj" not in path:
            assert module.scheme is None
            continue
        assert module.scheme == Scheme("affine", 8, 64)
        dense = np.array(dequantize_weight(module.tensors, module.scheme))
        exact = expected[f"{path}.weight"]
        assert np.sqrt(((dense - exact) ** 2).mean() / (exact**2).mean()) < 0.01


def test_nf4_is_dequantized_where_a_dtype_is_given(tmp_path: Path) -> None:
    folder, expected = write_nf4_model(tmp_path / "model")
    modules = _prepare(folder, None, "float32")
    assert _dtypes(modules) == {"float32"}
    for path, module in modules.items():
        assert np.array_equal(np.array(module.tensors["weight"]), expected[f"{path}.weight"]), path


def test_nf4_is_requantized_as_asked(tmp_path: Path) -> None:
    folder, _ = write_nf4_model(tmp_path / "model")
    modules = _prepare(folder, QuantizeSettings(bits=6, embedding_bits=16))
    assert modules["model.layers.0.mlp.up_proj"].scheme == Scheme("affine", 6, 64)
    assert modules["model.embed_tokens"].scheme is None


def _spoiled(folder: Path, name: str, value: float) -> Path:
    weights = tiny_weights(tiny_config("gemma2"))
    weights[name].reshape(-1)[5] = value
    write_tiny_model(folder)
    write_shards(folder, weights)
    return folder


@pytest.mark.parametrize(
    "name", ["model.embed_tokens.weight", "model.layers.2.mlp.up_proj.weight", "model.norm.weight"]
)
@pytest.mark.parametrize("settings", [None, QuantizeSettings()])
def test_a_nan_weight_is_named(tmp_path: Path, name: str, settings: QuantizeSettings | None) -> None:
    folder = _spoiled(tmp_path, name, float("nan"))
    with pytest.raises(ModelError) as caught:
        _prepare(folder, settings)
    assert caught.value.code == "not-finite"
    assert f"model.safetensors, tensor {name}" in caught.value.where
    assert _prepare(folder, settings, check=False)


def test_a_value_too_large_for_float16_is_named(tmp_path: Path) -> None:
    name = "model.layers.2.mlp.up_proj.weight"
    folder = _spoiled(tmp_path, name, 1e6)
    with pytest.raises(ModelError) as caught:
        _prepare(folder, None, "float16")
    assert caught.value.code == "overflow"
    assert name in caught.value.where
    assert _prepare(folder, None, "bfloat16")


def test_only_one_module_is_held_in_full_width(tmp_path: Path) -> None:
    folder = write_tiny_model(
        tmp_path, "gemma", num_hidden_layers=8, hidden_size=256, intermediate_size=1024, vocab_size=512
    )
    model = check_model(folder, read_config(folder))
    largest = max(tensor.size for tensor in model.checkpoint.tensors.values())
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    quantized = [module.tensors for module in prepare_modules(model, QuantizeSettings(bits=4))]
    kept = sum(array.nbytes for tensors in quantized for array in tensors.values())
    assert mx.get_peak_memory() - before < kept + 4 * largest < model.checkpoint.size / 1.5
