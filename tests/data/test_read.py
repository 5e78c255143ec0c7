"""Rows of every kind of file, and bad rows named with their lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from gemma_mlx.data.read import RowFile, file_kind, read_rows
from gemma_mlx.data.rows import Problems, Row
from gemma_mlx.errors import DatasetError, RowProblem


def _values(path: Path) -> list[dict[str, object]]:
    problems = Problems()
    values = [row.values for row in read_rows(path, problems)]
    assert problems.count == 0, problems.details
    return values


def test_jsonl_with_bom_crlf_blank_lines_and_line_separators(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"text": "one"}\r\n\r\n' + '{"text": "two\u2028three"}\n'.encode() + b'{"text": "four"}'
    )
    rows = list(read_rows(file))
    assert [(row.line, row.values["text"]) for row in rows] == [
        (1, "one"),
        (3, "two\u2028three"),
        (4, "four"),
    ]


def test_every_bad_line_is_named_in_one_pass(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"row {number}"}).encode() for number in range(1, 13)]
    lines[6] = b'{"text": "broken'
    lines[8] = b"[1, 2]"
    lines[9] = b'{"text": "caf\xe9"}'
    lines[10] = b'{"text": NaN}'
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n".join(lines))
    problems = Problems()
    assert len(list(read_rows(file, problems))) == 8
    assert [problem.line for problem in problems.details] == [7, 9, 10, 11]
    reasons = [problem.reason for problem in problems.details]
    assert "not valid JSON" in reasons[0]
    assert "a list" in reasons[1]
    assert "0xe9" in reasons[2]
    assert "NaN" in reasons[3]
    assert all(problem.file == str(file) for problem in problems.details)


def test_a_json_file_with_one_object_a_line_is_read_as_such(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text('{"text": "a"}\n{"text": "b"}\n')
    assert RowFile(file).kind == "jsonl"
    assert [row["text"] for row in _values(file)] == ["a", "b"]


def test_a_jsonl_file_with_one_list_is_read_as_such(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('[{"text": "a"},\n {"text": "b"}]')
    assert [row["text"] for row in _values(file)] == ["a", "b"]


def test_plain_text_one_row_a_line(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_bytes("\nfirst\r\nzweite Zeile ß\nthird\n\n".encode())
    rows = list(read_rows(file))
    assert [(row.line, row.values["text"]) for row in rows] == [
        (2, "first"),
        (3, "zweite Zeile ß"),
        (4, "third"),
    ]


def test_plain_text_in_paragraphs(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_text("one\ntwo\n\n  \nthree\n\nfour")
    rows = list(read_rows(file))
    assert [(row.line, row.values["text"]) for row in rows] == [(1, "one\ntwo"), (5, "three"), (7, "four")]


def test_packed_text_is_read_whatever_its_name(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"text": "a"}\n{"text": "b"}\n')
    for name in ("rows.jsonl.gz", "rows.jsonl"):
        file = tmp_path / name
        file.write_bytes(packed)
        assert [row["text"] for row in _values(file)] == ["a", "b"]


def test_packed_text_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl.gz"
    content = "".join(json.dumps({"text": str(hash(str(n)))}) + "\n" for n in range(20_000))
    file.write_bytes(gzip.compress(content.encode())[:-200])
    with pytest.raises(DatasetError) as caught:
        list(read_rows(file))
    assert caught.value.code == "damaged-dataset"


@pytest.mark.parametrize("name", ["rows.xyz", "rows", "rows.gz", "rows.safetensors"])
def test_unknown_endings_are_refused(name: str) -> None:
    with pytest.raises(DatasetError) as caught:
        file_kind(Path(name))
    assert caught.value.code == "unknown-dataset-kind"
    assert ".jsonl" in caught.value.fix


def test_a_program_under_the_name_of_a_dataset_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\x7fELF" + bytes(range(256)) * 10)
    with pytest.raises(DatasetError) as caught:
        RowFile(file)
    assert caught.value.code == "not-text"


def test_progress_ends_at_the_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "a"}\n' * 100)
    source = RowFile(file)
    assert source.done == 0
    assert len(list(source.rows())) == 100
    assert source.done == source.total == file.stat().st_size


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", '{"text": "a0"}\n{"text": "a1"}\nbroken\n{"text": "a3"}\n{"text": "a4"}\n'),
        ("rows.csv", 'text,n\na0,0\n"a1\nstill a1",1\nbroken\na3,3\na4,4\n'),
        ("rows.txt", "a0\na1\n\nx\ny\n\na3\n\na4\n"),
        ("lines.txt", "a0\na1\na2\na3\na4\n"),
    ],
)
def test_reading_can_begin_behind_any_row(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    source = RowFile(file)
    entries, marks = [], []
    for entry in source.entries():
        entries.append(entry)
        marks.append(source.mark())
    assert len(entries) >= 4
    assert any(isinstance(entry, RowProblem) for entry in entries) == ("broken" in content)
    for position, mark in enumerate(marks):
        assert mark is not None
        assert list(RowFile(file).entries(begin=mark)) == entries[position + 1 :]
    assert all(isinstance(entry, Row | RowProblem) for entry in entries)
