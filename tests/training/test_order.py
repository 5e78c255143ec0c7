"""The order of the data: a function of settings, seed and step alone, in which no row is lost."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import mlx.core as mx
import pytest

from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.order import DataOrder, share, step_key

LENGTHS = [3 + (index * 7) % 50 for index in range(23)]


def order(layout: Literal["padded", "packed"] = "packed", **changes: object) -> DataOrder:
    return DataOrder(LENGTHS, TrainSettings(**({"batch_size": 4, "seed": 5} | changes)), layout)


@pytest.mark.parametrize("layout", ["padded", "packed"])
@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("budget", [None, 64])
def test_each_row_comes_once_an_epoch(
    layout: Literal["padded", "packed"], accumulation: int, budget: int | None
) -> None:
    plan = order(layout, accumulation=accumulation, tokens_per_batch=budget, epochs=2)
    seen: dict[int, Counter[int]] = {0: Counter(), 1: Counter()}
    for step in range(plan.total_steps()):
        epoch, batches = plan.at(step)
        assert 1 <= len(batches) <= accumulation
        seen[epoch].update(row for batch in batches for row in batch)
    for rows in seen.values():
        assert rows == Counter(range(len(LENGTHS)))


def test_any_step_can_be_asked_for_first() -> None:
    whole = order(epochs=3)
    steps = [whole.at(step) for step in range(whole.total_steps())]
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)
    for asked in (11, 4, len(steps) - 1, 0):
        assert order(epochs=3).at(asked) == steps[asked]
    assert whole.at(2) == steps[2]  # and going back


def test_epochs_and_seeds_differ() -> None:
    plan = order(epochs=2)
    assert plan.epoch(0) != plan.epoch(1)
    assert plan.epoch(0) != order(seed=6).epoch(0)
    assert plan.epoch(0) == order().epoch(0)


def test_steps_are_counted_over_epochs() -> None:
    assert order(epochs=1).total_steps() == 6
    assert order(epochs=2.5).total_steps() == 15
    assert order(epochs=0.01).total_steps() == 1
    assert order(epochs=1, accumulation=4).total_steps() == 2
    assert order(steps=1000).total_steps() == 1000
    assert order(steps=1000).at(999)[0] == 999 // 6


def test_random_keys_follow_from_seed_step_and_use_alone() -> None:
    keys = [step_key(*asked) for asked in ((0, 1, "dropout-0"), (0, 2, "dropout-0"), (1, 1, "dropout-0"))]
    keys.append(step_key(0, 1, "noise-0"))
    assert mx.array_equal(keys[0], step_key(0, 1, "dropout-0"))
    assert len({tuple(key.tolist()) for key in keys}) == 4


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_ranks_share_each_row_once_and_whole_batches_first(size: int) -> None:
    for count in range(1, 8):
        batches = [[10 * batch + row for row in range(3 + batch % 2)] for batch in range(count)]
        shares = [share(batches, rank, size) for rank in range(size)]
        rows = [row for each in shares for _, part in each for row in part]
        assert sorted(rows) == [row for batch in batches for row in batch]
        parts = [number for each in shares for number, _ in each]
        assert len(set(parts)) == len(parts), "two parts of a step would draw the same dropout"
        whole = [(number, part) for each in shares for number, part in each if part in batches]
        assert len(whole) >= count - count % size
        assert all(batches[number] == part for number, part in whole if number < count)
    assert share([[7]], 1, 2) == []
