"""One model made of a base and its adapter: in 16 bit, or quantized again with a word on what that loses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import mlx.core as mx
import mlx.nn as nn

from gemma_mlx.adapters.lora import LoraLinear, dense_weight
from gemma_mlx.errors import AdapterError
from gemma_mlx.events import Done, Event, Progress, Warning
from gemma_mlx.library.store import atomic_folder
from gemma_mlx.load import load_model
from gemma_mlx.models.config import parameter_shapes, read_config
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights.files import ShardWriter, copy_companions, grouped
from gemma_mlx.weights.packing import dequantize_weight, module_at, quantize_weight
from gemma_mlx.weights.portable import portable_config
from gemma_mlx.weights.prepare import DTYPES
from gemma_mlx.weights.scheme import Planned, plan_quantization, quantization_field

MergedDtype = Literal["bfloat16", "float16", "float32"]


@dataclass
class _Loss:
    """Squared sizes of what the adapter changed and of what rounding the result changed besides."""

    update: float = 0.0
    rounding: float = 0.0

    @property
    def ratio(self) -> float:
        return (self.rounding / self.update) ** 0.5 if self.update else 0.0


def save_merged(
    base: Path,
    adapter: Path,
    target: Path,
    *,
    dtype: MergedDtype = "bfloat16",
    quantization: QuantizeSettings | None = None,
) -> Iterator[Event]:
    """Write `base` with `adapter` folded in as a model folder of its own.

    Yields Progress, warnings, and Done with {"path", "bytes", "rounding"}: "rounding" is the root mean square
    of what rounding to the new width changed, over that of what the adapter changed (in adapted modules).
    `target` appears only when it is complete.

    Raises:
        ModelError, AdapterError: one of the two cannot be used, or the adapter changes nothing.
        GemmaError: `folder-exists`, `cannot-write`.
    """
    stored = read_config(base).quantization
    width: str | None = None
    if stored:
        # Left alone, NF4 weights are kept at 8 bit, and MLX dequantizes in the width of the scales: bfloat16.
        width = dtype if stored.get("quant_method") == "bitsandbytes" else "float32"
    waiting: list[Event] = []
    loaded = load_model(base, adapter=adapter, dtype=width, progress=waiting.append)
    yield from (event for event in waiting if isinstance(event, Warning))
    config = loaded.config
    plan = plan_quantization(config, quantization) if quantization else {}
    groups = list(grouped(parameter_shapes(config)))
    loss = _Loss()
    field = quantization_field(config, quantization) if quantization else None
    with atomic_folder(target) as temporary:
        writer = ShardWriter(temporary, layout="mlx" if quantization else "pt")
        for done, (path, names) in enumerate(groups, start=1):
            parts = _merged(module_at(loaded.model, path), plan.get(path), DTYPES[dtype], loss)
            expected = {name.removeprefix(f"{path}.") for name in names}
            assert expected <= parts.keys(), path
            for name, array in parts.items():
                writer.add(f"{path}.{name}", array)
            yield Progress("Merging", done, len(groups), "modules", note=path)
        if not loss.update:
            raise AdapterError(
                "adapter-changes-nothing",
                "The adapter changes no weight: it was saved before it learned anything.",
                where=str(adapter),
                fix="Choose a later checkpoint of its run.",
                kept="Nothing was written.",
            )
        working = "bfloat16" if quantization else dtype
        writer.finish(portable_config(config, dtype=working, quantization=field))
        copy_companions(base, temporary)
    if quantization is not None:
        yield _requantized(loss.ratio)
    yield Done({"path": str(target), "bytes": writer.written, "rounding": loss.ratio})


def _merged(module: nn.Module, planned: Planned | None, dtype: mx.Dtype, loss: _Loss) -> dict[str, mx.array]:
    """The tensors of one module as they are written, evaluated."""
    update = None
    if isinstance(module, LoraLinear):
        exact = module.merged_weight()
        update = exact - dense_weight(module.base_layer).astype(mx.float32)
        module = module.base_layer
    else:
        exact = dense_weight(module)
    scheme = planned.scheme if planned else None
    if scheme is not None:
        parts = quantize_weight(exact, scheme)
        written = dequantize_weight(parts, scheme)
    else:
        written = exact.astype(dtype)
        parts = {"weight": written}
    if "bias" in module:
        parts["bias"] = module.bias.astype(mx.bfloat16 if scheme is not None else dtype)
    mx.eval(parts)
    if update is not None:
        loss.update += _total(update)
        loss.rounding += _total(written.astype(mx.float32) - exact)
    return parts


def _total(values: mx.array) -> float:
    """The sum of squares."""
    return float(mx.square(values).sum())


def _requantized(ratio: float) -> Warning:
    size: Any = f"{ratio:.1f} times as much as" if ratio >= 1 else f"{100 * ratio:.0f} % of what"
    return Warning(
        "requantized-merge",
        f"Rounding to few bits changed the adapted weights by {size} the tuning did, so part of it is lost.",
        "Merge into 16 bit, or keep the adapter beside the quantized base, which loses nothing.",
    )
