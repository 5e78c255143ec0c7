"""Flax checkpoints of Gemma (flax_model*.msgpack) as a normal model folder.

transformers' Flax models name modules as its PyTorch ones do; a linear layer's `kernel` is (in, out), an
embedding's matrix is called `embedding`. Reference: flax/serialization.py (arrays as msgpack extension 1),
transformers' modeling_flax_pytorch_utils.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.events import Done, Event, Progress
from gemma_mlx.library.atomic import open_regular
from gemma_mlx.library.store import read_json
from gemma_mlx.models.config import ModelConfig, parameter_shapes, read_config
from gemma_mlx.weights.files import save_weights
from gemma_mlx.weights.portable import portable_config

FLAX_NAME = "flax_model.msgpack"
FLAX_INDEX = "flax_model.msgpack.index.json"
DTYPES = ("bfloat16", "float16", "float32")
_LARGEST_FILE = 64 * 2**30
_DEEPEST = 16
_ARRAY, _COMPLEX, _SCALAR = 1, 2, 3  # flax's extension types


def is_flax(folder: Path) -> bool:
    """Whether a folder holds Flax weights."""
    return (folder / FLAX_NAME).exists() or (folder / FLAX_INDEX).exists()


def import_flax(folder: Path, target: Path) -> Iterator[Event]:
    """Write a folder of Flax weights as one of safetensors, in the width in which they are stored.

    Yields Progress and Done with {"path", "bytes"}. Tokenizer and licence go along.

    Raises:
        ModelError: the configuration or the weights cannot be used; nothing is written.
        GemmaError: `missing-package`, `folder-exists`, `cannot-write`.
    """
    config = read_config(folder)
    files = _files(folder)
    weights: dict[str, mx.array] = {}
    for place, file in enumerate(files, start=1):
        for name, array in flatten(read_msgpack(file), file):
            weights[name] = array
        yield Progress("Reading the Flax weights", place, len(files), "files")
    yield from write_folder(folder, target, config, weights)


def write_folder(
    source: Path, target: Path, config: ModelConfig, weights: dict[str, mx.array]
) -> Iterator[Event]:
    """Check names, shapes and types against the configuration, and write the folder."""
    shapes = parameter_shapes(config)
    if config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    for name in sorted(shapes.keys() | weights.keys()):
        if name not in weights or name not in shapes:
            raise damaged(source, f"tensor {name} is {'missing' if name in shapes else 'unknown'}")
        if tuple(weights[name].shape) != shapes[name]:
            raise damaged(source, f"{name} is {tuple(weights[name].shape)}, not {shapes[name]}")
    width = str(weights["model.embed_tokens.weight"].dtype).removeprefix("mlx.core.")
    ordered = {name: weights[name] for name in shapes}
    save_weights(target, ordered, portable_config(config, dtype=width), companions_of=source)
    yield Done({"path": str(target), "bytes": sum(array.nbytes for array in weights.values())})


def flatten(tree: Any, where: Path) -> Iterator[tuple[str, mx.array]]:
    """The arrays of a tree by the decoder's names, kernels turned."""
    if isinstance(tree, dict) and set(tree) == {"params"}:
        tree = tree["params"]
    for path, array in _leaves(tree, (), where):
        *parents, leaf = path
        if leaf == "kernel" and array.ndim == 2:
            array = mx.contiguous(array.T)
        elif leaf not in ("weight", "embedding", "scale", "bias"):
            raise damaged(where, f"{'.'.join(path)} is no weight of Gemma")
        yield ".".join([*parents, "bias" if leaf == "bias" else "weight"]), array


def read_msgpack(file: Path) -> Any:
    """The tree in a Flax checkpoint: dicts, with MLX arrays as leaves. No code of the file can run.

    Raises:
        ModelError: the file is damaged, or holds other things than dicts and arrays of floats.
        GemmaError: `missing-package`.
    """
    try:
        # Imported here: it is an extra.
        import msgpack
    except ImportError:
        raise missing_package("msgpack") from None

    try:
        with open_regular(file) as stream:
            unpacker = msgpack.Unpacker(
                stream, raw=False, strict_map_key=True, max_buffer_size=_LARGEST_FILE,
                ext_hook=lambda code, data: _extension(msgpack, code, data),
            )  # fmt: skip
            return unpacker.unpack()
    except (OSError, ValueError, TypeError, RecursionError, msgpack.UnpackException) as problem:
        raise damaged(file, f"it cannot be read ({type(problem).__name__}: {problem})") from None


def damaged(where: Path, why: str) -> ModelError:
    """The error for weights of another program that cannot be used."""
    return ModelError(
        "bad-foreign-weights", f"These weights cannot be taken in: {why}.", where=str(where),
        fix="Download the files again; config.json has to be that of the same model.",
        kept="Nothing was written.",
    )  # fmt: skip


def missing_package(name: str) -> GemmaError:
    """The error for a package of the extra `exchange` that is not installed."""
    return GemmaError(
        "missing-package", f"Reading these weights needs the package {name}.",
        fix=f"Install it: python -m pip install {name}, or gemma-mlx[exchange].",
    )  # fmt: skip


def to_mlx(array: np.ndarray, dtype: str) -> mx.array:
    """An array of numpy as MLX's; "bfloat16" comes as 16-bit words."""
    if dtype == "bfloat16":
        return mx.array(array.view(np.uint16)).view(mx.bfloat16)
    return mx.array(array)


def _files(folder: Path) -> list[Path]:
    if not (folder / FLAX_INDEX).exists():
        return [folder / FLAX_NAME]
    names = read_json(folder / FLAX_INDEX).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise damaged(folder / FLAX_INDEX, "the index names no files")
    found = sorted({str(name) for name in names.values()})
    if any(Path(name).name != name for name in found):
        raise damaged(folder / FLAX_INDEX, "the index names files outside the folder")
    return [folder / name for name in found]


def _leaves(tree: Any, path: tuple[str, ...], where: Path) -> Iterator[tuple[tuple[str, ...], mx.array]]:
    if isinstance(tree, mx.array) and path:
        yield path, tree
        return
    if not isinstance(tree, dict) or len(path) > _DEEPEST:
        raise damaged(where, f"{'.'.join(path) or 'its root'} is no table of weights")
    if "__msgpack_chunked_array__" in tree:
        yield path, _joined(tree, where)
        return
    for name, below in tree.items():
        yield from _leaves(below, (*path, *str(name).split("/")), where)


def _joined(tree: dict[str, Any], where: Path) -> mx.array:
    """An array that flax cut into pieces of a gigabyte."""
    try:
        shape = [int(tree["shape"][str(place)]) for place in range(len(tree["shape"]))]
        chunks = [tree["chunks"][str(place)] for place in range(len(tree["chunks"]))]
        return mx.concatenate([chunk.reshape(-1) for chunk in chunks]).reshape(shape)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise damaged(where, f"a large array is incomplete ({problem})") from None


def _extension(msgpack: Any, code: int, data: bytes) -> mx.array:
    if code != _ARRAY:
        raise ValueError(f"extension {code}, which no weights need")
    shape, dtype, content = msgpack.unpackb(data, raw=False, use_list=True)
    name = dtype if isinstance(dtype, str) else ""
    if name not in DTYPES or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"an array of type {json.dumps(str(dtype))[:40]}")
    kind = np.dtype(np.uint16 if name == "bfloat16" else name)
    if math.prod(shape) * kind.itemsize != len(content):
        raise ValueError("an array of another size than it says")
    return to_mlx(np.frombuffer(content, kind).reshape(shape), name)
