"""Cross entropy from hidden states, a few rows of the vocabulary at a time.

At 256,000 words the logits of a batch outweigh the model. Here only rows that carry loss enter the head, in
chunks, and each chunk's gradient is taken at once, so that one chunk of logits is alive at a time. Gradients
equal the plain loss's. N rows, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import mlx.core as mx
import mlx.nn as nn

from gemma_mlx.training.backend import Backend, backend

CHUNK_BYTES: dict[Backend, int] = {"cpu": 8 * 2**20, "gpu": 128 * 2**20}
"""Logits of one chunk in float32, by default: larger is no faster on the machines measured (`make bench`)."""

WORDED_ROWS = 1024
"""Rows at a time where the vocabulary is gone through word by word."""


@dataclass(frozen=True)
class Head:
    """The products with the vocabulary that a loss needs: hidden to logits, and gradients back.

    `weight` is None where no gradient of the head is wanted (it is frozen, or quantized). `dense` gives the
    weights (words, D) of some words where the products are slow, as those of quantized weights can be.
    """

    project: Callable[[mx.array], mx.array]  # (N, D) -> (N, V), before any softcap
    pull_back: Callable[[mx.array], mx.array]  # (N, V) -> (N, D)
    vocabulary: int
    softcap: float | None
    weight: mx.array | None = None
    dense: Callable[[int, int, mx.array], mx.array] | None = None


def head_of(model: nn.Module, *, trained: bool = False, unpacked: bool = False) -> Head:
    """The head of a decoder, tied or not, dense or quantized. `trained`: its weight needs a gradient.

    `unpacked`: quantized weights are dequantized, some words at a time, before they are multiplied.
    """
    layer = model.lm_head if "lm_head" in model else model.model.embed_tokens
    softcap = model.config.final_softcap
    weight = layer.weight
    if "scales" in layer:
        assert not trained, "quantized weights are frozen"
        packed = (weight, layer.scales, layer.get("biases"))
        options = {"group_size": layer.group_size, "bits": layer.bits, "mode": layer.mode}

        def dense(begin: int, end: int, like: mx.array) -> mx.array:
            # Tied to what it multiplies, so that lazy evaluation forms some words' weights at a time.
            words = mx.depends(weight, like)[begin:end]
            biases = layer.get("biases")
            parts = (layer.scales[begin:end], None if biases is None else biases[begin:end])
            return mx.dequantize(words, *parts, **options).astype(like.dtype)

        return Head(
            lambda rows: mx.quantized_matmul(rows, *packed, transpose=True, **options),
            lambda rows: mx.quantized_matmul(rows, *packed, transpose=False, **options),
            weight.shape[0],
            softcap,
            dense=dense if unpacked else None,
        )
    return Head(
        lambda rows: rows @ weight.T,
        lambda rows: rows.astype(weight.dtype) @ weight,
        weight.shape[0],
        softcap,
        weight if trained else None,
    )


def chunk_rows(vocabulary: int, on: Backend) -> int:
    """How many rows' logits (float32) make a chunk on this backend; at least 8."""
    return max(8, CHUNK_BYTES[on] // (4 * vocabulary))


def token_losses(
    head: Head, hidden: mx.array, targets: mx.array, *, chunk: int | None = None, gradient: bool = True
) -> mx.array:
    """-log p(target) of each of N rows (N,), float32.

    `hidden` (N, D), `targets` (N,) ids. With `gradient`, each row's slope is formed in the forward pass,
    chunk by chunk, and the backward pass only scales it; without it (evaluation) nothing is kept. Liger's
    fused linear cross entropy does the same on CUDA.
    """
    rows = hidden.shape[0]
    if head.dense is not None:
        return _worded_losses(head, targets, chunk, gradient)(hidden)
    size = min(chunk or chunk_rows(head.vocabulary, backend()), rows)
    if not gradient:
        return _chunked(hidden, targets, size, lambda part, wanted: (_loss_of_chunk(head, part, wanted),))[0]
    if head.weight is None:
        return _frozen_head_losses(head, targets, size)(hidden)
    return _trained_head_losses(head, targets, size)(hidden, head.weight)


def _chunked(
    hidden: mx.array,
    targets: mx.array,
    size: int,
    work: Callable[[mx.array, mx.array], tuple[mx.array, ...]],
) -> list[mx.array]:
    """`work` on each chunk of rows, one strictly after the other, its results laid end to end."""
    results: list[tuple[mx.array, ...]] = []
    for begin in range(0, hidden.shape[0], size):
        part = hidden[begin : begin + size]
        if results:
            # Without this tie, lazy evaluation would let the logits of all chunks live at once.
            part = mx.depends(part, list(results[-1]))
        results.append(work(part, targets[begin : begin + size]))
    return [
        column[0] if len(column) == 1 else mx.concatenate(list(column))
        for column in zip(*results, strict=True)
    ]


def _frozen_head_losses(head: Head, targets: mx.array, size: int) -> Callable[[mx.array], mx.array]:
    """The losses as a function of the hidden states alone."""

    def work(part: mx.array, wanted: mx.array) -> tuple[mx.array, mx.array]:
        losses, slopes = _losses_and_slopes(head, part, wanted)
        return losses, head.pull_back(slopes.astype(part.dtype)).astype(part.dtype)

    return _with_slopes(targets, size, work)


def _with_slopes(
    targets: mx.array, size: int, work: Callable[[mx.array, mx.array], tuple[mx.array, ...]]
) -> Callable[[mx.array], mx.array]:
    """The losses as a function of the hidden states, where `work` forms their slopes beside them."""

    @mx.custom_function
    def both(hidden: mx.array) -> tuple[mx.array, ...]:
        return tuple(_chunked(hidden, targets, size, work))

    @both.vjp
    def both_vjp(primals: mx.array, cotangents: list[mx.array], outputs: list[mx.array]) -> mx.array:
        return (cotangents[0][:, None] * outputs[1]).astype(outputs[1].dtype)

    def losses(hidden: mx.array) -> mx.array:
        return both(hidden)[0]  # type: ignore[index]  # MLX's stubs give custom functions no type

    return losses


def _worded_losses(
    head: Head, targets: mx.array, chunk: int | None, gradient: bool
) -> Callable[[mx.array], mx.array]:
    """The losses as a function of the hidden states, over some words of the vocabulary at a time.

    Each of those words' weights is dequantized twice for WORDED_ROWS rows: for the normalizer, then for the
    slopes that need it.
    """

    dense = head.dense
    assert dense is not None

    def work(part: mx.array, wanted: mx.array) -> tuple[mx.array, ...]:
        numbers = (chunk or chunk_rows(head.vocabulary, backend())) * head.vocabulary
        words = max(64, numbers // part.shape[0])
        cuts = [(at, min(at + words, head.vocabulary)) for at in range(0, head.vocabulary, words)]
        normalizer = mx.full(wanted.shape, -mx.inf)
        likely = mx.zeros(wanted.shape)
        for begin, end in cuts:
            tied = mx.depends(part, normalizer)
            logits = _logits_of(tied @ dense(begin, end, tied).T, head.softcap)
            normalizer = mx.logaddexp(normalizer, mx.logsumexp(logits, axis=-1))
            place = mx.clip(wanted - begin, 0, end - begin - 1)
            picked = mx.take_along_axis(logits, place[:, None], axis=-1)[:, 0]
            likely = mx.where((wanted >= begin) & (wanted < end), picked, likely)
        if not gradient:
            return (normalizer - likely,)
        pulled = mx.zeros(part.shape)
        for begin, end in cuts:
            tied = mx.depends(part, [pulled, normalizer])
            weight = dense(begin, end, tied)
            slopes = _slopes_of(head, tied @ weight.T, normalizer, wanted, mx.arange(begin, end))
            pulled = pulled + (slopes.astype(part.dtype) @ weight).astype(mx.float32)
        return normalizer - likely, pulled.astype(part.dtype)

    if not gradient:
        return lambda hidden: _chunked(hidden, targets, WORDED_ROWS, work)[0]
    return _with_slopes(targets, WORDED_ROWS, work)


def _trained_head_losses(
    head: Head, targets: mx.array, size: int
) -> Callable[[mx.array, mx.array], mx.array]:
    """The losses as a function of the hidden states and the head's weight (full fine-tuning).

    The slope of the weight depends on what comes back, so the chunks are computed again in the backward pass.
    """

    @mx.custom_function
    def losses(hidden: mx.array, weight: mx.array) -> mx.array:
        return _chunked(hidden, targets, size, lambda part, wanted: (_loss_of_chunk(head, part, wanted),))[0]

    @losses.vjp
    def losses_vjp(
        primals: tuple[mx.array, mx.array], cotangent: mx.array, output: mx.array
    ) -> tuple[mx.array, mx.array]:
        hidden, weight = primals
        weight_slope = mx.zeros(weight.shape, mx.float32)
        pulled: list[mx.array] = []
        for begin in range(0, hidden.shape[0], size):
            part = mx.depends(hidden[begin : begin + size], [weight_slope, *pulled[-1:]])
            _, slopes = _losses_and_slopes(head, part, targets[begin : begin + size])
            slopes = slopes.astype(mx.float32) * cotangent[begin : begin + size, None]
            pulled.append(head.pull_back(slopes.astype(part.dtype)).astype(part.dtype))
            weight_slope = weight_slope + slopes.T @ part.astype(mx.float32)
        return mx.concatenate(pulled), weight_slope.astype(weight.dtype)

    return losses  # type: ignore[return-value]  # MLX's stubs give custom functions no type


def _loss_of_chunk(head: Head, hidden: mx.array, targets: mx.array) -> mx.array:
    return _losses_of_logits(head, head.project(hidden), targets)[0]


def _losses_of_logits(head: Head, product: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
    """Losses and log-sum-exps (N,), float32, of the head's product (N, V) before the softcap."""
    logits = _logits_of(product, head.softcap)
    normalizer = mx.logsumexp(logits, axis=-1)
    picked = mx.take_along_axis(product, mx.stop_gradient(targets)[:, None], axis=-1)[:, 0]
    return normalizer - _logits_of(picked, head.softcap), normalizer


def _logits_of(product: mx.array, softcap: float | None) -> mx.array:
    """Float32 logits of the head's product."""
    return product.astype(mx.float32) if softcap is None else _capped(product, softcap)


def _losses_and_slopes(head: Head, hidden: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
    """The chunk's losses (N,), float32, and their slopes by the product before the softcap (N, V)."""
    product = head.project(hidden)
    losses, normalizer = _losses_of_logits(head, product, targets)
    return losses, _slopes_of(head, product, normalizer, targets, mx.arange(head.vocabulary))


def _slopes_of(
    head: Head, product: mx.array, normalizer: mx.array, targets: mx.array, words: mx.array
) -> mx.array:
    """Slopes of the losses by the head's product (N, words) with these words."""
    columns = (product, normalizer[:, None], targets[:, None], words[None])
    return _slopes(*columns) if head.softcap is None else _capped_slopes(*columns, head.softcap)


# Each of these is one pass over a chunk of logits instead of six.


@partial(mx.compile, shapeless=True)
def _capped(product: mx.array, softcap: float) -> mx.array:
    return mx.tanh(product.astype(mx.float32) / softcap) * softcap


@partial(mx.compile, shapeless=True)
def _slopes(product: mx.array, normalizer: mx.array, targets: mx.array, words: mx.array) -> mx.array:
    """softmax - one-hot, computed in float32, in the product's dtype."""
    probabilities = mx.exp(product.astype(mx.float32) - normalizer)
    return (probabilities - (words == targets).astype(mx.float32)).astype(product.dtype)


@partial(mx.compile, shapeless=True)
def _capped_slopes(
    product: mx.array, normalizer: mx.array, targets: mx.array, words: mx.array, softcap: float
) -> mx.array:
    """(softmax - one-hot) * (1 - tanh^2), computed in float32, in the product's dtype."""
    tanh = mx.tanh(product.astype(mx.float32) / softcap)
    slope = mx.exp(tanh * softcap - normalizer) - (words == targets).astype(mx.float32)
    return (slope * (1 - tanh * tanh)).astype(product.dtype)
