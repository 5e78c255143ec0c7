"""Looks at safetensors files before their data is touched: which tensors, how large, whether all is there.

No MLX here. The format: 8 bytes of header length, a JSON header, the data (safetensors' README).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.library.atomic import open_regular
from gemma_mlx.library.store import read_json

_ITEM_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "U16": 16, "I16": 16, "F16": 16,
    "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
_LONGEST_HEADER = 100_000_000  # safetensors' own limit
_SAMPLE = 1024

_VISION = ("vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.")
_PREFIXES = (
    ("language_model.model.", "model."),
    ("model.language_model.", "model."),
    ("language_model.lm_head.", "lm_head."),
    # Folders that hold only the backbone leave the prefix out.
    ("layers.", "model.layers."),
    ("embed_tokens.", "model.embed_tokens."),
    ("norm.", "model.norm."),
)

AGAIN = "Download this file again."


@dataclass(frozen=True)
class TensorHeader:
    """One tensor of a file: `name` is the decoder's, `stored` the file's, `begin` its offset in the file."""

    name: str
    stored: str
    file: Path
    dtype: str
    shape: tuple[int, ...]
    begin: int
    size: int

    @property
    def where(self) -> str:
        return f"{self.file}, tensor {self.stored}"


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a model folder by the decoder's names, and the files that hold them."""

    folder: Path
    files: tuple[Path, ...]
    tensors: Mapping[str, TensorHeader] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of all tensors that the decoder uses."""
        return sum(tensor.size for tensor in self.tensors.values())

    def fingerprint(self) -> str:
        """SHA-256 over every tensor's name, dtype, shape and 1 KiB from its middle.

        Cheap, and the same however the tensors are cut into files. It tells models and their fine-tunes
        apart; it does not prove that each byte is the same.
        """
        digest = hashlib.sha256()
        by_file: dict[Path, list[TensorHeader]] = {}
        for tensor in self.tensors.values():
            by_file.setdefault(tensor.file, []).append(tensor)
        samples = {}
        for file, tensors in by_file.items():
            with open_regular(file) as stream:
                for tensor in tensors:
                    length = min(_SAMPLE, tensor.size)
                    stream.seek(tensor.begin + (tensor.size - length) // 2)
                    samples[tensor.name] = stream.read(length)
        for name in sorted(samples):
            tensor = self.tensors[name]
            digest.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode() + samples[name])
        return digest.hexdigest()


def parameter_name(stored: str) -> str | None:
    """The decoder's name of a stored tensor; None for what the decoder does not use (vision, buffers)."""
    if stored.startswith(_VISION) or stored.endswith("rotary_emb.inv_freq"):
        return None
    for prefix, ours in _PREFIXES:
        if stored.startswith(prefix):
            return ours + stored.removeprefix(prefix)
    return stored


def read_headers(folder: Path) -> Checkpoint:
    """Look at every safetensors file of a model folder: those that its index names, else model.safetensors.

    Raises:
        ModelError: no weights, a bad index, a file that is missing, truncated, damaged or no regular file,
            or a tensor that is there twice.
    """
    index = folder / "model.safetensors.index.json"
    if os.path.lexists(index):
        weight_map = _weight_map(index)
        files = tuple(folder / name for name in sorted(set(weight_map.values())))
    else:
        weight_map = {}
        files = (_single_file(folder),)
    tensors: dict[str, TensorHeader] = {}
    for file in files:
        for header in read_header(file):
            name = parameter_name(header.stored)
            if weight_map and weight_map.get(header.stored, file.name) != file.name:
                raise _duplicate(header.stored, f"{file} and {folder / weight_map[header.stored]}")
            if name is None:
                continue
            if name in tensors:
                raise _duplicate(name, f"{tensors[name].where} and {header.where}")
            tensors[name] = TensorHeader(
                name, header.stored, file, header.dtype, header.shape, header.begin, header.size
            )
    _check_index(weight_map, tensors, index)
    return Checkpoint(folder, files, tensors)


def read_header(file: Path) -> list[TensorHeader]:
    """The tensors of one safetensors file, after checking that the file holds all their data.

    Raises:
        ModelError: the file is missing, no regular file, truncated or damaged.
    """
    try:
        with open_regular(file) as stream:
            length = os.fstat(stream.fileno()).st_size
            return _parse_header(file, length, *_header_text(file, stream, length))
    except FileNotFoundError:
        raise ModelError(
            "missing-shard", "A file of the model's weights is missing.", where=str(file),
            fix="Download the missing file into the model's folder.",
        ) from None  # fmt: skip
    except OSError as problem:
        raise ModelError(
            "unreadable-weights", f"A weights file cannot be opened: {problem.strerror}.", where=str(file),
            fix="Put the model's own file there and allow reading it.",
        ) from None  # fmt: skip


def _header_text(file: Path, stream: BinaryIO, length: int) -> tuple[bytes, int]:
    """The header's JSON and where the data begins."""
    start = stream.read(8)
    if len(start) < 8:
        raise _truncated(file, length, 8)
    (size,) = struct.unpack("<Q", start)
    if size > _LONGEST_HEADER:
        raise _damaged(file, f"it claims a header of {size} bytes")
    if 8 + size > length:
        raise _truncated(file, length, 8 + size)
    return stream.read(size), 8 + size


def _parse_header(file: Path, length: int, text: bytes, data: int) -> list[TensorHeader]:
    try:
        header = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as problem:
        raise _damaged(file, f"its header is not JSON without repeated names ({problem})") from None
    if not isinstance(header, dict):
        raise _damaged(file, "its header is not an object")
    header.pop("__metadata__", None)
    tensors = [_parse_entry(file, name, entry, data) for name, entry in header.items()]
    end = data
    for tensor in sorted(tensors, key=lambda tensor: (tensor.begin, tensor.size)):
        if tensor.begin != end:
            raise _damaged(file, f"the data of {tensor.stored} does not follow the tensor before it")
        end += tensor.size
    if end > length:
        raise _truncated(file, length, end)
    if end < length:
        raise _damaged(file, f"{length - end} bytes at its end belong to no tensor")
    return tensors


def _parse_entry(file: Path, name: str, entry: Any, data: int) -> TensorHeader:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise _damaged(file, f"the entry of {name} is not complete") from None
    numbers = [*shape, begin, end] if isinstance(shape, list) else [None]
    if not all(type(number) is int and 0 <= number < 2**62 for number in numbers) or end < begin:
        raise _damaged(file, f"the entry of {name} has impossible numbers")
    bits = _ITEM_BITS.get(dtype) if isinstance(dtype, str) else None
    if bits is not None and math.prod(shape) * bits != (end - begin) * 8:
        raise _damaged(file, f"{name} has the shape {shape} but {end - begin} bytes")
    return TensorHeader(name, name, file, str(dtype), tuple(shape), data + begin, end - begin)


def _weight_map(index: Path) -> dict[str, str]:
    """Tensor name to file name, as the index has it."""
    try:
        weight_map = read_json(index).get("weight_map")
    except GemmaError as problem:
        raise ModelError("bad-index", problem.what, where=problem.where, fix=AGAIN) from None
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError("bad-index", "The index names no tensors.", where=str(index), fix=AGAIN)
    for name, file in weight_map.items():
        # A name that leads elsewhere could make the program read, or copy, any file of this machine.
        if not isinstance(file, str) or Path(file).name != file or "\\" in file or "\0" in file:
            raise ModelError(
                "unsafe-index", f"The index places {name} in {file!r}, which is not a file of this folder.",
                where=f"{index}, weight_map", fix="Get this model from a source that you trust.",
            )  # fmt: skip
        if not file.endswith(".safetensors"):
            raise ModelError(
                "bad-index", f"The index places {name} in {file!r}, which is no safetensors file.",
                where=f"{index}, weight_map", fix="Get the model's safetensors files.",
            )  # fmt: skip
    return weight_map


def _check_index(weight_map: Mapping[str, str], tensors: Mapping[str, TensorHeader], index: Path) -> None:
    stored = {tensor.stored for tensor in tensors.values()}
    missing = [name for name in weight_map if parameter_name(name) is not None and name not in stored]
    if missing:
        raise ModelError(
            "missing-tensor", f"{_names(missing)} not in the file that the index names.",
            where=f"{index.parent / weight_map[missing[0]]}, tensor {missing[0]}", fix=AGAIN,
        )  # fmt: skip


def _single_file(folder: Path) -> Path:
    file = folder / "model.safetensors"
    if os.path.lexists(file):
        return file
    others = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    if any(name.endswith((".bin", ".pt", ".pth", ".ckpt")) for name in others):
        why = "The weights are pickle files, which can run code, so they are never opened."
        fix = "Download the model's safetensors files."
    elif any(name.endswith(".gguf") for name in others):
        why = "The weights are a GGUF file, not safetensors."
        fix = "Import the GGUF file, or download the model's safetensors files."
    else:
        why = "The weights are missing: there is neither model.safetensors nor an index of shards."
        fix = "Download the model's safetensors files into this folder."
    raise ModelError("no-weights", why, where=str(folder), fix=fix)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"{name} is there twice")
        result[name] = value
    return result


def _names(names: list[str]) -> str:
    first = names[0]
    return f"{first} is" if len(names) == 1 else f"{first} and {len(names) - 1} more tensors are"


def _duplicate(name: str, where: str) -> ModelError:
    return ModelError(
        "duplicate-tensor", f"{name} is there twice, and only one of the two can be right.", where=where,
        fix="Download the model again.",
    )  # fmt: skip


def _truncated(file: Path, length: int, needed: int) -> ModelError:
    return ModelError(
        "truncated-weights", f"The file is cut short: {length} bytes of at least {needed}.", where=str(file),
        fix=AGAIN,
    )  # fmt: skip


def _damaged(file: Path, why: str) -> ModelError:
    return ModelError("damaged-weights", f"The file is damaged: {why}.", where=str(file), fix=AGAIN)
