"""One weight or module into a quantized form and back, and the error that this makes."""

from __future__ import annotations

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn

from gemma_mlx.weights.scheme import Scheme

_ROWS_AT_A_TIME = 8192
_FLOAT_FORMAT_BLOCK = 2**21


class CastingEmbedding(nn.QuantizedEmbedding):
    """An embedding in a floating format that gives another dtype than bfloat16, which MLX always gives.

    The formats' values are exact in bfloat16, so the cast loses nothing and fixes the model's working width.
    """

    dtype: mx.Dtype = mx.bfloat16

    def __call__(self, x: mx.array) -> mx.array:
        """Ids (...) to embeddings (..., D)."""
        return super().__call__(x).astype(self.dtype)


def quantize_weight(weight: mx.array, scheme: Scheme, dtype: mx.Dtype = mx.bfloat16) -> dict[str, mx.array]:
    """A weight (rows, columns) in a scheme's parts: "weight", "scales" and, for affine, "biases".

    It is cast to bfloat16 first, as every program that reads the result expects. Affine scales are given in
    `dtype`, the model's working width.
    """
    weight = weight.astype(mx.bfloat16)
    if scheme.mode == "affine":
        packed, scales, biases = mx.quantize(weight, scheme.group_size, scheme.bits)
        return {"weight": packed, "scales": scales.astype(dtype), "biases": biases.astype(dtype)}
    # On the CPU MLX composes the floating formats of many steps, each as large as its input: in blocks of
    # rows that takes a fraction of the memory.
    blocks = []
    rows = max(1, _FLOAT_FORMAT_BLOCK // weight.shape[1])
    for begin in range(0, weight.shape[0], rows):
        block = mx.quantize(weight[begin : begin + rows], scheme.group_size, scheme.bits, mode=scheme.mode)
        mx.eval(block)
        blocks.append(block)
    packed, scales = (mx.concatenate(list(parts)) for parts in zip(*blocks, strict=True))
    return {"weight": packed, "scales": scales}


def dequantize_weight(
    parts: Mapping[str, mx.array], scheme: Scheme, dtype: mx.Dtype = mx.float32
) -> mx.array:
    """The weight (rows, columns) that the parts stand for, computed and given in `dtype`."""
    scales, biases = parts["scales"], parts.get("biases")
    if biases is not None:
        # MLX computes in the scales' dtype, whatever dtype it is asked for.
        scales, biases = scales.astype(dtype), biases.astype(dtype)
    return mx.dequantize(
        parts["weight"], scales, biases, scheme.group_size, scheme.bits, mode=scheme.mode, dtype=dtype
    )


def quantization_error(weight: mx.array, parts: Mapping[str, mx.array], scheme: Scheme) -> float:
    """The relative root mean square error of a quantized weight: |weight - dequantized| / |weight|."""
    wrong = total = 0.0
    for begin in range(0, weight.shape[0], _ROWS_AT_A_TIME):
        rows = slice(begin, begin + _ROWS_AT_A_TIME)
        exact = weight[rows].astype(mx.float32)
        rest = exact - dequantize_weight({name: part[rows] for name, part in parts.items()}, scheme)
        wrong += float(mx.sum(rest * rest))
        total += float(mx.sum(exact * exact))
    return float((wrong / total) ** 0.5) if total else 0.0


def quantized_module(
    module: nn.Module, parts: Mapping[str, mx.array], scheme: Scheme, dtype: mx.Dtype
) -> nn.Module:
    """The quantized counterpart of a linear module or an embedding, frozen, holding these parts.

    `parts` may hold the linear module's "bias". `dtype` is the model's working width.
    """
    embedding = isinstance(module, nn.Embedding)
    rows, columns = module.weight.shape
    numbers = {"group_size": scheme.group_size, "bits": scheme.bits, "mode": scheme.mode}
    quantized: nn.Module
    if not embedding:
        quantized = nn.QuantizedLinear(columns, rows, bias="bias" in module, **numbers)
    elif scheme.mode != "affine" and dtype != mx.bfloat16:
        quantized = CastingEmbedding(rows, columns, **numbers)
        quantized.dtype = dtype
    else:
        quantized = nn.QuantizedEmbedding(rows, columns, **numbers)
    for name, part in parts.items():
        setattr(quantized, name, part)
    quantized.freeze()
    return quantized


def module_at(model: nn.Module, path: str) -> nn.Module:
    """The module at a path such as "model.layers.0.self_attn.q_proj"."""
    module = model
    for part in path.split("."):
        module = module[int(part)] if part.isdigit() else module[part]
    return module


def put_module(model: nn.Module, path: str, module: nn.Module) -> None:
    """Set a module in the place of the one at `path`."""
    parent, _, name = path.rpartition(".")
    holder = module_at(model, parent) if parent else model
    if isinstance(holder, list):
        holder[int(name)] = module
    else:
        setattr(holder, name, module)
