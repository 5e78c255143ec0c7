"""What a model folder says of its tokenizer beside the vocabulary: special tokens, end ids, the template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.markers import is_control

SETTINGS_FILE = "tokenizer_config.json"
TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")

_LARGEST_FILE = 512 * 2**20


def read_bytes(path: Path) -> bytes:
    """A regular file of sensible size.

    Raises:
        TokenizerError: it is another kind of file, enormous or unreadable.
    """
    try:
        if not path.is_file():  # a pipe would hang
            raise _unreadable(path, "it is not a regular file")
        if path.stat().st_size > _LARGEST_FILE:
            raise _unreadable(path, "it is larger than any tokenizer")
        return path.read_bytes()
    except OSError as problem:
        raise _unreadable(path, problem.strerror or str(problem)) from None


def read_text(path: Path) -> str:
    """A UTF-8 file. Raises TokenizerError as `read_bytes` does, and where it is not UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise _unreadable(path, f"it is not UTF-8 ({problem.reason} at byte {problem.start})") from None


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file's object; empty where the file is absent. Raises TokenizerError where it is damaged."""
    if not path.exists():
        return {}
    try:
        raw = json.loads(read_text(path))
    except (ValueError, RecursionError) as problem:
        raise _unreadable(path, str(problem)) from None
    if not isinstance(raw, dict):
        raise _unreadable(path, "it does not hold an object")
    return raw


def _content(value: Any) -> str | None:
    """A token in tokenizer_config.json is a string, or an object with its `content`."""
    if isinstance(value, dict):
        value = value.get("content")
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair: no vocabulary can hold it
        return None
    return value


def read_special_tokens(settings: dict[str, Any]) -> dict[str, str]:
    """`bos_token` and its like in tokenizer_config.json, to their spelling."""
    return {
        name: content
        for name in ("bos_token", "eos_token", "pad_token", "unk_token")
        if (content := _content(settings.get(name))) is not None
    }


def read_declared_tokens(settings: dict[str, Any], path: Path) -> dict[int, tuple[str, bool]]:
    """`added_tokens_decoder` of tokenizer_config.json: id to (spelling, is it a control token).

    Raises:
        TokenizerError: it is not in that form.
    """
    raw = settings.get("added_tokens_decoder") or {}
    tokens: dict[int, tuple[str, bool]] = {}
    if not isinstance(raw, dict):
        raise _unreadable(path, "added_tokens_decoder is not an object")
    for index, value in raw.items():
        content = _content(value)
        if content is None or not index.isdecimal() or len(index) > 9:
            raise _unreadable(path, f"added_tokens_decoder has a bad entry {index!r}")
        declared = isinstance(value, dict) and bool(value.get("special"))
        tokens[int(index)] = (content, is_control(content, declared))
    return tokens


def read_end_ids(folder: Path) -> list[int]:
    """The end ids of generation_config.json, which for chat models hold the end of a turn too.

    Raises:
        TokenizerError: the file is damaged.
    """
    path = folder / "generation_config.json"
    value = read_object(path).get("eos_token_id")
    ids = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(index, int) and not isinstance(index, bool) for index in ids):
        raise _unreadable(path, f"eos_token_id is {value!r}")
    return ids


def read_chat_template(folder: Path, settings: dict[str, Any]) -> str | None:
    """The checkpoint's template: chat_template.jinja, chat_template.json, then tokenizer_config.json."""
    own_file = folder / TEMPLATE_FILES[0]
    if own_file.exists():
        return read_text(own_file)
    value = read_object(folder / TEMPLATE_FILES[1]).get("chat_template", settings.get("chat_template"))
    if isinstance(value, list):  # several templates by name
        named = {item.get("name"): item.get("template") for item in value if isinstance(item, dict)}
        value = named.get("default")
    return value if isinstance(value, str) and value.strip() else None


def _unreadable(path: Path, why: str) -> TokenizerError:
    return TokenizerError(
        "unreadable-tokenizer",
        f"{path.name} cannot be read: {why}",
        where=str(path),
        fix="Download this file again.",
    )
