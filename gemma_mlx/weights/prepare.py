"""A model's tensors module by module, checked, dequantized, quantized and cast: for loading and for writing.

Only one module is held in full width at a time, so a model quantizes in little more than its quantized size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import mlx.core as mx

from gemma_mlx.errors import ModelError, SettingsError
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights.checks import CheckedModel
from gemma_mlx.weights.files import check_finite, check_scale_codes, grouped, map_tensors
from gemma_mlx.weights.packing import quantization_error, quantize_weight
from gemma_mlx.weights.scheme import Planned, Scheme, plan_quantization

DTYPES = {"float32": mx.float32, "float16": mx.float16, "bfloat16": mx.bfloat16}
NF4_KEPT_BITS = 8
"""bitsandbytes weights are kept in so many bits: that adds 0.006 to their error, 4 bits would add a third."""


@dataclass(frozen=True)
class PreparedModule:
    """The evaluated tensors of one module, by their name in it. `scheme` None: in full width.

    `error` is the relative root mean square error of its quantization, where that was asked for.
    """

    path: str
    tensors: dict[str, mx.array]
    scheme: Scheme | None
    note: str = ""
    error: float | None = None


def working_dtype(model: CheckedModel, settings: QuantizeSettings | None, dtype: str | None) -> mx.Dtype:
    """The width in which a model computes: `dtype`, bfloat16 where it gets quantized, else as it is stored.

    Raises:
        SettingsError: `dtype` is none of float32, float16, bfloat16.
    """
    if dtype is not None:
        if dtype not in DTYPES:
            raise SettingsError(
                "bad-dtype", f"{dtype!r} is no width that models compute in.", where="dtype",
                fix=f"Choose from {', '.join(DTYPES)}.",
            )  # fmt: skip
        return DTYPES[dtype]
    if (settings is not None and not model.schemes) or model.states:
        return mx.bfloat16
    stored = {"F32": mx.float32, "F16": mx.float16, "BF16": mx.bfloat16}
    names = ("model.embed_tokens.weight", "model.embed_tokens.scales", "model.norm.weight")
    kinds = (model.checkpoint.tensors[name].dtype for name in names if name in model.checkpoint.tensors)
    return next(stored[kind] for kind in kinds if kind in stored)


def prepare_modules(
    model: CheckedModel,
    settings: QuantizeSettings | None = None,
    dtype: str | None = None,
    *,
    check: bool = True,
    measure: bool = False,
) -> Iterator[PreparedModule]:
    """Every module of a checked model in turn, evaluated.

    Weights that are stored in MLX's quantized form stay as they are. Others are quantized as `settings` say;
    without settings bitsandbytes' 4-bit weights are kept at 8 bit, or dequantized where a `dtype` is given.
    `check` refuses values that are not finite; `measure` computes each module's quantization error.

    Raises:
        ModelError: `not-finite`, `overflow` (a value that float16 cannot hold).
    """
    width = working_dtype(model, settings, dtype)
    plan = _plan(model, settings, dtype)
    weights = map_tensors(model)
    for path, names in list(grouped(weights)):
        arrays = {name.removeprefix(f"{path}."): weights.pop(name) for name in names}
        where = {name: model.where(f"{path}.{name}") for name in arrays}
        stored = model.schemes.get(path)
        if check:
            for name, array in arrays.items():
                check_finite(array, where[name])
            if stored is not None and stored.mode != "affine":
                check_scale_codes(arrays["scales"], stored.mode, where["scales"])
        planned = plan.get(path)
        if planned is None or planned.scheme is None:
            tensors = {name: _cast(array, width, where[name]) for name, array in arrays.items()}
            mx.eval(tensors)
            yield PreparedModule(path, tensors, stored, planned.note if planned else "")
            continue
        weight = arrays.pop("weight")
        tensors = quantize_weight(weight, planned.scheme, width)
        tensors |= {name: _cast(array, width, where[name]) for name, array in arrays.items()}
        mx.eval(tensors)
        error = quantization_error(weight, tensors, planned.scheme) if measure else None
        del weight, arrays
        yield PreparedModule(path, tensors, planned.scheme, error=error)


def _plan(model: CheckedModel, settings: QuantizeSettings | None, dtype: str | None) -> dict[str, Planned]:
    if model.schemes:
        return {}
    if settings is not None:
        return plan_quantization(model.config, settings)
    if not model.states or dtype is not None:
        return {}
    plan = {}
    for path, state in model.states.items():
        rows, columns = state.shape
        group = next((group for group in (64, 32) if columns % group == 0), None)
        scheme = Scheme("affine", NF4_KEPT_BITS, group) if group else None
        plan[path] = Planned(path, (rows, columns), scheme)
    return plan


def _cast(array: mx.array, width: mx.Dtype, where: str) -> mx.array:
    """A floating array in the working width; integers as they are."""
    if not mx.issubdtype(array.dtype, mx.floating) or array.dtype == width:
        return array
    cast = array.astype(width)
    if width == mx.float16:
        try:
            check_finite(cast, where)
        except ModelError:
            raise ModelError(
                "overflow", "A weight is larger than float16 can hold.", where=where,
                fix="Load the model in bfloat16 or float32.",
            ) from None  # fmt: skip
    return cast
