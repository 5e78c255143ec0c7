"""Headers are refused before data is touched: truncated, damaged, foreign, trapped files."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.weights.headers import parameter_name, read_header, read_headers
from tests.tiny import write_json, write_safetensors, write_tiny_model

INDEX = "model.safetensors.index.json"


def _write(path: Path, header: Any, data: bytes = b"", *, length: int | None = None) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def _entry(begin: int, end: int, shape: list[Any], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_single_and_sharded_give_the_same_tensors(tmp_path: Path) -> None:
    single = read_headers(write_tiny_model(tmp_path / "single"))
    sharded = read_headers(write_tiny_model(tmp_path / "shard[ed]", shards=3))
    assert len(single.files) == 1
    assert len(sharded.files) == 3
    assert single.tensors.keys() == sharded.tensors.keys()
    assert single.size == sharded.size
    assert single.tensors["model.norm.weight"].shape == (64,)


def test_files_that_the_index_does_not_name_are_not_read(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, shards=2)
    spoiled = {"model.norm.weight": np.full(64, np.nan, np.float32)}
    write_safetensors(folder / "model-backup.safetensors", spoiled)
    (folder / "model.safetensors").write_bytes(b"not read either")
    os.mkfifo(folder / "model-00003-of-00003.safetensors")
    assert len(read_headers(folder).files) == 2


def test_only_model_safetensors_is_read_without_an_index(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    (folder / "model-backup.safetensors").write_bytes(b"not read")
    assert read_headers(folder).files == (folder / "model.safetensors",)


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda path: path.write_bytes(b"\x01\x02"), "truncated-weights", "2 bytes of at least 8"),
        (lambda path: path.write_bytes(b""), "truncated-weights", "0 bytes"),
        (lambda path: _write(path, {}, length=500), "truncated-weights", "at least 508"),
        (lambda path: _write(path, {}, length=2**60), "damaged-weights", "claims a header"),
        (lambda path: _write(path, b"{not json"), "damaged-weights", "not JSON"),
        (lambda path: _write(path, b"[1]"), "damaged-weights", "not an object"),
        (lambda path: _write(path, b'{"a":{},"a":{}}'), "damaged-weights", "a is there twice"),
        (lambda path: _write(path, b"[" * 100_000), "damaged-weights", "not JSON"),
        (lambda path: _write(path, {"a": {"dtype": "F32"}}), "damaged-weights", "not complete"),
        (lambda path: _write(path, {"a": _entry(0, 4, [-1])}), "damaged-weights", "impossible numbers"),
        (lambda path: _write(path, {"a": _entry(0, 4, [True])}), "damaged-weights", "impossible numbers"),
        (lambda path: _write(path, {"a": _entry(8, 4, [1])}), "damaged-weights", "impossible numbers"),
        (lambda path: _write(path, {"a": _entry(0, 8, [3])}, bytes(8)), "damaged-weights", "8 bytes"),
        (lambda path: _write(path, {"a": _entry(0, 8, [2])}, bytes(7)), "truncated-weights", "cut short"),
        (lambda path: _write(path, {"a": _entry(4, 8, [1])}, bytes(8)), "damaged-weights", "does not follow"),
        (
            lambda path: _write(path, {"a": _entry(0, 4, [1]), "b": _entry(0, 4, [1])}, bytes(8)),
            "damaged-weights",
            "does not follow",
        ),
        (lambda path: _write(path, {"a": _entry(0, 4, [1])}, bytes(9)), "damaged-weights", "5 bytes"),
        (lambda path: os.mkfifo(path), "unreadable-weights", "regular file"),
        (lambda path: path.symlink_to(path.name), "unreadable-weights", "symbolic links"),
        (lambda path: path.symlink_to("gone"), "missing-shard", "missing"),
        (lambda path: path.mkdir(), "unreadable-weights", "regular file"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, make: Callable[[Path], None], code: str, says: str) -> None:
    path = tmp_path / "model.safetensors"
    make(path)
    with pytest.raises(ModelError) as caught:
        read_headers(tmp_path)
    assert caught.value.code == code
    assert says in caught.value.what
    assert str(path) in caught.value.where
    assert caught.value.fix


def test_a_truncated_shard_is_named(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, shards=3)
    shard = folder / "model-00002-of-00003.safetensors"
    os.truncate(shard, shard.stat().st_size - 1)
    with pytest.raises(ModelError) as caught:
        read_headers(folder)
    assert caught.value.code == "truncated-weights"
    assert shard.name in caught.value.where


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, shards=2)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelError) as caught:
        read_headers(folder)
    assert caught.value.code == "missing-shard"
    assert "model-00002-of-00002.safetensors" in caught.value.where


def test_a_tensor_that_the_index_promises_is_missing(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, shards=2)
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["model.layers.9.extra"] = "model-00001-of-00002.safetensors"
    write_json(folder / INDEX, index)
    with pytest.raises(ModelError, match=r"model\.layers\.9\.extra is not in the file") as caught:
        read_headers(folder)
    assert caught.value.code == "missing-tensor"


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "a\\b", 5])
def test_an_index_cannot_lead_out_of_the_folder(tmp_path: Path, name: object) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_json(folder / INDEX, {"weight_map": {"model.norm.weight": name}})
    write_tiny_model(tmp_path)
    with pytest.raises(ModelError) as caught:
        read_headers(folder)
    assert caught.value.code == "unsafe-index"
    assert INDEX in caught.value.where


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": "x.bin"}}', '{"weight_map": {"a": ".."}}'],
)
def test_a_bad_index_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / INDEX).write_text(content)
    with pytest.raises(ModelError) as caught:
        read_headers(tmp_path)
    assert caught.value.code == "bad-index"


def test_an_index_that_is_a_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / INDEX)
    with pytest.raises(ModelError) as caught:
        read_headers(tmp_path)
    assert caught.value.code == "bad-index"


@pytest.mark.parametrize(
    ("file", "says"),
    [("pytorch_model.bin", "pickle"), ("gemma.gguf", "GGUF"), ("README.md", "neither model.safetensors")],
)
def test_no_safetensors_says_what_is_there_instead(tmp_path: Path, file: str, says: str) -> None:
    (tmp_path / file).write_bytes(b"")
    with pytest.raises(ModelError, match=says) as caught:
        read_headers(tmp_path)
    assert caught.value.code == "no-weights"


def test_one_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, shards=2)
    shutil.copy(folder / "model-00001-of-00002.safetensors", folder / "model-00002-of-00002.safetensors")
    with pytest.raises(ModelError) as caught:
        read_headers(folder)
    assert caught.value.code == "duplicate-tensor"


def test_two_spellings_of_one_tensor_are_refused(tmp_path: Path) -> None:
    one = np.zeros(4, np.float32)
    names = ("model.norm.weight", "language_model.model.norm.weight")
    write_safetensors(tmp_path / "model.safetensors", dict.fromkeys(names, one))
    with pytest.raises(ModelError) as caught:
        read_headers(tmp_path)
    assert caught.value.code == "duplicate-tensor"


@pytest.mark.parametrize(
    ("stored", "ours"),
    [
        ("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight"),
        ("language_model.model.norm.weight", "model.norm.weight"),
        ("model.language_model.norm.weight", "model.norm.weight"),
        ("language_model.lm_head.weight", "lm_head.weight"),
        ("lm_head.weight", "lm_head.weight"),
        ("layers.3.self_attn.q_proj.weight", "model.layers.3.self_attn.q_proj.weight"),
        ("embed_tokens.weight", "model.embed_tokens.weight"),
        ("vision_tower.vision_model.x", None),
        ("model.vision_tower.vision_model.x", None),
        ("multi_modal_projector.mm_input_projection_weight", None),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", None),
    ],
)
def test_names_of_every_kind_of_folder(stored: str, ours: str | None) -> None:
    assert parameter_name(stored) == ours


def test_fingerprint_follows_the_weights_not_the_files(tmp_path: Path) -> None:
    first = read_headers(write_tiny_model(tmp_path / "a")).fingerprint()
    assert read_headers(write_tiny_model(tmp_path / "b", shards=3)).fingerprint() == first
    assert read_headers(write_tiny_model(tmp_path / "c", seed=1)).fingerprint() != first
    assert read_headers(write_tiny_model(tmp_path / "d", dtype="bfloat16")).fingerprint() != first
    # A multimodal folder holds the same decoder under other names.
    text = read_headers(write_tiny_model(tmp_path / "e", "gemma3_text")).fingerprint()
    assert read_headers(write_tiny_model(tmp_path / "f", "gemma3")).fingerprint() == text


def test_header_positions_lead_to_the_data(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_safetensors(path, {"a": np.arange(3, dtype=np.uint8), "b": np.array([7, 8], np.int64)})
    tensors = {tensor.name: tensor for tensor in read_header(path)}
    data = path.read_bytes()
    assert data[tensors["a"].begin :][: tensors["a"].size] == bytes([0, 1, 2])
    assert np.frombuffer(data[tensors["b"].begin :][: tensors["b"].size], np.int64).tolist() == [7, 8]
