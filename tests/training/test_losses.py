"""The chunked cross entropy: equal to the plain one in value and gradient, and lean."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import pytest

from gemma_mlx.models.decoder import Decoder
from gemma_mlx.training.losses import Head, chunk_rows, head_of, token_losses
from tests.models.test_decoder import relative, tiny_decoder

ROWS = 50


def plain(decoder: Decoder, hidden: mx.array, targets: mx.array) -> mx.array:
    return nn.losses.cross_entropy(decoder.head(hidden).astype(mx.float32), targets, reduction="none")


def some_rows(decoder: Decoder) -> tuple[mx.array, mx.array]:
    hidden = mx.random.normal((ROWS, decoder.config.hidden_size), key=mx.random.key(1))
    return hidden, mx.random.randint(0, decoder.config.vocab_size, (ROWS,), key=mx.random.key(2))


@pytest.mark.parametrize("chunk", [1, 7, ROWS, 1000, None])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("softcap", [3.0, None])
@pytest.mark.parametrize(("bits", "unpacked"), [(None, False), (8, False), (8, True)])
def test_values_and_gradients_equal_the_plain_loss(
    chunk: int | None, tied: bool, softcap: float | None, bits: int | None, unpacked: bool
) -> None:
    decoder = tiny_decoder("gemma2", tie_word_embeddings=tied, final_logit_softcapping=softcap)
    if bits is not None:
        nn.quantize(decoder, 64, bits)
    hidden, targets = some_rows(decoder)
    weights = mx.random.uniform(shape=(ROWS,), key=mx.random.key(3))
    head = head_of(decoder, unpacked=unpacked)

    def ours(hidden: mx.array) -> mx.array:
        return (token_losses(head, hidden, targets, chunk=chunk) * weights).sum()

    def theirs(hidden: mx.array) -> mx.array:
        return (plain(decoder, hidden, targets) * weights).sum()

    assert relative(token_losses(head, hidden, targets, chunk=chunk), plain(decoder, hidden, targets)) < 5e-6
    assert relative(mx.grad(ours)(hidden), mx.grad(theirs)(hidden)) < 2e-5
    lean = token_losses(head, hidden, targets, chunk=chunk, gradient=False)
    assert relative(lean, plain(decoder, hidden, targets)) < 5e-6


def test_a_trained_head_gets_its_gradient() -> None:
    decoder = tiny_decoder("gemma2", final_logit_softcapping=3.0)
    hidden, targets = some_rows(decoder)

    def loss(ours: bool, hidden: mx.array, weight: mx.array) -> mx.array:
        decoder.model.embed_tokens.weight = weight
        if ours:
            return token_losses(head_of(decoder, trained=True), hidden, targets, chunk=7).mean()
        return plain(decoder, hidden, targets).mean()

    weight = decoder.model.embed_tokens.weight
    ours, theirs = (
        mx.grad(lambda h, w, which=which: loss(which, h, w), argnums=(0, 1))(hidden, weight)
        for which in (True, False)
    )
    for got, want in zip(ours, theirs, strict=True):
        assert relative(got, want) < 2e-5


def test_memory_does_not_grow_with_the_rows() -> None:
    """Eight times the rows, the same chunk: far less than eight times the memory of the plain loss."""
    weight = mx.random.normal((10_000, 16))
    mx.eval(weight)

    def peak(rows: int, chunk: int) -> int:
        head = Head(lambda h: h @ weight.T, lambda g: g @ weight, 10_000, 30.0)
        hidden, targets = mx.random.normal((rows, 16)), mx.random.randint(0, 10_000, (rows,))
        mx.eval(hidden, targets)
        mx.clear_cache()
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        mx.eval(mx.grad(lambda h: token_losses(head, h, targets, chunk=chunk).sum())(hidden))
        return mx.get_peak_memory() - before

    assert peak(512, 32) < 2 * peak(64, 32)
    assert peak(512, 32) < peak(512, 512) / 4


def test_dequantized_words_are_exact_to_the_rounding_of_bfloat16() -> None:
    """MLX's quantized products on CPUs add up in bfloat16; these do not."""
    decoder = tiny_decoder("gemma2", vocab_size=4_000, hidden_size=256)
    decoder.set_dtype(mx.bfloat16)
    nn.quantize(decoder, 64, 8)
    embedding = decoder.model.embed_tokens
    dense = mx.dequantize(embedding.weight, embedding.scales, embedding.biases, 64, 8).astype(mx.float32)
    exact = Head(lambda h: h @ dense.T, lambda g: g @ dense, 4_000, decoder.config.final_softcap)
    hidden, targets = some_rows(decoder)
    hidden = hidden.astype(mx.bfloat16)

    def slope(head: Head, hidden: mx.array) -> mx.array:
        found = mx.grad(lambda h: token_losses(head, h, targets).sum())(hidden)
        return found.astype(mx.float32)

    wanted = slope(exact, hidden.astype(mx.float32))
    assert relative(slope(head_of(decoder, unpacked=True), hidden), wanted) < 4e-3


def test_dequantized_words_are_few_at_a_time() -> None:
    """A 20,000-word head in 4 bit: its dense weights are never whole, nor the logits of its rows."""
    decoder = tiny_decoder("gemma2", vocab_size=20_000, hidden_size=512)
    nn.quantize(decoder, 64, 4)
    hidden, targets = some_rows(decoder)
    head = head_of(decoder, unpacked=True)
    mx.eval(decoder.parameters(), hidden, targets)
    mx.clear_cache()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    mx.eval(mx.grad(lambda hidden: token_losses(head, hidden, targets, chunk=1).sum())(hidden))
    assert mx.get_peak_memory() - before < 4 * 20_000 * 512 / 2


def test_chunks_follow_from_memory() -> None:
    assert chunk_rows(256_000, "gpu") == 2**27 // (4 * 256_000)
    assert chunk_rows(256_000, "cpu") == 8 == chunk_rows(10**9, "gpu")
    assert chunk_rows(2_048, "cpu") == 2**23 // (4 * 2_048)
