"""Matrix products of training that keep little for the backward pass.

Autodiff would keep a float32 copy of each adapted module's input, and each dequantized weight; these products
keep the input as it came and form the rest again. N rows, r rank.
"""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import mlx.nn as nn

Drop = Callable[[mx.array], mx.array]


def low_rank_update(
    x: mx.array, lora_a: mx.array, lora_b: mx.array, scale: float, drop: Drop | None = None
) -> mx.array:
    """drop(x) A^T B^T * scale in float32: x (..., in), A (r, in), B (out, r) to (..., out).

    `drop` has to do the same each time that it is called, since the backward pass calls it again.
    """

    def widened(x: mx.array) -> mx.array:
        wide = x.reshape(-1, x.shape[-1]).astype(mx.float32)
        return wide if drop is None else drop(wide)

    @mx.custom_function
    def update(x: mx.array, lora_a: mx.array, lora_b: mx.array) -> tuple[mx.array, mx.array]:
        inner = widened(x) @ lora_a.T  # (N, r)
        return (inner @ (lora_b.T * scale)).reshape(*x.shape[:-1], -1), inner

    @update.vjp
    def update_vjp(
        primals: tuple[mx.array, ...], cotangents: list[mx.array], outputs: list[mx.array]
    ) -> tuple[mx.array, mx.array, mx.array]:
        x, lora_a, lora_b = primals
        # Tied to what comes back: a compiled step would else share the forward pass's wide copy, and keep it.
        x = mx.depends(x, cotangents[0])
        slope = cotangents[0].reshape(-1, cotangents[0].shape[-1]) * scale  # (N, out)
        inner_slope = slope @ lora_b  # (N, r)
        x_slope = inner_slope @ lora_a
        if drop is not None:
            x_slope = drop(x_slope)  # the mask and its factor act on slopes as on values
        return x_slope.reshape(x.shape).astype(x.dtype), inner_slope.T @ widened(x), slope.T @ outputs[1]

    return update(x, lora_a, lora_b)[0]  # type: ignore[index]  # MLX's stubs give custom functions no type


class UnpackedLinear(nn.QuantizedLinear):
    """A frozen quantized module that dequantizes its weight before each product.

    With many rows this beats the quantized product on CUDA; for the few rows of decoding it does not.
    """

    def __call__(self, x: mx.array) -> mx.array:
        product = _unpacked_product(self)(x)
        return product + self.bias if "bias" in self else product


def _unpacked_product(layer: nn.QuantizedLinear) -> Callable[[mx.array], mx.array]:
    """x W^T as a function of x alone; the weight is formed again in the backward pass, not kept."""

    def weight(like: mx.array) -> mx.array:
        # Tied to what it multiplies, so that lazy evaluation forms one layer's weight at a time.
        packed = mx.depends(layer.weight, like)
        dense = mx.dequantize(
            packed, layer.scales, layer.get("biases"), layer.group_size, layer.bits, layer.mode
        )
        return dense.astype(like.dtype)

    @mx.custom_function
    def product(x: mx.array) -> mx.array:
        return x @ weight(x).T

    @product.vjp
    def product_vjp(primal: mx.array, cotangent: mx.array, output: mx.array) -> mx.array:
        return cotangent @ weight(cotangent)

    return product  # type: ignore[return-value]  # MLX's stubs give custom functions no type


def unpack_products(model: nn.Module, unpack: bool = True) -> int:
    """Lets every quantized linear module dequantize before it multiplies, or not; returns their number."""
    wanted = UnpackedLinear if unpack else nn.QuantizedLinear
    count = 0
    for _, module in model.named_modules():
        if isinstance(module, nn.QuantizedLinear):
            # The subclass adds no state: what changes is the way of multiplying, not the module.
            module.__class__ = wanted
            count += 1
    return count
