"""Prompt files: every way of writing a prompt, and all bad rows in one report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.errors import DatasetError
from gemma_mlx.inference.prompt_file import check_prompts, read_prompts
from gemma_mlx.text.chat_template import Message


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_prompts_and_messages_with_a_system_text(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.jsonl",
        [
            {"prompt": "Hello", "id": 7, "other": 1},
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "model", "content": "Well"}]},
            {"messages": [{"role": "system", "content": "Own."}, {"role": "user", "content": "Hi"}]},
        ],
    )
    assert check_prompts(path, system="Given.") == 3
    first, second, third = read_prompts(path, system="Given.")
    given, own = Message("system", "Given."), Message("system", "Own.")
    assert first.prompt == [given, Message("user", "Hello")]
    assert first.shown == {"id": 7, "prompt": "Hello"} and (first.index, first.line) == (0, 1)
    assert second.prompt == [given, Message("user", "Hi"), Message("assistant", "Well")]
    assert third.prompt == [own, Message("user", "Hi")]
    assert next(read_prompts(path, raw=True)).prompt == "Hello"


def test_csv_and_plain_text(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text('prompt,id\n"One, two",a\nThree,b\n')
    assert [each.prompt for each in read_prompts(tmp_path / "p.csv", raw=True)] == ["One, two", "Three"]
    (tmp_path / "p.txt").write_text("One\nTwo\n")
    assert [each.prompt for each in read_prompts(tmp_path / "p.txt", raw=True)] == ["One", "Two"]


def test_all_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    bad: list[Any] = [
        {"question": "?"},
        {"prompt": 3},
        {"messages": []},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "tool", "content": ""}]},
        {"messages": [{"role": "assistant", "content": ""}]},
        {"messages": [{"role": "user", "content": ""}] * 2},
        {"messages": [{"role": "system", "content": ""}]},
        {"messages": [{"role": "user", "content": ""}, {"role": "system", "content": ""}]},
        [1],
    ]
    path = write(tmp_path / "p.jsonl", [{"prompt": "good"}, *bad])
    with pytest.raises(DatasetError) as caught:
        check_prompts(path)
    assert sorted(problem.line for problem in caught.value.problems) == list(range(2, 12))
    assert "10 rows" in caught.value.what and str(path) in caught.value.where


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text("\n")
    with pytest.raises(DatasetError):
        check_prompts(tmp_path / "p.jsonl")


def test_one_bad_row_is_told_as_one(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"question": "What?"}\n')
    with pytest.raises(DatasetError, match=r"^1 row holds no prompt\. Line 1: "):
        check_prompts(path, raw=False, system="")
