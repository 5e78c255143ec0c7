"""Workloads: the same for both sides, with the lengths and masks that they promise."""

from __future__ import annotations

import numpy as np

from gemma_mlx.benchmarks.workload import SHAPES, Workload, examples, model_config
from gemma_mlx.models.config import parameter_count


def test_rows_are_seeded() -> None:
    chat = Workload("gemma-2-nano", "chat", 6, 50, 100, 0.7, 2, vocabulary=512)
    assert examples(chat) == examples(chat)
    other = Workload("gemma-2-nano", "chat", 6, 50, 100, 0.7, 2, vocabulary=512, seed=1)
    assert examples(chat) != examples(other)


def test_lengths_and_masks_are_what_was_asked_for() -> None:
    chat = examples(Workload("gemma-2-nano", "chat", 400, 60, 200, 0.7, 4, vocabulary=512))
    lengths = [len(row.ids) - 1 for row in chat]
    assert max(lengths) <= 200 and 50 < np.mean(lengths) < 70
    masked = 1 - sum(row.targets for row in chat) / sum(lengths)
    assert 0.6 < masked < 0.8
    equal = examples(Workload("gemma-2-nano", "equal", 3, 60, 60, 0.0, 4, vocabulary=512))
    assert {len(row.ids) for row in equal} == {61} and all(row.targets == 60 for row in equal)
    assert all(0 <= token < 512 for row in chat for token in row.ids)


def test_published_shapes_have_their_size() -> None:
    sizes = {name: parameter_count(model_config(Workload(name, "equal", 1, 8, 8, 0.0, 1))) for name in SHAPES}
    assert 2.6e9 < sizes["gemma-2-2b"] < 2.7e9
    assert 9.2e9 < sizes["gemma-2-9b"] < 9.3e9
    assert 27.1e9 < sizes["gemma-2-27b"] < 27.3e9
