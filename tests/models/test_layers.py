"""The parts round where PyTorch's reference rounds; each trap that peers fell into has its test."""

from __future__ import annotations

import math

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.models.config import RopeConfig
from gemma_mlx.models.layers import RMSNorm, RotaryEmbedding, attend, geglu, softcap_logits, trained_geglu
from gemma_mlx.models.layout import LeftPadded


def normal(*shape: int, seed: int = 0, dtype: mx.Dtype = mx.float32) -> mx.array:
    return mx.random.normal(shape, key=mx.random.key(seed)).astype(dtype)


def test_rms_norm_forms_one_plus_weight_in_float32() -> None:
    """1 + 2^-9 is 1 in bfloat16: a norm that rounds it there loses the weight."""
    norm = RMSNorm(64, 1e-6)
    norm.weight = mx.full((64,), 2.0**-9, mx.bfloat16)
    x = normal(8, 64, seed=1, dtype=mx.bfloat16)
    wide = np.array(x.astype(mx.float32), np.float64)
    exact = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 1e-6) * (1 + 2.0**-9)
    expected = mx.array(exact.astype(np.float32)).astype(mx.bfloat16)
    assert norm(x).dtype == mx.bfloat16
    assert float((norm(x) == expected).mean()) > 0.99


def test_geglu_is_the_tanh_form_in_float32() -> None:
    gate, up = normal(4, 256, seed=2), normal(4, 256, seed=3)
    x = np.array(gate, np.float64)
    tanh_form = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    erf_form = x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    actual = np.array(geglu(gate, up), np.float64) / np.array(up, np.float64)
    assert np.abs(actual - tanh_form).max() < 2e-6
    assert np.abs(actual - erf_form).max() > 1e-4


def test_geglu_rounds_once_in_bfloat16() -> None:
    gate, up = normal(4, 256, seed=4, dtype=mx.bfloat16), normal(4, 256, seed=5, dtype=mx.bfloat16)
    wide = geglu(gate.astype(mx.float32), up.astype(mx.float32)).astype(mx.bfloat16)
    assert mx.array_equal(geglu(gate, up), wide)


@pytest.mark.parametrize("rope", [RopeConfig(10_000.0), RopeConfig(1_000_000.0, 8.0)])
@pytest.mark.parametrize("position", [0, 1, 511, 32_768])
def test_rope_equals_transformers_formula(rope: RopeConfig, position: int) -> None:
    """inv_freq = 1 / base^(2i/d) / factor in float32, angle = position * inv_freq (modeling_gemma.py)."""
    dimension = 256
    x = np.array(normal(1, 2, 3, dimension, seed=6))
    exponents = np.arange(0, dimension, 2, dtype=np.float32) / np.float32(dimension)
    # torch's float32 power is rounded rightly but for one word in a hundred; numpy's is not.
    powers = np.array([rope.base ** float(exponent) for exponent in exponents], np.float32)
    inverse = (1 / powers / np.float32(rope.factor)).astype(np.float32)
    angles = (np.arange(position, position + 3, dtype=np.float32)[:, None] * inverse).astype(np.float32)
    angles = np.concatenate([angles, angles], axis=-1)
    turned = np.concatenate([-x[..., dimension // 2 :], x[..., : dimension // 2]], axis=-1)
    expected = x * np.cos(angles) + turned * np.sin(angles)
    actual = np.array(RotaryEmbedding(dimension, rope)(mx.array(x), position))
    assert np.linalg.norm(actual - expected) / np.linalg.norm(expected) < 1e-6


def test_rope_takes_an_offset_for_each_row() -> None:
    rope, x = RotaryEmbedding(16, RopeConfig(10_000.0)), normal(2, 1, 4, 16, seed=7)
    both = rope(x, mx.array([3, -2]))
    assert mx.allclose(both[:1], rope(x[:1], 3), atol=1e-6)
    assert mx.allclose(both[1:], rope(x[1:], -2), atol=1e-6)


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


def test_softcapped_attention_has_the_plain_gradient() -> None:
    q, k, v = normal(1, 4, 40, 8, seed=12), normal(1, 2, 40, 8, seed=13), normal(1, 2, 40, 8, seed=14)

    def naive(q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        scores = 5 * mx.tanh(q @ mx.repeat(k, 2, axis=1).swapaxes(-1, -2) * 0.3 / 5)
        mask = mx.arange(40)[:, None] >= mx.arange(40)[None]
        weights = mx.softmax(mx.where(mask, scores, -1e30), axis=-1)
        return mx.square(weights @ mx.repeat(v, 2, axis=1)).sum()

    def ours(q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        return mx.square(attend(q, k, v, scale=0.3, softcap=5.0)).sum()

    expected, actual = (mx.grad(f, argnums=(0, 1, 2))(q, k, v) for f in (naive, ours))
    for want, got in zip(expected, actual, strict=True):
        assert float(mx.linalg.norm(want - got) / mx.linalg.norm(want)) < 1e-5


def test_logit_softcap_keeps_order_and_bounds() -> None:
    logits = mx.array([-1000.0, -1.0, 0.0, 1.0, 1000.0])
    capped = np.array(softcap_logits(logits, 30.0))
    assert np.abs(capped).max() <= 30
    assert np.allclose(capped, 30 * np.tanh(np.array(logits) / 30), atol=1e-5)


@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16])
def test_geglu_has_the_gradient_of_its_formula(dtype: mx.Dtype) -> None:
    gate, up, weights = (normal(4, 64, seed=seed).astype(dtype) for seed in (15, 16, 17))

    def plain(gate: mx.array, up: mx.array) -> mx.array:
        wide = gate.astype(mx.float32)
        gelu = 0.5 * wide * (1 + mx.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)))
        return (gelu * up.astype(mx.float32) * weights).sum()

    def ours(gate: mx.array, up: mx.array) -> mx.array:
        return (trained_geglu(gate, up) * weights).astype(mx.float32).sum()

    limit = 1e-6 if dtype == mx.float32 else 1e-2
    got, want = (mx.grad(f, argnums=(0, 1))(gate, up) for f in (ours, plain))
    for one, other in zip(got, want, strict=True):
        assert one.dtype == dtype
        assert float(mx.linalg.norm((one - other).astype(mx.float32))) < limit * float(
            mx.linalg.norm(other.astype(mx.float32))
        )
