"""The measures themselves, on numbers whose distance is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gemma_mlx.verification import measure


def test_relative_error() -> None:
    assert measure.relative(np.array([3.0, 4.5]), np.array([3.0, 4.0])) == pytest.approx(0.1)
    assert measure.relative(np.array([np.nan]), np.array([1.0])) == math.inf
    assert measure.greatest(np.array([1.0, -3.0]), np.array([1.0, 1.0])) == 4.0


def test_divergence_is_the_textbooks() -> None:
    gold, got = np.log([[0.5, 0.25, 0.25]]), np.log([[0.25, 0.5, 0.25]])
    wanted = 0.5 * math.log(2) + 0.25 * math.log(0.5)
    assert measure.divergence(got + 7, gold - 3)[0] == pytest.approx(wanted)
    assert measure.divergence(gold, gold)[0] == 0
    assert measure.divergence(np.full((1, 3), np.nan), gold)[0] == math.inf


def sampled(logits: np.ndarray, words: np.ndarray) -> dict[str, np.ndarray]:
    normalizers = np.log(np.exp(logits).sum(-1)).astype(np.float32)
    picked = np.take_along_axis(logits, words, axis=1)
    return {"logits": picked, "normalizers": normalizers, "positions": np.arange(len(logits)), "words": words}


def test_sampled_divergence_of_all_words_is_the_whole() -> None:
    """Float32 normalizers must not appear as divergence, and words that stand twice count once."""
    random = np.random.default_rng(0)
    gold = random.normal(0, 5, (4, 50))
    words = np.tile(np.concatenate([np.arange(50), [3, 7]]), (4, 1))
    got = gold + random.normal(0, 1e-2, gold.shape)
    wanted = measure.divergence(got, gold)
    assert measure.partial_divergence(sampled(got, words), sampled(gold, words)) == pytest.approx(
        wanted, rel=1e-3
    )
    assert measure.partial_divergence(sampled(gold, words), sampled(gold, words)).max() < 1e-12


def test_sampled_divergence_of_some_words_is_a_lower_bound() -> None:
    random = np.random.default_rng(1)
    gold = random.normal(0, 2, (4, 200))
    got = gold + random.normal(0, 0.1, gold.shape)
    words = np.tile(np.arange(0, 200, 3), (4, 1))
    part = measure.partial_divergence(sampled(got, words), sampled(gold, words))
    assert (part > 0).all() and (part <= measure.divergence(got, gold) + 1e-9).all()


def test_agreement_counts_clear_words_only() -> None:
    gold = np.array([[0.0, 1.0], [0.0, 5.0], [5.0, 0.0]])
    got = np.array([[1.0, 0.0], [0.0, 5.0], [0.0, 5.0]])
    assert measure.agreement(got, gold) == (pytest.approx(1 / 3), 3)
    assert measure.agreement(got, gold, above=2.0) == (0.5, 2)


def test_the_worst_of_many_is_named() -> None:
    gold = {"a": np.ones(4), "b": np.ones(4)}
    every, worst, name = measure.compare_many({"a": np.ones(4), "b": np.full(4, 1.1)}, gold)
    assert (name, worst) == ("b", pytest.approx(0.1)) and every == pytest.approx(0.1 / math.sqrt(2))
    assert measure.cosine(np.array([1.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(math.sqrt(0.5))
