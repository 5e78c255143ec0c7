"""Weights from and to model folders: safetensors read after a check, written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.library.store import atomic_folder
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.weights.checks import CheckedModel, check_model
from gemma_mlx.weights.headers import AGAIN, read_header
from gemma_mlx.weights.nf4 import dequantize_nf4

SHARD_BYTES = 4 * 10**9
"""The most bytes of one safetensors file; also about the memory that writing one takes."""

COMPANIONS = (
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.jinja", "chat_template.json", "generation_config.json",
    "LICENSE", "USE_POLICY.md",
)  # fmt: skip
"""Files that go with the weights from one model folder to another."""


def read_weights(folder: Path, config: ModelConfig) -> dict[str, mx.array]:
    """A model's tensors by the decoder's names, lazy: data is read when an array is evaluated.

    Quantized weights keep their parts (`.weight`, `.scales`, `.biases`); bitsandbytes' are dequantized.
    Vision tensors, files that the index does not name and a stored head that is tied are left out.

    Raises:
        ModelError: what `check_model` raises.
    """
    return map_tensors(check_model(folder, config))


def map_tensors(model: CheckedModel) -> dict[str, mx.array]:
    """The tensors of a checked model, lazy, as `read_weights` gives them."""
    wanted: dict[Path, dict[str, str]] = {}
    for name, header in model.checkpoint.tensors.items():
        if name not in model.unused:
            wanted.setdefault(header.file, {})[header.stored] = name
    weights: dict[str, mx.array] = {}
    for file, names in wanted.items():
        try:
            # MLX knows the format by the file's ending; links of the Hugging Face cache keep it.
            arrays: dict[str, mx.array] = mx.load(str(file), format="safetensors")  # type: ignore[assignment]
        except (RuntimeError, ValueError) as problem:
            raise ModelError(
                "unreadable-weights", f"The weights cannot be read: {problem}", where=str(file), fix=AGAIN
            ) from None
        weights |= {name: arrays[stored] for stored, name in names.items()}
    for path, state in model.states.items():
        name = f"{path}.weight"
        parts = {key.removeprefix(name): weights.pop(key) for key in list(weights) if key.startswith(name)}
        weights[name] = dequantize_nf4(parts, state)
    return weights


def check_finite(array: mx.array, where: str) -> None:
    """Refuse a tensor with NaN or an infinite value; evaluates it and reads it once.

    One NaN weight makes a model emit the same token forever. Packed integers pass; the byte scales of the
    floating formats are looked at by their own code for NaN.

    Raises:
        ModelError: `not-finite`, with the tensor and the first bad row.
    """
    if not mx.issubdtype(array.dtype, mx.floating) or array.size == 0:
        return
    if array.ndim == 2:
        # A product with a vector of 1/n reads the tensor once and makes no second one of its size; a NaN or
        # infinity anywhere in a row shows in the row's mean, and a mean cannot overflow.
        columns = array.shape[1]
        bad = ~mx.isfinite(array @ mx.full((columns,), 1 / columns, array.dtype))
    else:
        bad = ~mx.isfinite(array.reshape(-1))
    if mx.any(bad).item():
        raise _not_finite(f"{where}, row {mx.argmax(bad).item()}")


def check_scale_codes(scales: mx.array, mode: str, where: str) -> None:
    """As `check_finite` for byte scales: E8M0 of mxfp4 and mxfp8 (255 is NaN), E4M3 of nvfp4 (127 is NaN)."""
    bad = (scales & 127) == 127 if mode == "nvfp4" else scales == 255
    if mx.any(bad).item():
        raise _not_finite(where)


def _not_finite(where: str) -> ModelError:
    return ModelError(
        "not-finite", "A weight is not a number, or infinite, so every answer would be spoiled.", where=where,
        fix="Download this file again. If it stays so, the model itself is damaged.",
    )  # fmt: skip


def save_weights(
    folder: Path,
    weights: Mapping[str, mx.array],
    config_raw: dict[str, Any],
    *,
    companions_of: Path | None = None,
    shard_bytes: int = SHARD_BYTES,
    replace: bool = False,
) -> None:
    """Write a model folder: config.json, safetensors (and an index, if there are shards), companions.

    `config_raw` is written as it is (`portable.portable_config` makes one). `companions_of` is the folder
    whose tokenizer and licence go along. `replace`: what stands there goes when the new one is whole.

    Raises:
        GemmaError: `folder-exists` or `cannot-write`; nothing is left half written.
    """
    with atomic_folder(folder, replace=replace) as temporary:
        writer = ShardWriter(temporary, shard_bytes, layout="mlx" if config_raw.get("quantization") else "pt")
        for name, array in weights.items():
            writer.add(name, array)
        writer.finish(config_raw)
        if companions_of is not None:
            copy_companions(companions_of, temporary)


class ShardWriter:
    """Writes tensors as they come into shards of bounded size, inside a folder that is not yet published."""

    def __init__(self, folder: Path, shard_bytes: int = SHARD_BYTES, *, layout: str = "pt") -> None:
        """`layout` goes into the files' metadata: "pt" for full width, "mlx" for MLX's packed words."""
        self.folder = folder
        self.shard_bytes = shard_bytes
        self.layout = layout
        self.written = 0
        self._waiting: dict[str, mx.array] = {}
        self._shards: list[list[str]] = []

    def add(self, name: str, array: mx.array) -> None:
        """Take a tensor; a full shard is written."""
        waiting = sum(kept.nbytes for kept in self._waiting.values())
        if self._waiting and waiting + array.nbytes > self.shard_bytes:
            self._flush()
        self._waiting[name] = array

    def finish(self, config_raw: dict[str, Any]) -> None:
        """Write the last shard, the index (also for a single file: mlx-lm does) and config.json."""
        self._flush()
        count = len(self._shards)
        weight_map: dict[str, str] = {}
        for number, names in enumerate(self._shards):
            final = f"model-{number + 1:05}-of-{count:05}.safetensors" if count > 1 else "model.safetensors"
            self._path(number).rename(self.folder / final)
            weight_map |= dict.fromkeys(names, final)
        index = {"metadata": {"total_size": self.written}, "weight_map": dict(sorted(weight_map.items()))}
        for file, value in (("model.safetensors.index.json", index), ("config.json", config_raw)):
            (self.folder / file).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:05}.safetensors"

    def _flush(self) -> None:
        if not self._waiting:
            return
        path = self._path(len(self._shards))
        size = sum(array.nbytes for array in self._waiting.values())
        try:
            mx.save_safetensors(str(path), self._waiting, metadata={"format": self.layout})
            complete = {header.stored for header in read_header(path)} == self._waiting.keys()
        except (RuntimeError, OSError, ModelError) as problem:
            raise self._not_written(problem) from None
        if not complete:
            raise self._not_written("the file is not complete")
        self._shards.append(list(self._waiting))
        self.written += size
        self._waiting = {}

    def _not_written(self, problem: object) -> GemmaError:
        return GemmaError(
            "cannot-write", f"The weights cannot be written: {problem}", where=str(self.folder.parent),
            fix="Free some space on this disk, or choose another folder.",
            kept="Nothing was written; the source model is untouched.",
        )  # fmt: skip


def copy_companions(source: Path, target: Path) -> None:
    """Copy the tokenizer, the chat template and the licence of a model folder. Links are followed."""
    for name in COMPANIONS:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def grouped(weights: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Tensor names by the path of their module, in the order in which modules first appear."""
    groups: dict[str, list[str]] = {}
    for name in weights:
        groups.setdefault(name.rpartition(".")[0], []).append(name)
    yield from groups.items()
