"""The parts that every Gemma is made of: RMSNorm, GeGLU, rotary embedding, the softcap of logits.

They round where PyTorch's reference rounds (modeling_gemma{,2,3}.py of transformers): norms and gates are
computed in float32 and rounded once.
B batch, L length, D hidden, H heads, d head dimension, F feed-forward.
"""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from gemma_mlx.models.config import RopeConfig

_GELU_SCALE = 0.7978845608028654  # sqrt(2 / pi)


class RMSNorm(nn.Module):
    """x / rms(x) * (1 + weight) over the last axis, in float32, rounded once to x's dtype (GemmaRMSNorm)."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = mx.zeros((size,))
        self.eps = eps
        self._formed: tuple[mx.array, mx.array] | None = None  # a weight, and the factor made of it

    def __call__(self, x: mx.array) -> mx.array:
        return mx.fast.rms_norm(x, self._factor(), self.eps).astype(x.dtype)

    def added_to(self, x: mx.array, y: mx.array) -> mx.array:
        """x + norm(y), rounded alike: outside of training in one pass, since decoding waits for launches."""
        if self.training:
            return x + self(y)
        return _add_rounded(x, mx.fast.rms_norm(y, self._factor(), self.eps))

    def _factor(self) -> mx.array:
        """1 + weight in float32. Decoding, which waits for launches, forms it once; training may trace it."""
        if self.training:
            return 1.0 + self.weight.astype(mx.float32)
        if self._formed is None or self._formed[0] is not self.weight:
            self._formed = (self.weight, 1.0 + self.weight.astype(mx.float32))
        return self._formed[1]


@partial(mx.compile, shapeless=True)
def _add_rounded(x: mx.array, wide: mx.array) -> mx.array:
    return x + wide.astype(x.dtype)


@mx.compile
def geglu(gate: mx.array, up: mx.array) -> mx.array:
    """gelu_tanh(gate) * up in float32, rounded once."""
    wide = gate.astype(mx.float32)
    inner = _GELU_SCALE * (wide + 0.044715 * wide * wide * wide)
    return (0.5 * wide * (1 + mx.tanh(inner)) * up.astype(mx.float32)).astype(gate.dtype)


@mx.custom_function
def trained_geglu(gate: mx.array, up: mx.array) -> mx.array:
    """`geglu` that keeps nothing but its inputs for the backward pass.

    Autodiff would keep half a dozen float32 arrays of feed-forward width. Inside a custom function nothing is
    fused unless the whole step is compiled, so inference does without.
    """
    return geglu(gate, up)


@trained_geglu.vjp
def _geglu_vjp(
    primals: tuple[mx.array, mx.array], slope: mx.array, _output: mx.array
) -> tuple[mx.array, mx.array]:
    # Tied to what comes back: a compiled step would else share the forward pass's arrays, and keep them.
    gate, up = mx.depends(list(primals), slope)
    wide, slope = gate.astype(mx.float32), slope.astype(mx.float32)
    tanh = mx.tanh(_GELU_SCALE * (wide + 0.044715 * wide * wide * wide))
    inner_slope = _GELU_SCALE * (1 + 3 * 0.044715 * wide * wide)
    gelu = 0.5 * wide * (1 + tanh)
    gelu_slope = 0.5 * (1 + tanh) + 0.5 * wide * (1 - tanh * tanh) * inner_slope
    return (slope * up.astype(mx.float32) * gelu_slope).astype(gate.dtype), (slope * gelu).astype(up.dtype)


class GatedMLP(nn.Module):
    """Gemma's feed-forward: down(gelu(gate(x)) * up(x)), (B, L, D) to (B, L, D)."""

    def __init__(self, hidden: int, inner: int) -> None:
        super().__init__()
        self.inner = inner
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        gated = trained_geglu if self.training else geglu
        return self.down_proj(gated(self.gate_proj(x), self.up_proj(x)))


class RotaryEmbedding:
    """Turns halves of each head by position (Su et al. 2021), with transformers' inverse frequencies.

    The frequencies are formed in float32 as transformers does: MLX's own, made from the base, differ by 6e-3
    at position 32K.
    """

    def __init__(self, dimension: int, rope: RopeConfig) -> None:
        exponents = np.arange(0, dimension, 2, dtype=np.float32) / np.float32(dimension)
        # numpy's own float32 power is a unit off in a sixth of them, which is 4e-4 at position 32K.
        powers = np.power(np.float64(rope.base), exponents.astype(np.float64)).astype(np.float32)
        inverse = np.float32(1.0) / powers
        self.dimension = dimension
        self._periods = mx.array(np.float32(1.0) / (inverse / np.float32(rope.factor)))

    def __call__(self, x: mx.array, offset: int | mx.array) -> mx.array:
        """x (B, H, L, d), its first column at position `offset`: one for all rows, or (B,)."""
        return mx.fast.rope(
            x, self.dimension, traditional=False, base=None, scale=1.0, offset=offset, freqs=self._periods
        )


@partial(mx.compile, shapeless=True)
def softcap_logits(logits: mx.array, softcap: float) -> mx.array:
    """cap * tanh(logits / cap), in float32, rounded once."""
    return (mx.tanh(logits.astype(mx.float32) / softcap) * softcap).astype(logits.dtype)
