"""DPO and ORPO against TRL's formulas, written out in double precision."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import numpy.typing as npt
import pytest

from gemma_mlx.training.preference import preference_losses

Array = npt.NDArray[np.float64]
PAIRS, LENGTH, WORDS = 3, 9, 40


def logits_and_labels(seed: int) -> tuple[Array, npt.NDArray[np.int64], Array]:
    """Logits (2P, L, V), labels and a mask of the answers' tokens: first the chosen, then the rejected."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (2 * PAIRS, LENGTH, WORDS))
    labels = random.integers(0, WORDS, (2 * PAIRS, LENGTH))
    mask = np.arange(LENGTH)[None] < random.integers(2, LENGTH, (2 * PAIRS, 1))
    return logits, labels, mask.astype(np.float64)


def log_probabilities(logits: Array, labels: npt.NDArray[np.int64]) -> Array:
    """TRL's `selective_log_softmax`: gather(log_softmax(logits), labels)."""
    normalizer = np.log(np.exp(logits).sum(-1, keepdims=True))
    return np.take_along_axis(logits - normalizer, labels[..., None], -1)[..., 0]


def log_sigmoid(x: Array) -> Array:
    return -np.log1p(np.exp(-x))


def sums(logits: Array, labels: npt.NDArray[np.int64], mask: Array) -> Array:
    return (log_probabilities(logits, labels) * mask).sum(-1)


def single(values: Array) -> mx.array:
    return mx.array(values.astype(np.float32))


@pytest.mark.parametrize("beta", [0.1, 0.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_dpo_is_trls_sigmoid_loss(seed: int, beta: float) -> None:
    """trl/trainer/dpo_trainer.py, dpo_loss with loss_type "sigmoid" and no label smoothing."""
    logits, labels, mask = logits_and_labels(seed)
    policy = sums(logits, labels, mask)
    reference = sums(logits + np.random.default_rng(9).normal(0, 0.3, logits.shape), labels, mask)
    log_ratios = policy[:PAIRS] - policy[PAIRS:]
    reference_log_ratios = reference[:PAIRS] - reference[PAIRS:]
    expected = -log_sigmoid(beta * (log_ratios - reference_log_ratios))
    found = preference_losses("dpo", single(policy), single(reference), single(mask.sum(-1)), beta)
    assert np.abs(np.array(found) - expected).max() / np.abs(expected).max() < 1e-6


@pytest.mark.parametrize("beta", [0.1, 0.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_orpo_is_trls_odds_ratio_beside_the_answers_own_loss(seed: int, beta: float) -> None:
    """trl/trainer/orpo_trainer.py: policy_nll_loss - beta * log(sigmoid(log_odds)), means over tokens.

    TRL's policy_nll_loss runs over the prompt and the padding too; the paper's, and ours, over the answer.
    """
    logits, labels, mask = logits_and_labels(seed)
    policy = sums(logits, labels, mask)
    means = policy / mask.sum(-1)
    chosen, rejected = means[:PAIRS], means[PAIRS:]
    log_odds = (chosen - rejected) - (np.log1p(-np.exp(chosen)) - np.log1p(-np.exp(rejected)))
    expected = -chosen - beta * log_sigmoid(log_odds)
    found = preference_losses("orpo", single(policy), None, single(mask.sum(-1)), beta)
    assert np.abs(np.array(found) - expected).max() / np.abs(expected).max() < 1e-6


@pytest.mark.parametrize("sure", [0.0, -1e-9, -1e-7])
def test_an_answer_that_is_certain_has_finite_slopes(sure: float) -> None:
    """The odds of probability 1 are infinite, and their slope was NaN."""
    tokens = mx.array([4.0, 4.0])
    for policy in ([4 * sure, -4.0], [-4.0, 4 * sure]):
        loss, slope = mx.value_and_grad(lambda p: preference_losses("orpo", p, None, tokens, 0.5).sum())(
            mx.array(policy)
        )
        assert np.isfinite(float(loss)) and np.isfinite(np.array(slope)).all()


def test_the_chosen_answer_pulls_and_the_rejected_one_pushes() -> None:
    policy, reference, tokens = mx.array([-3.0, -4.0]), mx.array([-3.5, -3.5]), mx.array([4.0, 4.0])
    for objective in ("dpo", "orpo"):
        slope = mx.grad(lambda p, o=objective: preference_losses(o, p, reference, tokens, 0.5).sum())(policy)
        assert float(slope[0]) < 0 < float(slope[1]), objective
