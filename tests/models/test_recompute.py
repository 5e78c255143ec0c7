"""Rows taken in pieces: the numbers of the whole, the memory of a piece."""

from __future__ import annotations

import mlx.core as mx
import pytest

from gemma_mlx.models.recompute import Arrays, by_pieces, piece_rows
from tests.models.test_attention import peak_of
from tests.models.test_decoder import relative
from tests.models.test_layers import normal

PARAMETERS = {"up": normal(32, 8, seed=1), "down": normal(8, 32, seed=2)}


def feed_forward(parameters: Arrays, x: mx.array) -> mx.array:
    return x + mx.tanh(x @ parameters["up"].T) @ parameters["down"].T


@pytest.mark.parametrize("size", [1, 7, 20, 64])
def test_pieces_give_the_values_and_gradients_of_the_whole(size: int) -> None:
    x = normal(20, 8, seed=3)

    def loss(parameters: Arrays, x: mx.array, pieces: bool) -> mx.array:
        found = by_pieces(feed_forward, parameters, x, size) if pieces else feed_forward(parameters, x)
        return mx.square(found).sum()

    assert relative(by_pieces(feed_forward, PARAMETERS, x, size), feed_forward(PARAMETERS, x)) < 1e-6
    whole, pieces = (mx.grad(loss, argnums=(0, 1))(PARAMETERS, x, wanted) for wanted in (False, True))
    assert relative(pieces[1], whole[1]) < 1e-5
    for name in PARAMETERS:
        assert relative(pieces[0][name], whole[0][name]) < 1e-5, name


def test_work_without_anything_to_train_still_passes_gradients_on() -> None:
    x = normal(20, 8, seed=4)
    slope = mx.grad(lambda x: mx.square(by_pieces(lambda _, part: mx.sin(part), {}, x, 6)).sum())(x)
    assert relative(slope, 2 * mx.sin(x) * mx.cos(x)) < 1e-6


def test_each_piece_is_announced_forward_and_back() -> None:
    told: list[int] = []

    def loss(x: mx.array) -> mx.array:
        return mx.square(by_pieces(feed_forward, PARAMETERS, x, 8, told.append)).sum()

    mx.eval(mx.grad(loss)(normal(20, 8, seed=5)))
    assert told == [0, 0, 1, 0, 2, 0] * 2  # what runs between pieces is told 0


def test_gradients_add_up_in_float32() -> None:
    """256 ones and more: a bfloat16 sum stops at 256."""
    weight = mx.ones((1,), mx.bfloat16)

    def loss(weight: mx.array) -> mx.array:
        work = by_pieces(lambda p, x: x * p["weight"], {"weight": weight}, mx.ones((600, 1), mx.bfloat16), 1)
        return work.astype(mx.float32).sum()

    assert float(mx.grad(loss)(weight)) == 600


def test_memory_is_that_of_a_piece() -> None:
    wide = {"up": normal(4096, 8, seed=6), "down": normal(8, 4096, seed=7)}
    x = normal(2048, 8, seed=8)
    mx.eval(wide, x)

    def peak(size: int) -> int:
        return peak_of(lambda: mx.grad(lambda x: by_pieces(feed_forward, wide, x, size).sum())(x))

    # MLX allocates for a dozen tasks ahead, so that a piece's share is not the whole of the peak.
    assert peak(64) < peak(2048) / 3


def test_pieces_are_of_nearly_equal_size_and_never_tiny() -> None:
    assert piece_rows(4096, 9216) == 1366  # three pieces where the last of two and a bit would be a scrap
    assert piece_rows(100, 9216) == 100
    assert piece_rows(1000, 10**9) == 63
