"""Cross entropy from hidden states, a few rows of the vocabulary at a time.

At 256,000 words the logits of a batch outweigh the model. Here only rows that carry loss enter the head, in
chunks, and each chunk's gradient is taken at once, so that one chunk of logits is alive at a time. Gradients
equal the plain loss's. N rows, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn

CHUNK_BYTES = 128 * 2**20
"""Logits of one chunk in float32, by default: larger is no faster on the machines measured (`make bench`)."""


@dataclass(frozen=True)
class Head:
    """The products with the vocabulary that a loss needs: hidden to logits, and gradients back.

    `weight` is None where no gradient of the head is wanted (it is frozen, or quantized).
    """

    project: Callable[[mx.array], mx.array]  # (N, D) -> (N, V), before any softcap
    pull_back: Callable[[mx.array], mx.array]  # (N, V) -> (N, D)
    vocabulary: int
    softcap: float | None
    weight: mx.array | None = None


def head_of(model: nn.Module, *, trained: bool = False) -> Head:
    """The head of a decoder, tied or not, dense or quantized. `trained`: its weight needs a gradient."""
    layer = model.lm_head if "lm_head" in model else model.model.embed_tokens
    softcap = model.config.final_softcap
    weight = layer.weight
    if "scales" in layer:
        assert not trained, "quantized weights are frozen"
        packed = (weight, layer.scales, layer.get("biases"))
        options = {"group_size": layer.group_size, "bits": layer.bits, "mode": layer.mode}
        return Head(
            lambda rows: mx.quantized_matmul(rows, *packed, transpose=True, **options),
            lambda rows: mx.quantized_matmul(rows, *packed, transpose=False, **options),
            weight.shape[0],
            softcap,
        )
    return Head(
        lambda rows: rows @ weight.T,
        lambda rows: rows.astype(weight.dtype) @ weight,
        weight.shape[0],
        softcap,
        weight if trained else None,
    )


def chunk_rows(vocabulary: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """How many rows' logits (float32) fit into a chunk of this many bytes; at least 16."""
    return max(16, chunk_bytes // (4 * vocabulary))


def cross_entropy_sum(
    head: Head, hidden: mx.array, targets: mx.array, *, chunk: int | None = None, gradient: bool = True
) -> mx.array:
    """Sum over N rows of -log p(target), a float32 scalar. Divide by the rows of the whole step for the mean.

    `hidden` (N, D), `targets` (N,) ids. With `gradient` the backward pass is done chunk by chunk as well; without
    it (evaluation) nothing is kept. Liger kernels' fused linear cross entropy does the same on CUDA.
    """
    rows = hidden.shape[0]
    size = min(chunk or chunk_rows(head.vocabulary), rows)
    if not gradient:
        total = mx.array(0.0)
        for begin in range(0, rows, size):
            part = mx.depends(hidden[begin : begin + size], total)
            total = total + _loss_of_chunk(head, part, targets[begin : begin + size]).sum()
        return total
    if head.weight is None:
        return _frozen_head_loss(head, targets, size)(hidden)
    return _trained_head_loss(head, targets, size)(hidden, head.weight)


def _frozen_head_loss(head: Head, targets: mx.array, size: int) -> Callable[[mx.array], mx.array]:
    """The loss as a function of the hidden states alone."""

    @mx.custom_function
    def both(hidden: mx.array) -> tuple[mx.array, mx.array]:
        total, pulled = mx.array(0.0), []
        for begin in range(0, hidden.shape[0], size):
            part = hidden[begin : begin + size]
            if pulled:
                # Without this tie, lazy evaluation would let the logits of all chunks live at once.
                part = mx.depends(part, [total, pulled[-1]])
            loss, slope = _loss_and_slope(head, part, targets[begin : begin + size])
            total = total + loss
            pulled.append(head.pull_back(slope.astype(hidden.dtype)).astype(hidden.dtype))
        return total, pulled[0] if len(pulled) == 1 else mx.concatenate(pulled)

    @both.vjp
    def both_vjp(primals: mx.array, cotangents: list[mx.array], outputs: list[mx.array]) -> mx.array:
        return (cotangents[0] * outputs[1]).astype(outputs[1].dtype)

    return lambda hidden: both(hidden)[0]


def _trained_head_loss(
    head: Head, targets: mx.array, size: int
) -> Callable[[mx.array, mx.array], mx.array]:
    """The loss as a function of the hidden states and the head's weight (full fine-tuning)."""

    @mx.custom_function
    def both(hidden: mx.array, weight: mx.array) -> tuple[mx.array, mx.array, mx.array]:
        total, pulled = mx.array(0.0), []
        weight_slope = mx.zeros(weight.shape, mx.float32)
        for begin in range(0, hidden.shape[0], size):
            part = mx.depends(hidden[begin : begin + size], [total, weight_slope])
            loss, slope = _loss_and_slope(head, part, targets[begin : begin + size])
            total = total + loss
            pulled.append(slope.astype(hidden.dtype) @ weight)
            weight_slope = weight_slope + slope.T @ part.astype(mx.float32)
        return total, mx.concatenate(pulled), weight_slope

    @both.vjp
    def both_vjp(
        primals: tuple[mx.array, ...], cotangents: list[mx.array], outputs: list[mx.array]
    ) -> tuple[mx.array, mx.array]:
        scale = cotangents[0]
        hidden, weight = primals
        return (scale * outputs[1]).astype(hidden.dtype), (scale * outputs[2]).astype(weight.dtype)

    return lambda hidden, weight: both(hidden, weight)[0]


def token_losses(head: Head, hidden: mx.array, targets: mx.array) -> mx.array:
    """-log p(target) of each row (N,), float32, with a gradient of its own: for preference losses."""
    return _loss_of_chunk(head, hidden, targets)


def _capped(head: Head, hidden: mx.array) -> mx.array:
    """Logits (N, V) in float32, softcapped where the model is."""
    logits = head.project(hidden).astype(mx.float32)
    return logits if head.softcap is None else mx.tanh(logits / head.softcap) * head.softcap


def _loss_of_chunk(head: Head, hidden: mx.array, targets: mx.array) -> mx.array:
    logits = _capped(head, hidden)
    picked = mx.take_along_axis(logits, mx.stop_gradient(targets)[:, None], axis=-1)[:, 0]
    return mx.logsumexp(logits, axis=-1) - picked


def _loss_and_slope(head: Head, hidden: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
    """Sum of the chunk's losses, and d(sum) / d(product before the softcap) (N, V) in float32."""
    logits = _capped(head, hidden)
    normalizer = mx.logsumexp(logits, axis=-1, keepdims=True)
    picked = mx.take_along_axis(logits, targets[:, None], axis=-1)
    slope = mx.exp(logits - normalizer)
    slope = mx.put_along_axis(
        slope, targets[:, None], mx.take_along_axis(slope, targets[:, None], axis=-1) - 1, axis=-1
    )
    if head.softcap is not None:
        slope = slope * (1 - mx.square(logits / head.softcap))
    return (normalizer - picked).sum(), slope
