"""The committed CUDA recording in full: sixteen seeds, sixty steps, greedy tokens. No torch, but minutes."""

from __future__ import annotations

import pytest

from gemma_mlx.verification import cases, compare
from gemma_mlx.verification.report import failures, first_deviation
from tests.verification.replays import whole


@pytest.mark.slow
@pytest.mark.parametrize("name", [case.name for case in cases.CASES])
def test_every_row_is_within_its_limit(name: str) -> None:
    rows = list(compare.compare_tiny(whole(), chosen=[name]))
    quantities = {row.quantity for row in rows}
    if name in cases.GENERATIONS:
        assert len(rows) > 150 and "greedy" in quantities
        assert sum(row.quantity == "greedy" for row in rows) == cases.GREEDY_SEEDS
    assert (f"loss over {cases.TRAIN_STEPS} steps" in quantities) == cases.BY_NAME[name].everything
    assert not failures(rows), first_deviation(rows)
