"""What is written is read back; a weight that is not a number is found; nothing is half written."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from safetensors.numpy import load_file

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.models.config import read_config
from gemma_mlx.weights import files
from gemma_mlx.weights.headers import read_headers
from tests.tiny import tiny_config, tiny_weights, write_tiny_model
from tests.weights.bitsandbytes_files import write_nf4_model


def _read(folder: Path) -> dict[str, mx.array]:
    return files.read_weights(folder, read_config(folder))


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text", "gemma3"])
@pytest.mark.parametrize("dialect", ["hub", "transformers5"])
def test_every_kind_of_folder_gives_the_decoders_names(tmp_path: Path, generation: str, dialect: str) -> None:
    folder = write_tiny_model(tmp_path / "with [brackets]", generation, dialect=dialect, shards=3)
    expected = tiny_weights(tiny_config(generation, dialect=dialect))
    weights = _read(folder)
    assert weights.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(np.array(weights[name]), array), name


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_stored_width_is_kept(tmp_path: Path, dtype: str) -> None:
    weights = _read(write_tiny_model(tmp_path, dtype=dtype))
    assert {str(array.dtype) for array in weights.values()} == {f"mlx.core.{dtype}"}


def test_links_as_in_the_hubs_cache(tmp_path: Path) -> None:
    real = write_tiny_model(tmp_path / "blobs")
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "config.json").symlink_to(real / "config.json")
    (real / "model.safetensors").rename(real / "4f2a")
    (folder / "model.safetensors").symlink_to("../blobs/4f2a")
    assert np.isfinite(np.array(_read(folder)["model.norm.weight"])).all()


def test_nf4_comes_dequantized(tmp_path: Path) -> None:
    folder, expected = write_nf4_model(tmp_path / "model")
    weights = _read(folder)
    assert weights.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(np.array(weights[name].astype(mx.float32)), array), name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("shape", [(300, 64), (64,), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16, mx.float16])
def test_one_bad_value_is_found(value: float, shape: tuple[int, ...], dtype: mx.Dtype) -> None:
    array = mx.random.normal(shape).astype(dtype)
    files.check_finite(array, "file, tensor x")
    flat = array.reshape(-1)
    flat[7] = value
    with pytest.raises(ModelError) as caught:
        files.check_finite(flat.reshape(shape), "file, tensor x")
    assert caught.value.code == "not-finite"
    assert "file, tensor x" in caught.value.where


def test_the_bad_row_is_named_and_large_values_pass() -> None:
    array = mx.full((5, 2048), 60_000, mx.float16)
    files.check_finite(array, "x")
    files.check_finite(mx.full((3, 64), 3e38, mx.bfloat16), "x")
    files.check_finite(mx.zeros((0, 4)), "x")
    files.check_finite(mx.full((4,), 0xFFFFFFFF, mx.uint32), "x")
    array[3, 100] = float("nan")
    with pytest.raises(ModelError, match="row 3"):
        files.check_finite(array, "x")


def test_infinities_that_cancel_are_found() -> None:
    with pytest.raises(ModelError):
        files.check_finite(mx.array([[float("inf"), float("-inf")]]), "x")


@pytest.mark.parametrize(("mode", "code"), [("mxfp4", 255), ("mxfp8", 255), ("nvfp4", 127), ("nvfp4", 255)])
def test_scale_codes_that_mean_nan(mode: str, code: int) -> None:
    weight = mx.random.normal((8, 64))
    numbers = {"mxfp4": (32, 4), "mxfp8": (32, 8), "nvfp4": (16, 4)}[mode]
    packed, scales, *_ = mx.quantize(weight, *numbers, mode=mode)
    files.check_scale_codes(scales, mode, "x")
    scales[2, 1] = code
    # MLX itself reads these codes as not a number.
    assert not mx.isfinite(mx.dequantize(packed, scales, None, *numbers, mode=mode)).all()
    with pytest.raises(ModelError):
        files.check_scale_codes(scales, mode, "x")


def test_checking_costs_little_memory() -> None:
    array = mx.random.normal((4096, 1024)).astype(mx.bfloat16)
    mx.eval(array)
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    files.check_finite(array, "x")
    assert mx.get_peak_memory() - before < array.nbytes / 10


@pytest.mark.parametrize("shard_bytes", [10**9, 60_000])
def test_what_is_saved_is_read_back(tmp_path: Path, shard_bytes: int) -> None:
    source = write_tiny_model(tmp_path / "source", dtype="bfloat16", tokenizer=True)
    (source / "LICENSE").write_text("licence")
    weights = _read(source)
    raw = json.loads((source / "config.json").read_text())
    target = tmp_path / "target"
    files.save_weights(target, weights, raw, companions_of=source, shard_bytes=shard_bytes)
    shards = list(target.glob("*.safetensors"))
    assert (len(shards) > 1) == (shard_bytes < 10**9)
    assert all(shard.stat().st_size < shard_bytes + 80_000 for shard in shards)
    again = _read(target)
    assert again.keys() == weights.keys()
    assert all(mx.array_equal(again[name], weights[name]) for name in weights)
    assert read_headers(target).fingerprint() == read_headers(source).fingerprint()
    assert (target / "tokenizer.model").read_bytes() == (source / "tokenizer.model").read_bytes()
    assert (target / "LICENSE").exists()
    assert json.loads((target / "config.json").read_text()) == raw


def test_the_safetensors_library_reads_what_is_saved(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source")
    target = tmp_path / "target"
    files.save_weights(target, _read(source), json.loads((source / "config.json").read_text()))
    tensors = load_file(target / "model.safetensors")
    assert np.array_equal(tensors["model.norm.weight"], np.array(_read(source)["model.norm.weight"]))


def test_an_existing_folder_is_kept(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source")
    with pytest.raises(GemmaError) as caught:
        files.save_weights(source, _read(source), {})
    assert caught.value.code == "folder-exists"
    assert (source / "config.json").exists()


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_tiny_model(tmp_path / "source")
    weights = _read(source)
    real = mx.save_safetensors

    def short(path: str, arrays: dict[str, mx.array], metadata: dict[str, str]) -> None:
        real(path, arrays, metadata)
        os.truncate(path, 100)

    monkeypatch.setattr(files.mx, "save_safetensors", short)
    with pytest.raises(GemmaError) as caught:
        files.save_weights(tmp_path / "target", weights, {})
    assert caught.value.code == "cannot-write"
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_bad_folders_are_refused_at_once(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, shards=2)
    shard = folder / "model-00001-of-00002.safetensors"
    os.truncate(shard, 2000)
    begin = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        _read(folder)
    assert shard.name in caught.value.where
    # The bound that users are promised, with room: this takes milliseconds.
    assert time.perf_counter() - begin < 2
