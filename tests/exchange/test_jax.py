"""Flax checkpoints, written here as flax writes them: the folder made of one computes the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.events import Done
from gemma_mlx.exchange.jax import import_flax, is_flax
from gemma_mlx.load import load_model
from tests.tiny import tiny_config, tiny_weights, write_json, write_tiny_model, write_tiny_tokenizer

msgpack = pytest.importorskip("msgpack")
IDS = mx.array([[2, 17, 200, 301, 5, 44]])


def packed(array: np.ndarray, dtype: str = "float32") -> Any:
    """flax.serialization's form of an array."""
    data = msgpack.packb((array.shape, dtype, array.astype(dtype).tobytes()), use_bin_type=True)
    return msgpack.ExtType(1, data)


def tree_of(weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """transformers' Flax tree: nested by name, kernels (in, out), the embedding under its own name."""
    tree: dict[str, Any] = {}
    for name, array in weights.items():
        *parents, leaf = name.split(".")
        if array.ndim == 2:
            leaf = "embedding" if "embed_tokens" in name else "kernel"
            array = array if leaf == "embedding" else array.T
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = packed(array)
    return tree


def write_flax(folder: Path, change: Callable[[dict[str, Any]], Any] = lambda tree: tree) -> Path:
    folder.mkdir()
    raw = tiny_config("gemma")
    write_json(folder / "config.json", raw)
    write_tiny_tokenizer(folder)
    tree = change(tree_of(tiny_weights(raw)))
    (folder / "flax_model.msgpack").write_bytes(msgpack.packb(tree, use_bin_type=True))
    return folder


def logits(folder: Path) -> mx.array:
    return load_model(folder).model(IDS)


def test_a_flax_model_computes_the_same(tmp_path: Path) -> None:
    flax = write_flax(tmp_path / "flax")
    assert is_flax(flax)
    *_, done = import_flax(flax, tmp_path / "out")
    assert isinstance(done, Done)
    assert mx.array_equal(logits(tmp_path / "out"), logits(write_tiny_model(tmp_path / "same", "gemma")))
    assert load_model(tmp_path / "out").tokenizer.encode("a ship")


def test_shards_large_arrays_and_half_widths(tmp_path: Path) -> None:
    flax = write_flax(tmp_path / "flax")
    weights = tiny_weights(tiny_config("gemma"))
    words = {
        name: (array.view(np.uint32) >> 16).astype(np.uint16) for name, array in weights.items()
    }  # truncated to bfloat16
    tree = tree_of(weights)
    embedding = words.pop("model.embed_tokens.weight")
    chunks = {
        str(place): msgpack.ExtType(1, msgpack.packb(((part.size,), "bfloat16", part.tobytes())))
        for place, part in enumerate(np.array_split(embedding.reshape(-1), 3))
    }
    shape = {str(place): size for place, size in enumerate(embedding.shape)}
    big = {"__msgpack_chunked_array__": True, "shape": shape, "chunks": chunks}
    tree["model"]["embed_tokens"]["embedding"] = big
    first = {"model": {"embed_tokens": tree["model"].pop("embed_tokens")}}
    (flax / "flax_model.msgpack").unlink()
    for place, part in enumerate((first, tree), start=1):
        name = f"flax_model-0000{place}-of-00002.msgpack"
        (flax / name).write_bytes(msgpack.packb(part, use_bin_type=True))
    names = {"a": "flax_model-00001-of-00002.msgpack", "b": "flax_model-00002-of-00002.msgpack"}
    write_json(flax / "flax_model.msgpack.index.json", {"weight_map": names})
    list(import_flax(flax, tmp_path / "out"))
    found = load_model(tmp_path / "out").model.model.embed_tokens.weight
    assert found.dtype == mx.bfloat16
    assert np.array_equal(np.array(found.view(mx.uint16)), embedding)


def without_norm(tree: dict[str, Any]) -> dict[str, Any]:
    del tree["model"]["norm"]
    return tree


def with_content(content: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(tree: dict[str, Any]) -> dict[str, Any]:
        tree["model"]["norm"]["weight"] = content
        return tree

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: [1, 2],
        lambda tree: {},
        without_norm,
        with_content("text"),
        with_content(packed(np.zeros(3, np.float32))),
        with_content(msgpack.ExtType(1, msgpack.packb(((64,), "float32", b"short")))),
        with_content(msgpack.ExtType(1, msgpack.packb(((64,), "object", b"x" * 512)))),
        with_content(msgpack.ExtType(7, b"code")),
        with_content({"deeper": {"x": 1}}),
        lambda tree: {**tree, "extra": {"kernel": packed(np.zeros((2, 2), np.float32))}},
    ],
    ids=range(10),
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(ModelError) as caught:
        list(import_flax(write_flax(tmp_path / "flax", change), tmp_path / "out"))
    assert caught.value.code == "bad-foreign-weights" and caught.value.fix
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    flax = write_flax(tmp_path / "flax")
    path = flax / "flax_model.msgpack"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError):
        list(import_flax(flax, tmp_path / "out"))


def test_a_file_that_flax_wrote_is_read(tmp_path: Path) -> None:
    recorded = Path(__file__).parent / "recorded" / "flax"
    list(import_flax(recorded, tmp_path / "out"))
    found = load_model(tmp_path / "out").model.model.layers[0].self_attn.k_proj.weight
    kernel = json.loads((recorded / "expected.json").read_text(encoding="utf-8"))["k_proj_kernel"]
    assert np.array_equal(np.array(found.astype(mx.float32)).T, np.array(kernel, np.float32))
