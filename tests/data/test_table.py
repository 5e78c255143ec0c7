"""Flat arrays give back the examples that went in."""

from __future__ import annotations

import numpy as np

from gemma_mlx.data.formats import Example, PreferenceExample
from gemma_mlx.data.table import ExampleRows, PreferenceRows, TableWriter

EXAMPLES = [
    Example([2, 5, 6, 7], [False, False, True, True], "a.jsonl", 3, "größe 😀"),
    Example([2], [False], "b.jsonl", 9, ""),
    Example([2, 8, 255_999], [False, True, False], "b.jsonl", 2**40, "third"),
]
FILES = ["a.jsonl", "b.jsonl"]


def test_examples_come_back_as_they_went_in() -> None:
    writer = TableWriter(None, 1)
    for number, example in enumerate(EXAMPLES):
        writer.add(example, FILES.index(example.source), 2**64 - 1 - number)
    table = writer.table(FILES)
    rows = ExampleRows(table, np.array([2, 0, 1]))
    assert list(rows) == [EXAMPLES[2], EXAMPLES[0], EXAMPLES[1]]
    assert rows[-1] == EXAMPLES[1]
    assert list(rows[1:]) == [EXAMPLES[0], EXAMPLES[1]]
    assert rows[1:].lengths.tolist() == [4, 1]
    assert rows.lengths.tolist() == [3, 4, 1]
    assert table.targets().tolist() == [2, 0, 1]
    assert table.of_each("key").tolist() == [2**64 - 1 - number for number in range(3)]


def test_pairs_come_back_as_pairs() -> None:
    pair = PreferenceExample(EXAMPLES[0], Example([2, 4], [False, True], "a.jsonl", 3, ""))
    writer = TableWriter(None, 2)
    writer.add(pair, 0, 1)
    writer.add(pair, 0, 2)
    table = writer.table(FILES)
    rows = PreferenceRows(table, np.arange(2))
    assert len(rows) == len(table) == 2
    assert rows[1] == pair
    assert rows.lengths.tolist() == [8, 8]
    assert table.tokens().tolist() == [6, 6]
    assert table.targets().tolist() == [3, 3]
    assert list(rows.chosen()) == [EXAMPLES[0], EXAMPLES[0]]
    assert rows.chosen().lengths.tolist() == [4, 4]


def test_a_table_without_rows() -> None:
    table = TableWriter(None, 1).table([])
    assert len(table) == 0
    assert list(ExampleRows(table, np.zeros(0, dtype=np.int64))) == []
