"""A row that poisons a batch is found among sound ones; where none does alone, all are named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.data.batches import Batch, collate_padded
from gemma_mlx.data.formats import Example, PreferenceExample
from gemma_mlx.training.poisoned import loss_not_finite, name_of, rows_not_finite

ROWS = [Example([2, 5 + row, 9], [False, True, True], "file.jsonl", row, "") for row in range(4)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_only_the_row_that_does_it_is_named(value: float) -> None:
    def losses(inputs: Any) -> mx.array:
        return mx.array([value if int(inputs.ids[0, 1]) == 7 else 1.0])

    def collate(examples: Any, rows: list[int]) -> Batch:
        return collate_padded([examples[row] for row in rows])

    found = rows_not_finite(SimpleNamespace(sequence_losses=losses), collate, ROWS, range(4))  # type: ignore[arg-type]
    assert found == ["file.jsonl, row 2"]
    assert loss_not_finite(9, found, ROWS).where == "file.jsonl, row 2"


def test_where_none_does_it_alone_all_are_named() -> None:
    problem = loss_not_finite(9, [], ROWS[:2])
    assert problem.where == "rows file.jsonl, row 0, file.jsonl, row 1"
    assert "step 9" in problem.what and problem.fix


def test_a_pair_is_named_by_its_chosen_side() -> None:
    assert name_of(PreferenceExample(ROWS[3], ROWS[1])) == "file.jsonl, row 3"
