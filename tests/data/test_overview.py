"""A dataset that is open: counted, measured, looked at from any row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.data import overview as overview_module
from gemma_mlx.data.overview import OpenDataset, inspect_dataset, preview
from gemma_mlx.data.prepare import prepare_dataset
from gemma_mlx.errors import Cancelled, DatasetError
from gemma_mlx.events import Done, Progress
from gemma_mlx.settings import DataSettings
from tests.data.fake_tokenizer import fake_tokenizer


def _settings(dataset: Path, **settings: Any) -> DataSettings:
    return DataSettings.model_validate({"dataset": str(dataset), **settings})


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = [json.dumps({"text": f"row {n} " + "x" * (n % 50)}) for n in range(3000)]
    rows[6] = "broken"
    rows[1000] = json.dumps({"text": ""})
    rows[2000] = rows[1999]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(rows))
    return file


def test_the_overview_counts_what_training_will_see(dataset: Path) -> None:
    opened = OpenDataset(_settings(dataset), fake_tokenizer())
    events = list(opened.scan())
    assert all(isinstance(event, Progress) for event in events)
    found = opened.overview()
    assert (found.rows, found.usable, found.problem_count, found.duplicates) == (3000, 2998, 2, 1)
    assert [problem.line for problem in found.problems] == [7, 1001]
    assert found.complete
    assert not found.estimated
    prepared = prepare_dataset(_settings(dataset, bad_rows="leave_out"), fake_tokenizer(), seed=0)
    assert (found.train, found.valid) == (len(prepared.train), len(prepared.valid))
    assert found.tokens == prepared.report.train.tokens + prepared.report.valid.tokens
    assert found.loss_tokens == prepared.report.train.targets + prepared.report.valid.targets
    assert sum(found.lengths.counts) == found.measured == 2998
    json.dumps(found.as_dict())


def test_before_the_scan_the_columns_are_known_and_rows_can_be_seen(dataset: Path) -> None:
    opened = OpenDataset(_settings(dataset), fake_tokenizer())
    found = opened.overview()
    assert (found.format, found.columns, found.rows, found.complete) == ("text", ("text",), 0, False)
    rows = opened.preview(5, 3)
    assert [row.index for row in rows] == [5, 6, 7]
    assert "JSON" in rows[1].problem


@pytest.mark.parametrize("start", [0, 499, 500, 501, 1499, 2995, 3000, 9000])
def test_any_rows_can_be_seen_before_and_after_the_scan(dataset: Path, start: int) -> None:
    opened = OpenDataset(_settings(dataset), fake_tokenizer())
    before = opened.preview(start, 4)
    list(opened.scan())
    assert opened.preview(start, 4) == before
    assert [row.index for row in before] == list(range(start, min(3000, start + 4)))
    assert all(row.line == row.index + 1 for row in before)
    assert preview(_settings(dataset), fake_tokenizer(), range(start, start + 4)) == before


def test_rows_can_be_seen_in_the_middle_of_a_scan(dataset: Path) -> None:
    opened = OpenDataset(_settings(dataset), fake_tokenizer())
    scan = opened.scan()
    next(scan)
    assert opened.preview(2000, 1)[0].line == 2001
    list(scan)
    assert opened.overview().rows == 3000


def test_after_a_scan_late_rows_are_reached_without_reading_what_is_before(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = OpenDataset(_settings(dataset), fake_tokenizer())
    list(opened.scan())
    looked_at = 0
    entries = overview_module.RowFile.entries

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal looked_at
        for entry in entries(*arguments, **named):
            looked_at += 1
            yield entry

    monkeypatch.setattr(overview_module.RowFile, "entries", counted)
    assert opened.preview(2900, 5)[0].index == 2900
    assert looked_at < 520


def test_rows_run_through_all_files(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "t0"}\n{"text": "t1"}\n')
    (tmp_path / "valid.jsonl").write_text('{"text": "v0"}\n')
    opened = OpenDataset(_settings(tmp_path))
    list(opened.scan())
    rows = opened.preview(1, 5)
    assert [(row.index, row.split, row.pieces[0].text) for row in rows] == [
        (1, "train", "t1"),
        (2, "valid", "v0"),
    ]
    assert (opened.overview().train, opened.overview().valid) == (2, 1)


def test_many_rows_are_measured_in_part(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_module, "MEASURED_ROWS", 100)
    opened = OpenDataset(_settings(dataset), fake_tokenizer())
    list(opened.scan())
    found = opened.overview()
    assert found.usable == 2998
    assert 90 <= found.measured < 200
    everything = OpenDataset(_settings(dataset), fake_tokenizer())
    monkeypatch.undo()
    list(everything.scan())
    assert abs(found.lengths.mean / everything.overview().lengths.mean - 1) < 0.1


def test_columns_that_are_not_understood_can_still_be_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"frage": "a", "antwort": "b"}\n' * 3)
    opened = OpenDataset(_settings(file))
    assert opened.trouble is not None
    list(opened.scan())
    found = opened.overview()
    assert (found.rows, found.usable, found.columns) == (3, 0, ("frage", "antwort"))
    assert "frage" in found.trouble
    assert "antwort" in opened.preview(0, 1)[0].pieces[0].text
    with pytest.raises(DatasetError):
        list(inspect_dataset(_settings(file)))


def test_inspection_ends_with_the_overview(dataset: Path) -> None:
    events = list(inspect_dataset(_settings(dataset)))
    done = events[-1]
    assert isinstance(done, Done)
    assert done.result["rows"] == 3000
    assert done.result["estimated"]
    with pytest.raises(Cancelled):
        list(inspect_dataset(_settings(dataset), cancelled=lambda: True))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        OpenDataset(_settings(tmp_path / "no.jsonl"))
