"""What is asked of a whole model, and what of its answers is kept: prompts, positions, samples, as data.

Whole logits and hidden states of a real model are gigabytes; a recording keeps samples that both sides pick
alike. L length, D hidden, V vocabulary, K kept positions, k kept words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gemma_mlx.verification import seeded

POINT_SAMPLE = 2048
GRADIENT_SAMPLE = 512
KEPT_POSITIONS = 24
BEST_WORDS, SPREAD_WORDS = 64, 1984
BEYOND_WINDOW = 320
"""Prompt tokens after the first that a sliding layer can no longer see."""


@dataclass(frozen=True)
class ModelPlan:
    """Tokens of the prompt, the training row and its steps; the adapter.

    `train_tokens` 0: no training. `gold_training`: gradients are recorded in fp32 too.
    """

    prompt_tokens: int
    train_tokens: int
    steps: int = 20
    gold_training: bool = True
    rank: int = 4
    alpha: float = 8.0
    learning_rate: float = 1e-4
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan_for(
    raw: dict[str, Any], *, train_tokens: int = 512, steps: int = 20, gold_training: bool = True
) -> ModelPlan:
    """A prompt beyond the window of this configuration."""
    return ModelPlan(
        int(raw.get("sliding_window") or 704) + BEYOND_WINDOW, train_tokens, steps, gold_training
    )


def sample_positions(size: int, most: int, name: str) -> np.ndarray:
    """Which of `size` elements are kept of an array: all, or `most` of them scattered by name (sorted)."""
    if size <= most:
        return np.arange(size)
    index = np.arange(4 * most, dtype=np.uint32)
    wide = seeded.mix(index, seeded.keys(f"sample/{name}", 0)[0]).astype(np.uint64)
    return np.sort(np.unique(wide * np.uint64(size) >> np.uint64(32))[::4][:most]).astype(np.int64)


def kept_positions(length: int, windows: Sequence[int | None]) -> np.ndarray:
    """Positions whose logits are kept: around each window's edge, spread over the prompt, and the last."""
    edges = [window + step for window in set(windows) if window for step in (-2, -1, 0, 1)]
    even = np.linspace(0, length - 1, KEPT_POSITIONS - len(edges)).astype(int).tolist()
    return np.array(sorted({place for place in (*edges, *even) if 0 <= place < length}), np.int32)


def kept_words(vocabulary: int) -> np.ndarray:
    """Words spread over the vocabulary whose logits are kept besides the likeliest."""
    return sample_positions(vocabulary, SPREAD_WORDS, "words").astype(np.int32)
