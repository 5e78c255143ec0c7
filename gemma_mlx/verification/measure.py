"""How far two results are apart: relative error, KL, agreement of the likeliest token. In float64, on numpy.

L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def relative(got: np.ndarray, gold: np.ndarray) -> float:
    """|got - gold| / |gold| in the Euclidean norm; NaN or infinite `got` gives infinity."""
    gold64 = np.asarray(gold, np.float64)
    error = float(np.linalg.norm(np.asarray(got, np.float64) - gold64))
    size = float(np.linalg.norm(gold64))
    if not np.isfinite(error):
        return float("inf")
    return error / size if size else error


def greatest(got: np.ndarray, gold: np.ndarray) -> float:
    """The largest absolute difference; infinity where `got` is not finite."""
    error = float(np.max(np.abs(np.asarray(got, np.float64) - np.asarray(gold, np.float64))))
    return error if np.isfinite(error) else float("inf")


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Log-softmax over the last axis."""
    wide = np.asarray(logits, np.float64)
    wide = wide - wide.max(axis=-1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))


def divergence(got: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """KL(gold || got) of each row of logits (..., V), in nats."""
    ours, theirs = log_probabilities(got), log_probabilities(gold)
    rows = (np.exp(theirs) * (theirs - ours)).sum(axis=-1)
    return np.where(np.isfinite(rows), np.maximum(rows, 0.0), np.inf)


def partial_divergence(got: Mapping[str, np.ndarray], gold: Mapping[str, np.ndarray]) -> np.ndarray:
    """KL(gold || got) at the kept positions (K,), over the kept words and all others as one.

    Both have "logits" (K, k) of gold's "words", and "normalizers" (L,) for log-probabilities over the whole
    vocabulary. Merging words can only lower KL.
    """
    places = gold["positions"]
    ours = np.asarray(got["logits"], np.float64) - np.asarray(got["normalizers"], np.float64)[places, None]
    theirs = (
        np.asarray(gold["logits"], np.float64) - np.asarray(gold["normalizers"], np.float64)[places, None]
    )
    # A word that is among both the likeliest and the spread ones counts once.
    words = np.asarray(gold["words"])
    order = np.argsort(words, axis=1, kind="stable")
    arranged = np.take_along_axis(words, order, axis=1)
    once = np.concatenate([np.ones((len(words), 1), bool), arranged[:, 1:] != arranged[:, :-1]], axis=1)
    ours, theirs = np.take_along_axis(ours, order, axis=1), np.take_along_axis(theirs, order, axis=1)
    weight, our_weight = np.exp(theirs) * once, np.exp(ours) * once
    kept, our_kept = weight.sum(axis=1), our_weight.sum(axis=1)
    rest, our_rest = np.clip(1 - kept, 1e-12, 1), np.clip(1 - our_kept, 1e-12, 1)
    merged = (weight * (theirs - ours)).sum(axis=1) + rest * np.log(rest / our_rest)
    # Where the kept words are nearly all there is, the rest is but the rounding of float32 normalizers.
    within = (weight * (theirs - ours)).sum(axis=1) / kept + np.log(our_kept / kept)
    total = np.where(rest < 1e-4, within, merged)
    return np.where(np.isfinite(total), np.maximum(total, 0.0), np.inf)


def margins(gold: np.ndarray) -> np.ndarray:
    """How far the greatest of each row (..., V) is above the second."""
    top = np.partition(np.asarray(gold, np.float64), -2, axis=-1)[..., -2:]
    return top[..., 1] - top[..., 0]


def agreement(got: np.ndarray, gold: np.ndarray, *, above: float = 0.0) -> tuple[float, int]:
    """The share of rows with the same likeliest token, and how many rows that is of: margin over `above`."""
    counted = margins(gold) > above
    same = np.argmax(got, axis=-1) == np.argmax(gold, axis=-1)
    total = int(counted.sum())
    return (float(same[counted].mean()) if total else 1.0), total


def cosine(got: np.ndarray, gold: np.ndarray) -> float:
    """The cosine between two arrays laid flat."""
    ours, theirs = np.asarray(got, np.float64).ravel(), np.asarray(gold, np.float64).ravel()
    size = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    return float(ours @ theirs) / size if size else 0.0


def flat(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """All arrays end to end, in the order of names."""
    return np.concatenate([np.asarray(arrays[name], np.float64).ravel() for name in sorted(arrays)])


def compare_many(got: Mapping[str, np.ndarray], gold: Mapping[str, np.ndarray]) -> tuple[float, float, str]:
    """Relative error of all arrays together, of the worst one, and its name."""
    each = {name: relative(got[name], gold[name]) for name in gold}
    worst = max(each, key=lambda name: each[name])
    return relative(flat({name: got[name] for name in gold}), flat(gold)), each[worst], worst
