"""Prompts from a file: one row each, all of them looked at before the first is answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemma_mlx.data.read import read_rows
from gemma_mlx.data.rows import Problems, Row
from gemma_mlx.errors import DatasetError, RowProblem
from gemma_mlx.inference.generate import Prompt
from gemma_mlx.text.chat_template import Message

_SHOWN = ["id", "prompt", "messages", "text"]
_ROLES = {"system": "system", "user": "user", "assistant": "assistant", "model": "assistant"}


@dataclass(frozen=True)
class FilePrompt:
    """One row's prompt. `shown` is what of the row an answer repeats: its id and its prompt, as they were."""

    index: int
    line: int
    prompt: Prompt
    shown: dict[str, Any]


def check_prompts(path: Path, *, raw: bool = False, system: str = "") -> int:
    """The number of prompts in the file.

    Raises:
        DatasetError: the file cannot be read or has no rows, or `bad-rows` with all rows that hold no prompt.
    """
    problems = Problems()
    count = 0
    for row in read_rows(path, problems):
        count += 1
        try:
            _prompt(row, raw, system)
        except ValueError as problem:
            problems.add(RowProblem(row.file, row.line, str(problem)))
    if problems.count:
        first = problems.details[0]
        raise DatasetError(
            "bad-rows",
            f"{problems.count} row{' holds' if problems.count == 1 else 's hold'} no prompt. "
            f"Line {first.line}: {first.reason}.",
            where=f"{path}, line {first.line}",
            fix='Give each row a "prompt" (text) or "messages" (a list of {"role", "content"}).',
            kept="Nothing was answered or written.",
            problems=problems.details,
        )
    if not count:
        raise DatasetError(
            "empty-dataset",
            "The file has no rows.",
            where=str(path),
            fix="Give a file with at least one row.",
        )
    return count


def read_prompts(path: Path, *, raw: bool = False, system: str = "") -> Iterator[FilePrompt]:
    """The prompts of a file that `check_prompts` has passed, one at a time."""
    for index, row in enumerate(read_rows(path)):
        shown = {name: row.values[name] for name in _SHOWN if name in row.values}
        yield FilePrompt(index, row.line, _prompt(row, raw, system), shown)


def _prompt(row: Row, raw: bool, system: str) -> Prompt:
    """What a row asks; `raw` texts are continued as they are, others are a user's message.

    Raises:
        ValueError: the row holds no prompt, with the reason in words.
    """
    begin = [Message("system", system)] if system.strip() else []
    if row.values.get("messages") is not None:
        messages = _messages(row.values["messages"])
        return messages if messages[0].role == "system" else [*begin, *messages]
    text = row.values.get("prompt", row.values.get("text"))
    if not isinstance(text, str):
        raise ValueError('there is neither a text "prompt" nor a list "messages"')
    return text if raw else [*begin, Message("user", text)]


def _messages(value: Any) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise ValueError('"messages" is not a list of messages')
    messages: list[Message] = []
    for number, item in enumerate(value, start=1):
        if not isinstance(item, dict) or not isinstance(item.get("content"), str):
            raise ValueError(f"message {number} has no text content")
        role = _ROLES.get(str(item.get("role")))
        if role is None:
            raise ValueError(
                f"message {number} has the role {item.get('role')!r}, not system, user or assistant"
            )
        turns = sum(each.role != "system" for each in messages)
        expected = ("user", "assistant")[turns % 2]
        if role != expected and not (role == "system" and not messages):
            raise ValueError(f"message {number} is the {role}'s where the {expected}'s should be")
        messages.append(Message(role, item["content"]))  # type: ignore[arg-type]
    if messages[-1].role == "system":
        raise ValueError("after the system text a user's message is needed")
    return messages
