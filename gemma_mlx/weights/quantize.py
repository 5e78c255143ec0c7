"""Quantizes models in place, as a checkpoint says, or from folder to folder; previews what that gives.

On disk the layout is mlx-lm's, which LM Studio reads too. Cast to bfloat16 first; embeddings have a width of
their own; what no group divides stays in full width, with a note.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.events import Done, Event, Progress, Warning
from gemma_mlx.library.store import atomic_folder
from gemma_mlx.models.config import ModelConfig, parameter_shapes, read_config
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights.checks import check_model
from gemma_mlx.weights.files import ShardWriter, copy_companions, grouped
from gemma_mlx.weights.packing import (
    module_at,
    put_module,
    quantization_error,
    quantize_weight,
    quantized_module,
)
from gemma_mlx.weights.portable import portable_config
from gemma_mlx.weights.prepare import prepare_modules
from gemma_mlx.weights.scheme import (
    QUANTIZED_FROM,
    Scheme,
    plan_quantization,
    quantization_field,
    quantization_of,
)

__all__ = [
    "ModuleReport", "QuantizationPreview", "apply_quantized_layout", "quantization_error", "quantization_of",
    "quantization_preview", "quantize_model", "save_quantized",
]  # fmt: skip


@dataclass(frozen=True)
class ModuleReport:
    """What became of one module: its format by name ("" is full width), bytes, relative RMSE, and a note."""

    path: str
    format: str
    bytes: int
    error: float | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class QuantizationPreview:
    """What quantizing gives: bytes of the whole model in 16 bit and quantized, and each module's part."""

    bytes_before: int
    bytes_after: int
    bits_per_weight: float
    modules: tuple[ModuleReport, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Why modules stay in full width."""
        return tuple(module.note for module in self.modules if module.note)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"notes": list(self.notes)}


def quantization_preview(config: ModelConfig, settings: QuantizeSettings) -> QuantizationPreview:
    """The sizes that quantizing by these settings gives, from the configuration alone."""
    plan = plan_quantization(config, settings)
    weights = {name: math.prod(shape) for name, shape in parameter_shapes(config).items()}
    modules, after = [], 0
    for name, count in weights.items():
        planned = plan.get(name.removesuffix(".weight"))
        size = 2 * count
        if planned is not None:
            size = planned.scheme.bytes(*planned.shape) if planned.scheme else size
            name_of = planned.scheme.name if planned.scheme else ""
            modules.append(ModuleReport(planned.path, name_of, size, note=planned.note))
        after += size
    total = sum(weights.values())
    return QuantizationPreview(2 * total, after, 8 * after / total, tuple(modules))


def quantize_model(
    decoder: nn.Module, settings: QuantizeSettings, *, measure: bool = False
) -> list[ModuleReport]:
    """Quantize a decoder's linear modules and embedding in place, one at a time; gives what became of each.

    The decoder must be in full width and without adapters. Its working width stays as it is. `measure`
    computes each module's relative RMSE.
    """
    width = decoder.model.norm.weight.dtype
    reports = []
    for planned in plan_quantization(decoder.config, settings).values():
        module = module_at(decoder, planned.path)
        assert isinstance(module, nn.Linear | nn.Embedding), f"{planned.path} is {type(module).__name__}"
        if planned.scheme is None:
            reports.append(ModuleReport(planned.path, "", module.weight.nbytes, note=planned.note))
            continue
        parts = quantize_weight(module.weight, planned.scheme, width)
        mx.eval(parts)
        error = quantization_error(module.weight, parts, planned.scheme) if measure else None
        size = sum(part.nbytes for part in parts.values())
        if "bias" in module:
            parts["bias"] = module.bias
        put_module(decoder, planned.path, quantized_module(module, parts, planned.scheme, width))
        reports.append(ModuleReport(planned.path, planned.scheme.name, size, error))
    return reports


def apply_quantized_layout(decoder: nn.Module, weights: Mapping[str, mx.array], config: ModelConfig) -> None:
    """Make the modules quantized whose `.scales` are among `weights`, holding those parts.

    `weights` are as `read_weights` gives them, so their shapes were checked. The rest of the decoder is left
    for `decoder.load_weights`.
    """
    width = weights["model.norm.weight"].dtype
    for path, names in grouped(weights):
        if f"{path}.scales" not in weights:
            continue
        parts = {name.removeprefix(f"{path}."): weights[name] for name in names}
        module = module_at(decoder, path)
        packed, scales = parts["weight"], parts["scales"]
        scheme = Scheme.from_shapes(
            module.weight.shape[1], packed.shape[1], scales.shape[1], byte_scales=scales.dtype == mx.uint8
        )
        assert scheme is not None, path
        put_module(decoder, path, quantized_module(module, parts, scheme, width))


def save_quantized(
    source: Path, target: Path, settings: QuantizeSettings, *, check: bool = True
) -> Iterator[Event]:
    """Quantize a model folder into a new one, module by module, in mlx-lm's layout with the tokenizer.

    Yields Progress after each module, a Warning for each thing to know, and Done with {"path", "bytes",
    "bits_per_weight", "modules": [{"path", "format", "bytes", "error", "note"}]}. `target` appears only when
    it is complete; closing the generator stops and leaves nothing.

    Raises:
        ModelError: the source cannot be used, or is quantized already.
        GemmaError: `folder-exists`, `cannot-write`.
    """
    model = check_model(source, read_config(source))
    if model.schemes:
        assert model.quantization is not None
        raise ModelError(
            "already-quantized", f"This model is quantized already ({model.quantization.name}).",
            where=str(source), fix="Quantize the 16-bit model that it was made from.",
        )  # fmt: skip
    preview = quantization_preview(model.config, settings)
    _check_space(target, preview.bytes_after)
    if model.states and settings.bits <= 4:
        yield requantizing_warning(settings)
    reports: list[ModuleReport] = []
    total = len(list(grouped(parameter_shapes(model.config))))
    with atomic_folder(target) as temporary:
        writer = ShardWriter(temporary, layout="mlx")
        for done, module in enumerate(prepare_modules(model, settings, check=check, measure=True), start=1):
            for name, array in module.tensors.items():
                writer.add(f"{module.path}.{name}", array)
            if module.note:
                yield Warning("full-width", module.note)
            if module.scheme is not None or module.note:
                size = sum(array.nbytes for array in module.tensors.values())
                name_of = module.scheme.name if module.scheme else ""
                reports.append(ModuleReport(module.path, name_of, size, module.error, module.note))
            yield Progress("Quantizing", done, total, "modules", note=module.path)
        field = quantization_field(model.config, settings)
        config = portable_config(model.config, dtype="bfloat16", quantization=field)
        # So that `verify` compares it with a recording of this model, and of no other.
        writer.finish({**config, QUANTIZED_FROM: model.checkpoint.fingerprint()})
        copy_companions(source, temporary)
    yield Done(
        {
            "path": str(target),
            "bytes": writer.written,
            "bits_per_weight": preview.bits_per_weight,
            "modules": [report.as_dict() for report in reports],
        }
    )


def requantizing_warning(settings: QuantizeSettings) -> Warning:
    """What to know before 4-bit NF4 weights are quantized again to as few bits."""
    return Warning(
        "requantized",
        f"These weights were in 4 bit (NF4) already; {settings.bits} bit again raises their error by a third "
        "or more.",
        "Quantize the 16-bit model instead, or keep these weights at 6 or 8 bit.",
    )


def _check_space(target: Path, needed: int) -> None:
    """Refuse before hours of work what the disk cannot hold."""
    place = target.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise GemmaError(
            "disk-full",
            f"The quantized model takes {needed / 1e9:.1f} GB; the disk has {free / 1e9:.1f} GB free.",
            where=str(target), fix="Free some space on this disk, or choose another folder.",
            kept="Nothing was written.",
        )  # fmt: skip
