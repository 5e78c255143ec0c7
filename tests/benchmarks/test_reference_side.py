"""transformers with PEFT learns from the rows that the other sides have."""

from __future__ import annotations

import numpy as np
import pytest

from gemma_mlx.benchmarks.reference_side import batches, reference
from gemma_mlx.benchmarks.sides import SIDES
from gemma_mlx.benchmarks.workload import examples
from tests.benchmarks.test_sides import TINY, tiny_shape

__all__ = ["tiny_shape"]


def test_batches_hold_every_row_with_its_loss_alone() -> None:
    found = list(batches(TINY))
    rows = examples(TINY)
    assert sum(int(mask.sum()) for _, _, mask in found) == sum(len(row.ids) for row in rows)
    assert sum(int((labels != -100).sum()) for _, labels, _ in found) == sum(
        sum(row.loss_mask) for row in rows
    )
    ids, labels, mask = found[0]
    assert ids[0, : len(rows[0].ids)].tolist() == rows[0].ids
    assert np.array_equal(ids[labels != -100], labels[labels != -100])
    assert not ids[mask == 0].any()


@pytest.mark.reference
def test_it_reports_speed_and_memory() -> None:
    assert SIDES["reference"] is not reference  # PyTorch is imported for this side alone
    found = SIDES["reference"](TINY)
    assert found["tokens"] == sum(len(row.ids) - 1 for row in examples(TINY))
    assert found["tokens_per_second"] > 0 and found["peak_bytes"] >= 0
