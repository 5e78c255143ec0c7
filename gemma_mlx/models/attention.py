"""The attention core: causal, windowed, softcapped; scores are formed for some queries at a time.

Scores are softmaxed in float32, as in PyTorch's reference (modeling_gemma2.py of transformers).
B batch, L length, S keys, H heads, K kv heads, d head dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import mlx.core as mx

from gemma_mlx.models.layout import LeftPadded

QUERY_BLOCK = 256
"""Queries attended to at a time where scores are made by hand: what keys a block cannot see are cut off."""

SCORES_BYTES = 128 * 2**20
"""Float32 scores of a layer that may be alive at once where the layer is computed again anyway: forming them
a third time, block by block, costs a tenth of the step (H200, Gemma-2-2B, 4 x 1024)."""

Core = Callable[[mx.array, mx.array, mx.array], mx.array]


def few_scores(heads: int, pairs: int) -> bool:
    """Whether the scores of so many pairs of a query and a key in each head are within SCORES_BYTES."""
    return 4 * heads * pairs <= SCORES_BYTES


@dataclass(frozen=True)
class Span:
    """The queries `begin`..`end`, the keys `first`..`last` that they see, and how they attend to them."""

    begin: int
    end: int
    first: int
    last: int
    core: Core

    def of(self, queries: mx.array, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array, mx.array]:
        """What `core` takes, cut out of the whole."""
        seen = slice(self.first, self.last)
        return queries[:, :, self.begin : self.end], keys[:, :, seen], values[:, :, seen]


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
    lean: bool = False,
) -> mx.array:
    """Causal attention of queries (B, H, L, d) to keys and values (B, K, S, d); gives (B, H, L, d).

    The last query stands at the last key. `window` counts the keys that a query sees, itself included.
    `offset` is the column of the first query in the sequence; it matters where rows are padded. `lean`:
    scores are formed again in the backward pass, block by block, and none are kept.
    """
    length, total = queries.shape[2], keys.shape[2]
    past = total - length  # the first query sees the keys 0..past
    if window is not None and window >= total:
        window = None
    if softcap is None and window is None and not lean:
        if layout is None:
            mask: str | mx.array | None = None if length == 1 else "causal"
        else:
            mask = _visible(0, length, 0, total, past, None, layout, offset)
        return mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask)

    spans = []
    for begin in range(0, length, QUERY_BLOCK):
        end = min(begin + QUERY_BLOCK, length)
        first = 0 if window is None else max(0, past + begin - window + 1)
        last = past + end
        block_mask = None
        if layout is not None or end - begin > 1:
            block_mask = _visible(begin, end, first, last, past, window, layout, offset)
        spans.append(
            Span(begin, end, first, last, partial(_core, mask=block_mask, scale=scale, softcap=softcap))
        )
    if lean:
        return _span_after_span(spans)(queries, keys, values)
    blocks = [span.core(*span.of(queries, keys, values)) for span in spans]
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


def _core(
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    *,
    mask: mx.array | None,
    scale: float,
    softcap: float | None,
) -> mx.array:
    if softcap is None:
        return mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask)
    return _softcapped(queries, keys, values, mask, scale, softcap)


def _softcapped(
    queries: mx.array, keys: mx.array, values: mx.array, mask: mx.array | None, scale: float, softcap: float
) -> mx.array:
    """Attention with Gemma 2's softcap on the scores, which no fused kernel of MLX has."""
    batch, heads, length, dimension = queries.shape
    groups, total = keys.shape[1], keys.shape[2]
    # The heads that share keys are laid out as more queries: one product per kv head, nothing repeated.
    queries = queries.reshape(batch, groups, -1, dimension)
    scores = _cap_scores(queries @ keys.swapaxes(-1, -2), scale, softcap)
    if mask is not None:
        scores = scores.reshape(batch, heads, length, total)
        # A finite floor keeps rows of nothing but padding free of NaN.
        scores = mx.where(mask, scores, mx.finfo(mx.float32).min).reshape(batch, groups, -1, total)
    weights = mx.softmax(scores, axis=-1).astype(values.dtype)
    return (weights @ values).reshape(batch, heads, length, dimension)


@partial(mx.compile, shapeless=True)
def _cap_scores(scores: mx.array, scale: float, softcap: float) -> mx.array:
    """The scaled, capped scores in float32."""
    return mx.tanh(scores.astype(mx.float32) * (scale / softcap)) * softcap


def _span_after_span(spans: list[Span]) -> Core:
    """The spans' attention as one function that keeps its inputs alone, one span's scores alive at a time."""

    @mx.custom_function
    def attended(queries: mx.array, keys: mx.array, values: mx.array) -> mx.array:
        blocks: list[mx.array] = []
        for span in spans:
            parts = span.of(queries, keys, values)
            # Without this tie, lazy evaluation would let the scores of all spans live at once.
            blocks.append(span.core(*(mx.depends(list(parts), blocks[-1:]) if blocks else parts)))
        return blocks[0] if len(blocks) == 1 else mx.concatenate(blocks, axis=2)

    @attended.vjp
    def attended_vjp(
        primals: tuple[mx.array, mx.array, mx.array], cotangent: mx.array, output: mx.array
    ) -> tuple[mx.array, mx.array, mx.array]:
        queries, keys, values = primals
        slopes: list[mx.array] = []
        key_slopes, value_slopes = mx.zeros(keys.shape, mx.float32), mx.zeros(values.shape, mx.float32)
        for span in spans:
            earlier = [slopes[-1], key_slopes, value_slopes] if slopes else [cotangent]
            parts = mx.depends(list(span.of(queries, keys, values)), earlier)
            _, found = mx.vjp(span.core, parts, [cotangent[:, :, span.begin : span.end]])
            slopes.append(found[0])
            seen = slice(span.first, span.last)
            key_slopes[:, :, seen] += found[1]
            value_slopes[:, :, seen] += found[2]
        return (
            slopes[0] if len(slopes) == 1 else mx.concatenate(slopes, axis=2),
            key_slopes.astype(keys.dtype),
            value_slopes.astype(values.dtype),
        )

    return attended  # type: ignore[return-value]  # MLX's stubs give custom functions no type
