"""Files are checked before any is read; their columns must agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gemma_mlx.data.folder import find_files
from gemma_mlx.data.sources import Watch, detect_files, open_files
from gemma_mlx.errors import Cancelled, DatasetError
from gemma_mlx.events import Progress
from gemma_mlx.settings import DataSettings

QUIET = Watch(None, None)


def _detect(dataset: Path) -> str:
    settings = DataSettings(dataset=str(dataset))
    return detect_files(settings, open_files(find_files(str(dataset))), QUIET).format


def test_columns_are_judged_by_the_good_rows(tmp_path: Path) -> None:
    rows = ["broken", "[]", json.dumps({"prompt": "a", "completion": "b"})]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    assert _detect(tmp_path / "rows.jsonl") == "completion"


def test_a_file_without_one_good_row_names_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("broken\n" * 500)
    with pytest.raises(DatasetError) as caught:
        _detect(tmp_path / "rows.jsonl")
    assert caught.value.code == "bad-rows"
    assert [problem.line for problem in caught.value.problems] == list(range(1, 501))
    assert "500 rows" in caught.value.what


@pytest.mark.parametrize(("name", "content"), [("a.json", "[]"), ("a.csv", "text\n"), ("a.jsonl", " \n ")])
def test_a_file_without_rows_is_an_error(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError) as caught:
        _detect(tmp_path / name)
    assert caught.value.code == "empty-dataset"
    assert name in caught.value.where


def test_a_validation_file_needs_the_columns_of_the_training_file(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"prompt": "a", "completion": "b"}')
    (tmp_path / "valid.jsonl").write_text('{"question": "a", "answer": "b"}')
    with pytest.raises(DatasetError) as caught:
        _detect(tmp_path)
    assert caught.value.code == "missing-column"
    assert "valid.jsonl" in caught.value.where


def test_the_end_of_a_stage_is_always_told_and_a_cancel_stops() -> None:
    told: list[Progress] = []
    watch = Watch(told.append, None)
    for done in range(1000):
        watch.step("Reading", done + 1, 1000, "rows")
    assert told[-1] == Progress("Reading", 1000, 1000, "rows")
    assert len(told) < 100
    with pytest.raises(Cancelled):
        Watch(None, lambda: True).step("Reading", 0, 1, "rows")
