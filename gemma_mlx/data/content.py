"""What a row says, whatever its format: raw text, a conversation, or a preference between two answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gemma_mlx.data.columns import Mapping
from gemma_mlx.data.rows import Row, parse_json, printable, type_name
from gemma_mlx.text.chat_template import Message

_ROLES = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "model": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
}
_ROLE_KEYS = ("role", "from")
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)
_CONTENT_KEYS = ("content", "value", "text")


@dataclass(frozen=True)
class RawText:
    """Text to continue; it has no prompt, so all of it carries loss."""

    text: str


@dataclass(frozen=True)
class Conversation:
    """Turns of a chat. The first `given` messages are only read: no answer in them carries loss."""

    messages: tuple[Message, ...]
    given: int = 0


@dataclass(frozen=True)
class Preference:
    """Two conversations that begin alike, of which the first is preferred."""

    chosen: Conversation
    rejected: Conversation


Content = RawText | Conversation | Preference


class BadRow(Exception):
    """The row cannot be used; the text says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(printable(reason))


class LeftOutRow(Exception):
    """The row is sound and yet teaches nothing; the text says why."""


def row_contents(row: Row, mapping: Mapping, *, answers_needed: bool) -> list[Content]:
    """What a row says: one content, or one for each answer when the completion is a list of texts.

    `answers_needed`: a conversation without an answer is bad (loss on completions only).

    Raises:
        BadRow, LeftOutRow: with the reason in words.
    """
    if mapping.format == "text":
        return [RawText(_text(row, mapping.columns["text"]))]
    if mapping.format == "preference":
        return [_preference(row, mapping)]
    if mapping.format == "completion":
        conversations = _completions(row, mapping)
    elif mapping.format == "alpaca":
        conversations = [_alpaca(row, mapping)]
    else:
        column = mapping.columns["messages" if mapping.format == "messages" else "conversations"]
        messages = [*_system(row, mapping), *_messages(_value(row, column), column, mapping)]
        conversations = [Conversation(tuple(messages))]
    for conversation in conversations:
        _check_turns(conversation.messages, answers_needed)
    return list(conversations)


def _completions(row: Row, mapping: Mapping) -> list[Conversation]:
    """Prompt and completion; each of a list of completions (HC3's human_answers) is an example."""
    prompt_column, answer_column = mapping.columns["prompt"], mapping.columns["completion"]
    answer = _value(row, answer_column)
    if isinstance(answer, str) and answer_column.lower().endswith("answers"):
        answer = _list_in_cell(answer)
    prompt = _prompt(row, prompt_column, mapping)
    begin = (*_system(row, mapping), *prompt)
    if _is_messages(answer):
        return [Conversation((*begin, *_messages(answer, answer_column, mapping)), given=len(begin))]
    if not isinstance(answer, list):
        return [_answered(begin, checked_text(answer, answer_column))]
    if not answer:
        raise BadRow(f"column {answer_column!r} is an empty list")
    texts = [checked_text(text, f"{answer_column}[{index}]") for index, text in enumerate(answer)]
    return [_answered(begin, text) for text in texts]


def _answered(begin: Sequence[Message], answer: str) -> Conversation:
    return Conversation((*begin, Message("assistant", answer)), given=len(begin))


def _alpaca(row: Row, mapping: Mapping) -> Conversation:
    """The instruction, its input below it, and the output."""
    asked = _text(row, mapping.columns["instruction"])
    column = mapping.columns.get("input", "")
    extra = row.values.get(column)
    if not _is_missing(extra) and extra != "":
        asked = f"{asked}\n\n{checked_text(extra, column)}" if str(extra).strip() else asked
    begin = (*_system(row, mapping), Message("user", asked))
    return _answered(begin, _text(row, mapping.columns["output"]))


def _preference(row: Row, mapping: Mapping) -> Preference:
    """Chosen and rejected as texts behind a prompt, as answering messages, or as whole conversations."""
    sides: list[tuple[Message, ...]] = []
    whole = False
    for name in ("chosen", "rejected"):
        column = mapping.columns[name]
        value = _value(row, column)
        if isinstance(value, str) and value.lstrip().startswith("[{"):
            value = _list_in_cell(value)
        if _is_messages(value):
            messages = _messages(value, column, mapping)
        else:
            messages = [Message("assistant", checked_text(value, column))]
        sides.append(tuple(messages))
        whole = whole or messages[0].role != "assistant"
    if whole:
        begin: tuple[Message, ...] = ()
        shared = next(
            (i for i, (a, b) in enumerate(zip(*sides, strict=False)) if a != b), min(map(len, sides))
        )
        # An answer cannot be empty: where one side is the beginning of the other, its last turn differs.
        shared = min(shared, len(sides[0]) - 1, len(sides[1]) - 1)
        begin_system = _system(row, mapping)
        if begin_system and sides[0][0].role != "system":
            begin = tuple(begin_system)
    else:
        if "prompt" not in mapping.columns:
            raise BadRow(
                "the answers have no prompt: there is no prompt column and they are no conversations"
            )
        begin = (*_system(row, mapping), *_prompt(row, mapping.columns["prompt"], mapping))
        shared = 0
    if sides[0] == sides[1]:
        raise LeftOutRow("chosen and rejected are the same")
    given = len(begin) + shared
    for side in sides:
        _check_turns((*begin, *side), answers_needed=True)
        if not any(message.role == "assistant" for message in side[shared:]):
            raise BadRow("chosen and rejected do not differ in an answer of the assistant")
    return Preference(Conversation((*begin, *sides[0]), given), Conversation((*begin, *sides[1]), given))


def _prompt(row: Row, column: str, mapping: Mapping) -> list[Message]:
    value = _value(row, column)
    if _is_messages(value):
        return _messages(value, column, mapping)
    return [Message("user", checked_text(value, column))]


def _system(row: Row, mapping: Mapping) -> list[Message]:
    """The system text of a column of its own, when there is one and it says something."""
    column = mapping.columns.get("system")
    value = row.values.get(column) if column else None
    if column is None or _is_missing(value) or value == "":
        return []
    return [Message("system", checked_text(value, column))]


def _messages(value: Any, column: str, mapping: Mapping) -> list[Message]:
    """A list of {"role", "content"} or {"from", "value"} as messages."""
    if isinstance(value, str):
        value = _list_in_cell(value)
    if not isinstance(value, list):
        raise BadRow(f"column {column!r} holds {type_name(value)}, not a list of messages")
    if not value:
        raise BadRow(f"column {column!r} is an empty list")
    messages = []
    for index, item in enumerate(value):
        place = f"{column}[{index}]"
        if not isinstance(item, dict):
            raise BadRow(f"{place} is {type_name(item)}, not a message with role and content")
        role = _of_message(item, mapping.keys.get("role"), _ROLE_KEYS, place)
        content = _of_message(item, mapping.keys.get("content"), _CONTENT_KEYS, place)
        known = _ROLES.get(role.strip().lower()) if isinstance(role, str) else None
        if known is None:
            raise BadRow(f"{place}: role {str(role)[:40]!r} is none of user, assistant (model), system")
        messages.append(Message(known, checked_text(_joined_parts(content, place), place)))  # type: ignore[arg-type]
    return messages


def _of_message(item: dict[str, Any], given: str | None, usual: Sequence[str], place: str) -> Any:
    keys = (given,) if given else usual
    for key in keys:
        if key in item and item[key] is not None:
            return item[key]
    raise BadRow(f"{place} has no {' or '.join(keys)}; it has: {', '.join(map(str, item)) or 'nothing'}")


def _joined_parts(content: Any, place: str) -> Any:
    """Content that is a list of parts ({"type": "text", "text": ...}) as one text."""
    if not isinstance(content, list):
        return content
    texts = []
    for part in content:
        if not isinstance(part, dict) or part.get("type", "text") != "text" or "text" not in part:
            kind = part.get("type") if isinstance(part, dict) else type_name(part)
            raise BadRow(f"{place} holds a part that is no text ({str(kind)[:40]}); only text can be learned")
        texts.append(checked_text(part["text"], place))
    return "\n".join(texts)


def _check_turns(messages: Sequence[Message], answers_needed: bool) -> None:
    """A system text only in front; then user and assistant in turn, the user first."""
    turns = [message.role for message in messages]
    if turns and turns[0] == "system":
        turns = turns[1:]
    for index, role in enumerate(turns):
        expected = ("user", "assistant")[index % 2]
        if role == "system":
            raise BadRow("a system message stands behind the first turn; it may only stand in front")
        if role != expected:
            raise BadRow(
                f"turn {index + 1} is by the {role}, but user and assistant must alternate, user first"
            )
    if not turns:
        raise BadRow("the conversation has no turns")
    if answers_needed and "assistant" not in turns:
        raise BadRow("the conversation has no answer of the assistant to learn from")


def _list_in_cell(cell: str) -> Any:
    """A JSON list that stands as text in a cell (csv has no lists); other text stays as it is."""
    if not cell.lstrip().startswith("["):
        return cell
    try:
        return parse_json(cell)
    except ValueError as problem:
        raise BadRow(f"a cell begins like a list, but is {problem}") from None


def _is_messages(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _is_missing(value: Any) -> bool:
    """Null, or NaN, which parquet files written from pandas hold for null."""
    return value is None or (isinstance(value, float) and value != value)


def _value(row: Row, column: str) -> Any:
    if column not in row.values:
        raise BadRow(f"column {column!r} is missing")
    value = row.values[column]
    if _is_missing(value):
        raise BadRow(f"column {column!r} is empty ({'null' if value is None else 'NaN'})")
    return value


def _text(row: Row, column: str) -> str:
    return checked_text(_value(row, column), column)


def checked_text(value: Any, place: str) -> str:
    """`value` when it is text that a tokenizer can take.

    Raises:
        BadRow: it is no text, is blank, or holds characters that are none.
    """
    if not isinstance(value, str):
        shown = json.dumps(value, ensure_ascii=False, default=str)[:40]
        raise BadRow(f"{place!r} holds {type_name(value)} ({shown}), not text")
    if not value.strip():
        raise BadRow(f"{place!r} is empty")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as problem:
        code = ord(value[problem.start])
        if 0xDC80 <= code <= 0xDCFF:
            reason = f"not UTF-8: byte 0x{code - 0xDC00:02x}"
        else:
            reason = f"half of a surrogate pair (\\u{code:04x})"
        raise BadRow(f"{place!r}: {reason} at character {problem.start + 1}") from None
    if "\0" in value:
        raise BadRow(f"{place!r} holds a NUL character at {value.index(chr(0)) + 1}")
    return value


def content_key(row: Row, mapping: Mapping) -> int:
    """A 64-bit hash of what a row says in the columns that are used: equal rows have equal keys."""
    said = {name: row.values.get(column) for name, column in mapping.columns.items()}
    text = _ENCODER.encode(said).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
