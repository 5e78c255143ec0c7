"""The parts that every Gemma is made of: RMSNorm, GeGLU, rotary embedding, the attention core.

They round where PyTorch's reference rounds (modeling_gemma{,2,3}.py of transformers): norms and gates are
computed in float32 and rounded once, scores are softmaxed in float32.
B batch, L length, S keys, D hidden, H heads, K kv heads, d head dimension, F feed-forward.
"""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from gemma_mlx.models.config import RopeConfig
from gemma_mlx.models.layout import LeftPadded

_GELU_SCALE = 0.7978845608028654  # sqrt(2 / pi)

QUERY_BLOCK = 256
"""Queries attended to at a time where scores are made by hand: what keys a block cannot see are cut off."""


class RMSNorm(nn.Module):
    """x / rms(x) * (1 + weight) over the last axis, in float32, rounded once to x's dtype (GemmaRMSNorm)."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = mx.zeros((size,))
        self.eps = eps

    def __call__(self, x: mx.array) -> mx.array:
        scale = 1.0 + self.weight.astype(mx.float32)
        return mx.fast.rms_norm(x, scale, self.eps).astype(x.dtype)


@partial(mx.compile, shapeless=True)
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
    gate, up = primals
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


def attend(
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    *,
    scale: float,
    softcap: float | None = None,
    window: int | None = None,
    layout: LeftPadded | None = None,
    offset: int = 0,
) -> mx.array:
    """Causal attention of queries (B, H, L, d) to keys and values (B, K, S, d); gives (B, H, L, d).

    The last query stands at the last key. `window` counts the keys that a query sees, itself included.
    `offset` is the column of the first query in the sequence; it matters where rows are padded.
    """
    length, total = queries.shape[2], keys.shape[2]
    past = total - length  # the first query sees the keys 0..past
    if window is not None and window >= total:
        window = None
    if softcap is None and window is None:
        if layout is None:
            mask: str | mx.array | None = None if length == 1 else "causal"
        else:
            mask = _visible(0, length, 0, total, past, None, layout, offset)
        return mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask)

    blocks = []
    for begin in range(0, length, QUERY_BLOCK):
        end = min(begin + QUERY_BLOCK, length)
        first = 0 if window is None else max(0, past + begin - window + 1)
        last = past + end
        mask = None
        if layout is not None or end - begin > 1:
            mask = _visible(begin, end, first, last, past, window, layout, offset)
        block = (queries[:, :, begin:end], keys[:, :, first:last], values[:, :, first:last])
        if softcap is None:
            blocks.append(mx.fast.scaled_dot_product_attention(*block, scale=scale, mask=mask))
        else:
            blocks.append(_softcapped(*block, mask, scale, softcap))
    return blocks[0] if len(blocks) == 1 else mx.concatenate(blocks, axis=2)


def _visible(
    begin: int,
    end: int,
    first: int,
    last: int,
    past: int,
    window: int | None,
    layout: LeftPadded | None,
    offset: int,
) -> mx.array:
    """Which of the keys first..last the queries begin..end see: booleans (L, S) or, padded, (B, 1, L, S)."""
    query = mx.arange(past + begin, past + end)[:, None]
    key = mx.arange(first, last)[None]
    mask = key <= query
    if window is not None:
        mask = mask & (key > query - window)
    if layout is None:
        return mask
    column = key + (offset - past)  # where the key stands in the padded row
    return mask[None, None] & (column[None, None] >= layout.padding[:, None, None, None])


def _softcapped(
    queries: mx.array, keys: mx.array, values: mx.array, mask: mx.array | None, scale: float, softcap: float
) -> mx.array:
    """Attention with Gemma 2's softcap on the scores, which no fused kernel of MLX has.

    In training the scores are computed again in the backward pass: kept, they would outweigh all else.
    """
    batch, heads, length, dimension = queries.shape
    groups, total = keys.shape[1], keys.shape[2]

    def core(q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        # The heads that share keys are laid out as more queries: one product per kv head, nothing repeated.
        q = q.reshape(batch, groups, -1, dimension)
        scores = (q @ k.swapaxes(-1, -2)).astype(mx.float32)
        scores = _cap_scores(scores, scale, softcap)
        if mask is not None:
            scores = scores.reshape(batch, heads, length, total)
            # A finite floor keeps rows of nothing but padding free of NaN.
            scores = mx.where(mask, scores, mx.finfo(mx.float32).min).reshape(batch, groups, -1, total)
        weights = mx.softmax(scores, axis=-1).astype(v.dtype)
        return (weights @ v).reshape(batch, heads, length, dimension)

    return mx.checkpoint(core)(queries, keys, values) if length > 1 else core(queries, keys, values)


@partial(mx.compile, shapeless=True)
def _cap_scores(scores: mx.array, scale: float, softcap: float) -> mx.array:
    return mx.tanh(scores * (scale / softcap)) * softcap


@partial(mx.compile, shapeless=True)
def softcap_logits(logits: mx.array, softcap: float) -> mx.array:
    """cap * tanh(logits / cap), in float32, rounded once."""
    return (mx.tanh(logits.astype(mx.float32) / softcap) * softcap).astype(logits.dtype)
