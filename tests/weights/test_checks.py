"""A folder whose tensors do not fit its configuration is refused by name, shape and dtype."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import read_config
from gemma_mlx.weights.checks import CheckedModel, check_model
from gemma_mlx.weights.scheme import Scheme
from tests.tiny import tiny_config, tiny_weights, write_json, write_safetensors, write_tiny_model
from tests.weights.bitsandbytes_files import nf4_parts, write_mixed, write_nf4_model

Q_PROJ = "model.layers.1.self_attn.q_proj"


def _check(folder: Path) -> CheckedModel:
    return check_model(folder, read_config(folder))


def _folder(folder: Path, weights: dict[str, np.ndarray], raw: dict[str, Any] | None = None) -> Path:
    write_json(folder / "config.json", raw or tiny_config("gemma2"))
    write_safetensors(folder / "model.safetensors", weights)
    return folder


def _refused(folder: Path, code: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        _check(folder)
    assert caught.value.code == code
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text", "gemma3"])
@pytest.mark.parametrize("dialect", ["hub", "transformers5"])
def test_every_generation_and_dialect_passes(tmp_path: Path, generation: str, dialect: str) -> None:
    model = _check(write_tiny_model(tmp_path, generation, dialect=dialect, shards=2))
    assert not model.schemes
    assert not model.states
    assert not model.unused


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2"))
    del weights[f"{Q_PROJ}.weight"]
    error = _refused(_folder(tmp_path, weights), "missing-tensor")
    assert f"{Q_PROJ}.weight" in error.where
    del weights["model.norm.weight"]
    assert "and 1 more" in _refused(_folder(tmp_path, weights), "missing-tensor").what


def test_a_wrong_shape_is_named(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2"))
    weights[f"{Q_PROJ}.weight"] = weights[f"{Q_PROJ}.weight"][:-1]
    error = _refused(_folder(tmp_path, weights), "wrong-shape")
    assert "[63, 64]" in error.what
    assert "[64, 64]" in error.what
    assert f"{Q_PROJ}.weight" in error.where


def test_a_wrong_dtype_is_named(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2"))
    weights[f"{Q_PROJ}.weight"] = weights[f"{Q_PROJ}.weight"].astype(np.int8)
    error = _refused(_folder(tmp_path, weights), "wrong-dtype")
    assert "I8" in error.what


def test_more_layers_than_the_configuration_are_refused(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2"))
    folder = _folder(tmp_path, weights, tiny_config("gemma2", num_hidden_layers=3))
    error = _refused(folder, "unexpected-tensor")
    assert "model.layers.3." in error.what


def test_the_vocabulary_is_what_the_file_says(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2", vocab_size=520))
    model = _check(_folder(tmp_path, weights))
    assert model.config.vocab_size == 520


def test_head_and_embedding_have_one_vocabulary(tmp_path: Path) -> None:
    raw = tiny_config("gemma2", tie_word_embeddings=False)
    weights = tiny_weights(raw)
    weights["lm_head.weight"] = weights["lm_head.weight"][:500]
    assert "lm_head" in _refused(_folder(tmp_path, weights, raw), "wrong-shape").what


def test_a_stored_head_that_is_tied_is_not_read(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2", tie_word_embeddings=False))
    assert _check(_folder(tmp_path, weights)).unused == {"lm_head.weight"}


def test_a_stray_part_of_an_untied_head_is_refused(tmp_path: Path) -> None:
    raw = tiny_config("gemma2", tie_word_embeddings=False)
    weights = tiny_weights(raw) | {"lm_head.bias": np.zeros(512, np.float32)}
    assert "lm_head.bias" in _refused(_folder(tmp_path, weights, raw), "unexpected-tensor").what


def test_an_untied_head_is_needed(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2"))
    raw = tiny_config("gemma2", tie_word_embeddings=False)
    assert "lm_head.weight" in _refused(_folder(tmp_path, weights, raw), "missing-tensor").what


def _quantized(path: str, rows: int, columns: int, scheme: Scheme) -> dict[str, np.ndarray]:
    parts = {}
    for name, shape in scheme.shapes(rows, columns).items():
        integers = {"weight": np.uint32, "scales": np.uint8 if scheme.mode != "affine" else np.float32}
        parts[f"{path}.{name}"] = np.zeros(shape, integers.get(name, np.float32))
    return parts


def _with_quantized(folder: Path, parts: dict[str, np.ndarray], field: dict[str, Any] | None = None) -> Path:
    weights = tiny_weights(tiny_config("gemma2"))
    del weights[f"{Q_PROJ}.weight"]
    field = field or {"group_size": 64, "bits": 4}
    return _folder(folder, weights | parts, tiny_config("gemma2", quantization=field))


def test_quantized_modules_are_known_by_their_tensors(tmp_path: Path) -> None:
    for scheme in (Scheme("affine", 4, 64), Scheme("affine", 3, 32), Scheme("mxfp4", 4, 32)):
        model = _check(_with_quantized(tmp_path, _quantized(Q_PROJ, 64, 64, scheme)))
        assert model.schemes == {Q_PROJ: scheme}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({f"{Q_PROJ}.biases": None}, "missing-tensor"),
        ({f"{Q_PROJ}.weight": None}, "missing-tensor"),
        ({f"{Q_PROJ}.biases": np.zeros((64, 2), np.float32)}, "wrong-shape"),
        ({f"{Q_PROJ}.weight": np.zeros((64, 7), np.uint32)}, "wrong-shape"),
        ({f"{Q_PROJ}.weight": np.zeros((63, 8), np.uint32)}, "wrong-shape"),
        ({f"{Q_PROJ}.weight": np.zeros((64, 8), np.float32)}, "wrong-dtype"),
        ({f"{Q_PROJ}.scales": np.zeros((64, 1), np.int32)}, "wrong-dtype"),
        ({f"{Q_PROJ}.scales": np.zeros((64, 5), np.float32)}, "wrong-shape"),
        ({f"{Q_PROJ}.scales": np.zeros((64, 0), np.float32)}, "wrong-shape"),
    ],
)
def test_damaged_quantized_modules_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray | None], code: str
) -> None:
    parts: dict[str, Any] = _quantized(Q_PROJ, 64, 64, Scheme("affine", 4, 64)) | change
    parts = {name: part for name, part in parts.items() if part is not None}
    error = _refused(_with_quantized(tmp_path, parts), code)
    assert Q_PROJ in error.where


def test_quantized_tensors_without_the_field_say_so(tmp_path: Path) -> None:
    folder = _with_quantized(tmp_path, _quantized(Q_PROJ, 64, 64, Scheme("affine", 4, 64)))
    raw = json.loads((folder / "config.json").read_text())
    del raw["quantization"]
    write_json(folder / "config.json", raw)
    _refused(folder, "wrong-dtype")


@pytest.mark.parametrize("nested", [True, False])
def test_bitsandbytes_modules_are_known(tmp_path: Path, nested: bool) -> None:
    folder, _ = write_nf4_model(tmp_path / "model", nested=nested)
    model = _check(folder)
    assert len(model.states) == 4 * 7
    assert model.states[Q_PROJ].shape == (64, 64)


@pytest.mark.parametrize(
    ("ending", "replacement", "code"),
    [
        (".nested_absmax", None, "missing-tensor"),
        (".quant_map", np.zeros(15, np.float32), "wrong-shape"),
        (".absmax", np.zeros(3, np.uint8), "wrong-shape"),
        (".absmax", np.zeros(64, np.float32), "wrong-dtype"),
        ("", np.zeros((5, 1), np.uint8), "wrong-shape"),
        (".quant_state.bitsandbytes__nf4", np.frombuffer(b"{}", np.uint8), "damaged-weights"),
        (".quant_state.bitsandbytes__nf4", None, "wrong-dtype"),
    ],
)
def test_damaged_bitsandbytes_modules_are_refused(
    tmp_path: Path, ending: str, replacement: np.ndarray | None, code: str
) -> None:
    folder, _ = write_nf4_model(tmp_path / "model")
    weights: dict[str, Any] = tiny_weights(tiny_config("gemma2"))
    for name in [name for name in weights if "proj" in name]:
        parts: dict[str, Any] = nf4_parts(weights.pop(name))
        weights |= {name + part: value for part, value in parts.items()}
    weights[f"{Q_PROJ}.weight{ending}"] = replacement
    kept = {key: value for key, value in weights.items() if value is not None}
    write_mixed(folder / "model.safetensors", kept)
    assert Q_PROJ in _refused(folder, code).where


def test_a_state_of_another_shape_is_refused(tmp_path: Path) -> None:
    folder, _ = write_nf4_model(tmp_path / "model")
    raw = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", raw | {"intermediate_size": 256})
    _refused(folder, "wrong-shape")


def test_bitsandbytes_int8_is_refused_by_its_tensors_too(tmp_path: Path) -> None:
    weights = tiny_weights(tiny_config("gemma2"))
    weights[f"{Q_PROJ}.SCB"] = np.zeros(64, np.float32)
    assert "8-bit" in _refused(_folder(tmp_path, weights), "unexpected-tensor").what
