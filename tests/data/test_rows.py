"""Checks of files and lines before they can do harm."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from gemma_mlx.data import rows
from gemma_mlx.data.rows import Lines, Problems, check_file, check_text, parse_json, type_name
from gemma_mlx.errors import DatasetError, RowProblem


def test_a_pipe_is_refused_without_opening_it(tmp_path: Path) -> None:
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(DatasetError) as caught:
        check_file(pipe)
    assert caught.value.code == "not-a-file"
    assert str(pipe) in caught.value.where


@pytest.mark.parametrize(
    ("name", "code"),
    [("missing.jsonl", "no-dataset"), ("\0.jsonl", "unreadable-dataset"), ("x" * 5000, "unreadable-dataset")],
)
def test_paths_that_are_no_files(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(DatasetError) as caught:
        check_file(tmp_path / name)
    assert caught.value.code == code
    assert caught.value.fix


def test_a_loop_of_links_and_a_folder_are_refused(tmp_path: Path) -> None:
    loop = tmp_path / "loop.jsonl"
    loop.symlink_to(loop)
    with pytest.raises(DatasetError):
        check_file(loop)
    with pytest.raises(DatasetError) as caught:
        check_file(tmp_path)
    assert caught.value.code == "not-a-file"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not-text"),
        (b"PAR1\x15\x04", "not-text"),
        ("hello".encode("utf-16"), "not-utf8"),
        (b"\xef\xbb\xbf \r\n\n", "empty-dataset"),
    ],
)
def test_what_is_no_utf8_text_is_refused_at_once(head: bytes, code: str) -> None:
    with pytest.raises(DatasetError) as caught:
        check_text(Path("rows.jsonl"), head)
    assert caught.value.code == code


def test_all_problems_are_counted_and_the_first_are_kept() -> None:
    problems = Problems(keep=3)
    for line in range(10):
        problems.add(RowProblem("f", line, "bad"))
    assert problems.count == 10
    assert [problem.line for problem in problems.details] == [0, 1, 2]


def test_a_line_that_is_too_long_is_passed_over_and_the_next_one_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "ROW_BYTES", 10)
    lines = Lines(io.BytesIO(b"\xef\xbb\xbfone\n" + b"x" * 3_000_000 + b"\nthree\r\nfour"), "f")
    assert list(lines) == [b"one\n", None, b"three\r\n", b"four"]
    assert lines.number == 4


def test_reading_goes_on_at_a_mark() -> None:
    lines = Lines(io.BytesIO(b"one\ntwo\nthree\n"), "f")
    next(lines)
    mark = lines.mark()
    assert list(lines) == [b"two\n", b"three\n"]
    lines.begin_at(mark)
    assert next(lines) == b"two\n"
    assert lines.number == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": NaN}', "NaN is not valid JSON"),
        ('{"a": -Infinity}', "-Infinity is not valid JSON"),
        ('{"a": 1,}', "column"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "4300"),
    ],
)
def test_json_that_is_none_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_types_have_names_for_people() -> None:
    named = [type_name(value) for value in (None, True, 1.5, "a", [], {})]
    assert named == ["nothing (null)", "true or false", "a number", "a text", "a list", "an object"]
