"""The parts round where PyTorch's reference rounds; each trap that peers fell into has its test."""

from __future__ import annotations

import math

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.models.config import RopeConfig
from gemma_mlx.models.layers import RMSNorm, RotaryEmbedding, geglu, softcap_logits, trained_geglu


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


@pytest.mark.parametrize("training", [False, True])
def test_rms_norm_follows_its_weight_and_adds_with_the_same_rounding(training: bool) -> None:
    norm = RMSNorm(64, 1e-6)
    norm.train(training)
    x, y = (normal(8, 64, seed=seed, dtype=mx.bfloat16) for seed in (1, 2))
    before = norm(y)
    norm.weight = normal(64, seed=3, dtype=mx.bfloat16)
    fresh = RMSNorm(64, 1e-6)
    fresh.weight = norm.weight
    assert mx.array_equal(norm(y), fresh(y)) and not mx.array_equal(norm(y), before)
    assert mx.array_equal(norm.added_to(x, y), x + norm(y))


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
