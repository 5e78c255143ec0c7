"""The limits are the published table's, or sharper; a change of one is a decision, not a slip."""

from __future__ import annotations

from gemma_mlx.verification import limits


def test_float32_limits_are_the_tables() -> None:
    assert (limits.POINTS, limits.LOGITS, limits.LOGITS_MOST, limits.PATHS) == (5e-6, 5e-6, 5e-5, 5e-6)
    assert (limits.KL, limits.LOSS, limits.ONE_STEP, limits.MANY_STEPS) == (1e-10, 5e-6, 1e-6, 5e-4)
    assert (limits.GRADIENTS, limits.WORST_GRADIENT, limits.QUANTIZED) == (2e-5, 1e-4, 1e-5)


def test_bf16_limits_are_the_tables() -> None:
    assert (limits.BF16_RATIO, limits.BF16_LOSS, limits.BF16_COSINE) == (1.05, 1e-2, 0.998)
    assert (limits.BF16_MARGIN, limits.BF16_KL_WORST, limits.BF16_MANY_STEPS) == (4.0, 5e-3, 2e-2)
