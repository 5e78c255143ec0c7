"""Layouts: neighbours of equal length become one batch, in their order."""

from __future__ import annotations

import pytest

from gemma_mlx.models.layout import Segments


@pytest.mark.parametrize(
    ("lengths", "runs"),
    [
        ((5,), [(1, 5)]),
        ((5, 5, 5), [(3, 5)]),
        ((7, 5, 5, 7), [(1, 7), (2, 5), (1, 7)]),
    ],
)
def test_runs_are_neighbours_of_equal_length(lengths: tuple[int, ...], runs: list[tuple[int, int]]) -> None:
    assert Segments(lengths).runs() == runs
    assert sum(count * length for count, length in runs) == sum(lengths)
