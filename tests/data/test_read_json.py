"""JSON lists are read as a stream; broken places are named."""

from __future__ import annotations

import io
import json

import pytest

from gemma_mlx.data import read_json
from gemma_mlx.data.read_json import json_rows
from gemma_mlx.data.rows import Entry, Row
from gemma_mlx.errors import DatasetError, RowProblem


def _entries(text: str | bytes) -> list[Entry]:
    data = text.encode() if isinstance(text, str) else text
    return list(json_rows(io.BytesIO(data), "f.json"))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrapped", [False, True])
def test_rows_are_the_same_at_any_chunk_size(
    monkeypatch: pytest.MonkeyPatch, indent: int | None, wrapped: bool
) -> None:
    rows = [{"text": f'row {n} "quoted" \\ ü 😀', "n": n, "list": [n, [n]]} for n in range(40)]
    content = {"version": 1.25, "info": {"a": [1]}, "data": rows} if wrapped else rows
    text = "\ufeff" + json.dumps(content, indent=indent, ensure_ascii=False)
    for chunk in (1, 7, 64, 2**20):
        monkeypatch.setattr(read_json, "_CHUNK_BYTES", chunk)
        entries = _entries(text)
        assert [entry.values for entry in entries if isinstance(entry, Row)] == rows
        assert [entry.line for entry in entries] == list(range(1, 41))


def test_elements_that_are_no_objects_are_problems_of_their_own() -> None:
    entries = _entries('[{"a": 1}, 12, "text", {"a": 2}]')
    assert [type(entry) for entry in entries] == [Row, RowProblem, RowProblem, Row]
    assert entries[1].line == 2


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[{"a": 1},\n{"a": 2}\n{"a": 3}]', 3, "expected ','"),
        ('[{"a": 1},\n{"a": }]', 2, "Expecting value"),
        ('[{"a": 1},\n{"a": "unfinished', 2, "Unterminated string"),
        ('[{"a": 1}', 1, "ends too early"),
        ('[{"a": NaN}]', 1, "NaN"),
        ('[{"a": 1}] and more', 1, "after the end of the list"),
        ("[" + "[" * 100_000, 1, "nested too deeply"),
        ('{"data": [{"a": 1}', 1, "ends too early"),
    ],
)
def test_a_broken_place_is_named_with_its_line(text: str, line: int, reason: str) -> None:
    problems = [entry for entry in _entries(text) if isinstance(entry, RowProblem)]
    assert len(problems) == 1
    assert problems[0].line == line
    assert reason in problems[0].reason


@pytest.mark.parametrize("text", ['{"a": 1, "b": [1]}', '"text"', "12", "{}", '{"data": {}}'])
def test_json_without_a_list_of_rows_is_an_error(text: str) -> None:
    with pytest.raises(DatasetError) as caught:
        _entries(text)
    assert caught.value.code == "no-rows"


def test_an_empty_list_has_no_rows() -> None:
    assert _entries("[ ]") == []


def test_a_row_that_is_too_long_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_json, "_CHUNK_BYTES", 16)
    monkeypatch.setattr(read_json, "ROW_BYTES", 1000)
    problems = [e for e in _entries('[{"a": "' + "x" * 5000 + '"}]') if isinstance(e, RowProblem)]
    assert "longer than" in problems[0].reason
