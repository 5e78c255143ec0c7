"""Length statistics and the report as JSON."""

from __future__ import annotations

import numpy as np

from gemma_mlx.data.report import length_statistics


def test_the_histogram_counts_every_row() -> None:
    lengths = np.array([1, 2, 2, 40, 700, 1023, 1024])
    statistics = length_statistics(lengths)
    assert sum(statistics.counts) == statistics.count == 7
    assert len(statistics.edges) == len(statistics.counts) + 1 <= 33
    for low, high, count in zip(statistics.edges, statistics.edges[1:], statistics.counts, strict=False):
        assert count == int(((lengths >= low) & (lengths < high)).sum())
    assert (statistics.minimum, statistics.median, statistics.maximum) == (1, 40, 1024)
    assert statistics.total == 2792


def test_no_rows_have_no_histogram() -> None:
    assert length_statistics(np.zeros(0, dtype=np.int64)).counts == ()


def test_equal_short_rows_have_a_bin() -> None:
    assert length_statistics(np.array([3, 3])).counts == (0, 0, 0, 2)
