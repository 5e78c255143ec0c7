"""Formats are recognized by their columns; any names can be mapped."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.data.columns import Mapping, detect_mapping
from gemma_mlx.errors import DatasetError
from gemma_mlx.settings import DataSettings


def _detect(row: dict[str, Any], **settings: Any) -> Mapping:
    return detect_mapping(DataSettings.model_validate(settings), [row], "rows.jsonl")


CHAT = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("row", "name", "columns"),
    [
        ({"text": "a"}, "text", {"text": "text"}),
        ({"quote": "a"}, "text", {"text": "quote"}),
        ({"quote": "a", "tags": ["x"], "id": 7}, "text", {"text": "quote"}),
        ({"prompt": "a", "completion": "b"}, "completion", {"prompt": "prompt", "completion": "completion"}),
        (
            {"Question": "a", "Answer": "b", "id": 1},
            "completion",
            {"prompt": "Question", "completion": "Answer"},
        ),
        ({"input": "a", "output": "b"}, "completion", {"prompt": "input", "completion": "output"}),
        (
            {"question": "a", "human_answers": ["b"], "chatgpt_answers": ["c"]},
            "completion",
            {"prompt": "question", "completion": "human_answers"},
        ),
        ({"messages": CHAT}, "messages", {"messages": "messages"}),
        (
            {"conversations": [{"from": "human", "value": "a"}]},
            "sharegpt",
            {"conversations": "conversations"},
        ),
        (
            {"instruction": "a", "input": "", "output": "b", "text": "all"},
            "alpaca",
            {"instruction": "instruction", "output": "output", "input": "input"},
        ),
        (
            {"instruction": "a", "context": "", "response": "b", "category": "c"},
            "alpaca",
            {"instruction": "instruction", "output": "response", "input": "context"},
        ),
        (
            {"prompt": "a", "chosen": "b", "rejected": "c", "messages": CHAT},
            "preference",
            {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
        ),
    ],
)
def test_formats_are_recognized(row: dict[str, Any], name: str, columns: dict[str, str]) -> None:
    mapping = _detect(row)
    assert (mapping.format, mapping.columns) == (name, columns)
    assert name in mapping.statement
    for column in (*columns.values(), *mapping.ignored):
        assert column in mapping.statement


def test_a_mapping_takes_any_names_and_says_what_is_completed() -> None:
    mapping = _detect({"frage": "a", "antwort": "b"}, columns={"prompt": "frage", "completion": "antwort"})
    assert mapping.format == "completion"
    assert "'frage'" in mapping.statement
    half = _detect({"frage": "a", "answer": "b"}, columns={"prompt": "frage"})
    assert half.columns == {"prompt": "frage", "completion": "answer"}


def test_a_column_that_is_mapped_is_not_used_twice() -> None:
    assert _detect({"answer": "a", "response": "b"}, columns={"prompt": "answer"}).columns == {
        "prompt": "answer",
        "completion": "response",
    }


def test_a_mapping_outranks_what_would_be_recognized() -> None:
    row = {"prompt": "a", "completion": "b", "body": "c"}
    assert _detect(row, columns={"text": "body"}).format == "text"
    assert _detect(row, format="text", columns={"text": "completion"}).columns == {"text": "completion"}


def test_a_format_outranks_what_would_be_recognized() -> None:
    row = {"instruction": "a", "output": "b", "text": "c"}
    assert _detect(row, format="text").columns == {"text": "text"}


def test_lists_of_answers_are_announced() -> None:
    assert "example of its own" in _detect({"question": "a", "human_answers": ["b", "c"]}).statement
    assert "example of its own" not in _detect({"question": "a", "answer": "b"}).statement


@pytest.mark.parametrize(
    ("row", "settings", "code", "named"),
    [
        ({"a": "x", "b": "y"}, {}, "unknown-format", "a, b"),
        ({"n": 1}, {}, "unknown-format", "n"),
        ({"text": "x"}, {"format": "alpaca"}, "missing-column", "instruction"),
        ({"text": "x"}, {"columns": {"text": "body"}}, "missing-column", "'body'"),
        ({"text": "x"}, {"columns": {"body": "text"}}, "unknown-column-name", "body"),
        ({"text": "x"}, {"format": "messages"}, "missing-column", "messages"),
    ],
)
def test_columns_that_are_not_understood(
    row: dict[str, Any], settings: dict[str, Any], code: str, named: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        _detect(row, **settings)
    assert caught.value.code == code
    assert named in caught.value.what
    assert caught.value.where == "rows.jsonl"
