"""The lean products: the values and gradients of plain ones, dropout included."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import pytest

from gemma_mlx.adapters.products import UnpackedLinear, low_rank_update, unpack_products
from tests.models.test_decoder import relative, some_ids, tiny_decoder


def normal(*shape: int, seed: int) -> mx.array:
    return mx.random.normal(shape, key=mx.random.key(seed))


@pytest.mark.parametrize("dropping", [False, True])
def test_the_low_rank_update_has_the_plain_gradients(dropping: bool) -> None:
    x, a, b, weights = (
        normal(2, 5, 8, seed=1),
        normal(3, 8, seed=2),
        normal(6, 3, seed=3),
        normal(2, 5, 6, seed=4),
    )
    mask = mx.random.bernoulli(0.5, (10, 8), key=mx.random.key(5)) * 2.0

    def drop(rows: mx.array) -> mx.array:
        return rows * mask

    def ours(x: mx.array, a: mx.array, b: mx.array) -> mx.array:
        return (low_rank_update(x, a, b, 0.7, drop if dropping else None) * weights).sum()

    def plain(x: mx.array, a: mx.array, b: mx.array) -> mx.array:
        rows = x.reshape(10, 8)
        rows = drop(rows) if dropping else rows
        return ((rows @ a.T @ b.T * 0.7).reshape(2, 5, 6) * weights).sum()

    assert relative(ours(x, a, b), plain(x, a, b)) < 1e-5
    got, want = (mx.grad(f, argnums=(0, 1, 2))(x, a, b) for f in (ours, plain))
    for one, other in zip(got, want, strict=True):
        assert relative(one, other) < 1e-5


@pytest.mark.parametrize("bias", [False, True])
def test_unpacked_products_have_the_values_and_gradients_of_quantized_ones(bias: bool) -> None:
    layer = nn.QuantizedLinear.from_linear(nn.Linear(64, 32, bias=bias), 32, 4)
    x = normal(2, 5, 64, seed=6)

    def loss(x: mx.array) -> mx.array:
        return mx.square(layer(x)).sum()

    plain, plain_gradient = layer(x), mx.grad(loss)(x)
    holder = nn.Sequential(layer)
    assert unpack_products(holder) == 1 and isinstance(layer, UnpackedLinear)
    assert relative(layer(x), plain) < 1e-5
    assert relative(mx.grad(loss)(x), plain_gradient) < 1e-5
    unpack_products(holder, False)
    assert type(layer) is nn.QuantizedLinear


def test_a_whole_quantized_model_gives_the_same_logits() -> None:
    decoder = tiny_decoder("gemma3_text")
    nn.quantize(decoder, 32, 8)
    ids = some_ids(decoder, 1, 9)
    packed = decoder(ids)
    assert unpack_products(decoder) == 7 * decoder.config.num_layers
    assert relative(decoder(ids), packed) < 1e-5
