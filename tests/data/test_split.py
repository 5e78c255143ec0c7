"""Validation rows: fixed by content and seed, never in both parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.data.prepare import Prepared, prepare_dataset
from gemma_mlx.settings import DataSettings
from tests.data.fake_tokenizer import fake_tokenizer


def _prepared(folder: Path, texts: Sequence[str], seed: int = 0, **settings: Any) -> Prepared:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    data = DataSettings.model_validate({"dataset": str(file), **settings})
    return prepare_dataset(data, fake_tokenizer(), seed=seed)


def _texts(prepared: Prepared) -> tuple[list[str], list[str]]:
    return [row.text for row in prepared.train], [row.text for row in prepared.valid]


TEXTS = [f"row {number}" for number in range(200)]


@pytest.mark.parametrize(("share", "held_out"), [(0.05, 10), (0.5, 100), (0.001, 1), (0.0, 0)])
def test_the_share_is_held_out_and_no_row_is_in_both(tmp_path: Path, share: float, held_out: int) -> None:
    train, valid = _texts(_prepared(tmp_path, TEXTS, validation_split=share))
    assert len(valid) == held_out
    assert sorted(train + valid) == sorted(TEXTS)


def test_the_seed_fixes_the_split_and_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    first = _texts(_prepared(tmp_path, TEXTS))
    assert _texts(_prepared(tmp_path, TEXTS)) == first
    assert set(_texts(_prepared(tmp_path, TEXTS[::-1]))[1]) == set(first[1])
    assert set(_texts(_prepared(tmp_path, TEXTS, seed=1))[1]) != set(first[1])


@pytest.mark.parametrize("count", [2, 3, 10])
def test_of_two_rows_one_is_held_out(tmp_path: Path, count: int) -> None:
    train, valid = _texts(_prepared(tmp_path, TEXTS[:count], validation_split=0.01))
    assert len(valid) == 1
    assert len(train) == count - 1


def test_a_single_row_is_trained_on_and_the_report_says_so(tmp_path: Path) -> None:
    prepared = _prepared(tmp_path, TEXTS[:1])
    assert _texts(prepared) == (["row 0"], [])
    assert any("only one row" in note for note in prepared.report.notes)


def test_copies_of_a_row_stay_on_one_side(tmp_path: Path) -> None:
    texts = ["the same"] * 150 + TEXTS[:50]
    for seed in range(10):
        prepared = _prepared(tmp_path, texts, seed=seed, validation_split=0.1)
        train, valid = _texts(prepared)
        assert not set(train) & set(valid)
        assert 1 <= len(valid) <= 20
        assert prepared.report.duplicates == 149
    train, valid = _texts(_prepared(tmp_path, ["a"] * 5 + ["b"] * 3, validation_split=0.05))
    assert sorted(set(train + valid)) == ["a", "b"]
    assert len(valid) == 3


def test_where_all_rows_are_equal_one_is_held_out_with_a_word_of_caution(tmp_path: Path) -> None:
    prepared = _prepared(tmp_path, ["same"] * 6)
    assert [len(part) for part in _texts(prepared)] == [5, 1]
    assert any("by heart" in note for note in prepared.report.notes)


def test_all_answers_of_a_row_stay_on_one_side(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"question": f"q{n}", "human_answers": [f"a{n}", f"b{n}", f"c{n}"]} for n in range(30)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = DataSettings.model_validate({"dataset": str(file), "validation_split": 0.2})
    prepared = prepare_dataset(settings, fake_tokenizer(), seed=0)
    in_train, in_valid = ({row.row for row in part} for part in (prepared.train, prepared.valid))
    assert not in_train & in_valid
    assert len(prepared.valid) == 18
    assert len(prepared.train) == 72


def test_a_validation_file_is_taken_as_it_is_and_shared_rows_are_told(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    (tmp_path / "valid.jsonl").write_text('{"text": "row 7"}\n{"text": "new"}\n')
    prepared = prepare_dataset(
        DataSettings.model_validate({"dataset": str(tmp_path)}), fake_tokenizer(), seed=0
    )
    train, valid = _texts(prepared)
    assert (len(train), valid) == (200, ["row 7", "new"])
    assert any("1 of the validation rows" in note for note in prepared.report.notes)
