"""The attention core equals its formula, and its gradient is the plain one while no scores are kept."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.models.attention import QUERY_BLOCK, attend
from gemma_mlx.models.layout import LeftPadded
from tests.models.test_layers import normal


def plain_attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float, softcap: float | None, window: int | None
) -> np.ndarray:
    """The formula, in float64, head by head."""
    repeats = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, repeats, axis=1), np.repeat(v, repeats, axis=1)
    scores = np.einsum("bhqd,bhkd->bhqk", q, k) * scale
    if softcap is not None:
        scores = softcap * np.tanh(scores / softcap)
    past = k.shape[2] - q.shape[2]
    query, key = np.arange(q.shape[2])[:, None] + past, np.arange(k.shape[2])[None]
    hidden = (key > query) | ((key <= query - window) if window else False)
    scores = np.where(hidden, -np.inf, scores)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("bhqk,bhkd->bhqd", weights / weights.sum(-1, keepdims=True), v)


@pytest.mark.parametrize("softcap", [None, 5.0])
@pytest.mark.parametrize("window", [None, 1, 8, 300])
@pytest.mark.parametrize("lengths", [(1, 1), (1, 30), (30, 30), (20, 45), (300, 300)])
def test_attention_equals_the_formula(
    softcap: float | None, window: int | None, lengths: tuple[int, int]
) -> None:
    queries, keys = lengths
    q, k, v = normal(2, 4, queries, 8, seed=8), normal(2, 2, keys, 8, seed=9), normal(2, 2, keys, 8, seed=10)
    wide = [np.array(array, np.float64) for array in (q, k, v)]
    expected = plain_attention(*wide, 0.3, softcap, window)
    actual = attend(q, k, v, scale=0.3, softcap=softcap, window=window)
    assert np.abs(np.array(actual) - expected).max() < 5e-6


@pytest.mark.parametrize("softcap", [None, 5.0])
def test_rows_of_nothing_but_padding_are_not_nan(softcap: float | None) -> None:
    q = normal(2, 2, 6, 8, seed=11)
    out = attend(q, q, q, scale=0.3, softcap=softcap, layout=LeftPadded(mx.array([0, 6])))
    assert bool(mx.isfinite(out).all())


@pytest.mark.parametrize("softcap", [None, 5.0])
@pytest.mark.parametrize("window", [None, 8, QUERY_BLOCK + 9])
@pytest.mark.parametrize("length", [1, 40, 2 * QUERY_BLOCK + 30])
def test_training_has_the_plain_gradient(softcap: float | None, window: int | None, length: int) -> None:
    """Over several blocks too, whose keys overlap and whose gradients add up."""
    q, k, v = (normal(2, heads, length, 8, seed=seed) for heads, seed in ((4, 12), (2, 13), (2, 14)))

    def naive(q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        scores = q @ mx.repeat(k, 2, axis=1).swapaxes(-1, -2) * 0.3
        if softcap is not None:
            scores = softcap * mx.tanh(scores / softcap)
        query, key = mx.arange(length)[:, None], mx.arange(length)[None]
        mask = (key <= query) & (key > query - (window or length))
        weights = mx.softmax(mx.where(mask, scores, -1e30), axis=-1)
        return mx.square(weights @ mx.repeat(v, 2, axis=1)).sum()

    def ours(q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        return mx.square(attend(q, k, v, scale=0.3, softcap=softcap, window=window, lean=True)).sum()

    assert float(ours(q, k, v)) == pytest.approx(float(naive(q, k, v)), rel=1e-5)
    expected, actual = (mx.grad(f, argnums=(0, 1, 2))(q, k, v) for f in (naive, ours))
    for want, got in zip(expected, actual, strict=True):
        assert float(mx.linalg.norm(want - got)) <= 1e-5 * float(mx.linalg.norm(want)) + 1e-6


def peak_of(work: Callable[[], mx.array]) -> int:
    """Bytes alive at the peak of one evaluation, above what was there before."""
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    mx.eval(work())
    return mx.get_peak_memory() - before


@pytest.mark.parametrize("softcap", [None, 5.0])
def test_training_memory_grows_with_the_length_not_with_its_square(softcap: float | None) -> None:
    def peak(length: int) -> int:
        q, k = normal(1, 4, length, 8, seed=15), normal(1, 4, length, 8, seed=16)
        mx.eval(q, k)

        def loss(q: mx.array) -> mx.array:
            return mx.square(attend(q, k, k, scale=0.3, softcap=softcap, lean=True)).sum()

        return peak_of(lambda: mx.grad(loss)(q))

    short, long = peak(3 * QUERY_BLOCK), peak(9 * QUERY_BLOCK)
    assert long < 4.5 * short  # nine times as much where all scores are alive
