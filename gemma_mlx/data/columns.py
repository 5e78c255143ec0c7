"""What a dataset's columns mean: its format, recognized by their names and types or given by a mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gemma_mlx.errors import DatasetError
from gemma_mlx.settings import DataSettings

REQUIRED: dict[str, tuple[str, ...]] = {
    "preference": ("chosen", "rejected"),
    "messages": ("messages",),
    "sharegpt": ("conversations",),
    "alpaca": ("instruction", "output"),
    "completion": ("prompt", "completion"),
    "text": ("text",),
}
"""Our names of the columns that a format must have, in the order in which formats are recognized."""

OPTIONAL: dict[str, tuple[str, ...]] = {
    "preference": ("prompt", "system"),
    "messages": ("system",),
    "sharegpt": ("system",),
    "alpaca": ("input", "system"),
    "completion": ("system",),
    "text": (),
}

_MESSAGE_KEYS = ("role", "content")
"""Our names of the keys within one message, for chats that call them otherwise."""

_ALIASES: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "conversation", "dialogue", "dialog"),
    "conversations": ("conversations",),
    "instruction": ("instruction",),
    "input": ("input", "context"),
    "output": ("output", "response", "answer", "completion"),
    "chosen": ("chosen",),
    "rejected": ("rejected",),
    "system": ("system", "system_prompt"),
    "text": ("text", "content"),
}

_PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("question", "answer"),
    ("question", "human_answers"),
    ("question", "answers"),
    ("question", "response"),
    ("question", "completion"),
    ("query", "response"),
    ("query", "answer"),
    ("input", "output"),
    ("input", "response"),
    ("input", "target"),
    ("source", "target"),
    ("user", "assistant"),
    ("human", "assistant"),
)
"""Names under which prompts and completions are found, the likeliest first."""

_PREFERENCE_PROMPTS = ("prompt", "question", "instruction", "input", "query")


@dataclass(frozen=True)
class Mapping:
    """A format and where its parts lie: `columns` maps our names to the file's. `statement` is for people."""

    format: str
    columns: dict[str, str]
    statement: str
    ignored: tuple[str, ...] = ()
    keys: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For reports and the wire."""
        return {
            "format": self.format,
            "columns": dict(self.columns),
            "statement": self.statement,
            "ignored": list(self.ignored),
        }


def detect_mapping(settings: DataSettings, samples: Sequence[dict[str, Any]], where: str) -> Mapping:
    """The format of rows like `samples`: what the settings give counts, the rest is recognized.

    Raises:
        DatasetError: `unknown-format`, `missing-column`, `unknown-column-name`.
    """
    names = list(dict.fromkeys(name for sample in samples for name in sample))
    _check_given(settings, names, where)
    wanted = [settings.format] if settings.format != "auto" else _formats_of(settings)
    for format_name in wanted:
        columns = _columns_for(format_name, settings.columns, names)
        if columns is not None:
            return _mapping(format_name, columns, names, samples, settings)
    if settings.format in ("auto", "text") and not settings.columns:
        texts = [name for name in names if _is_text(name, samples)]
        if len(texts) == 1:
            return _mapping("text", {"text": texts[0]}, names, samples, settings)
    raise _not_recognized(settings, names, where)


def _check_given(settings: DataSettings, names: list[str], where: str) -> None:
    known = {name for table in (REQUIRED, OPTIONAL) for names in table.values() for name in names}
    unknown = [name for name in settings.columns if name not in known and name not in _MESSAGE_KEYS]
    if unknown:
        raise DatasetError(
            "unknown-column-name",
            f"columns: {', '.join(unknown)} is none of our names for columns.",
            where=where,
            fix=f"Choose from {', '.join(sorted(known))}, and map it to the file's column.",
        )
    given = [column for name, column in settings.columns.items() if name not in _MESSAGE_KEYS]
    missing = [column for column in given if column not in names]
    if missing:
        raise DatasetError(
            "missing-column",
            f"The dataset has no column {', '.join(repr(name) for name in missing)}. "
            f"It has: {', '.join(names[:30])}.",
            where=where,
            fix="Correct the mapping of columns.",
        )


def _formats_of(settings: DataSettings) -> list[str]:
    """Formats to try: with a mapping, those that know all its names; first those that need most of them."""
    given = {name for name in settings.columns if name not in _MESSAGE_KEYS}
    fitting = [name for name in REQUIRED if given <= {*REQUIRED[name], *OPTIONAL[name]}]
    return sorted(fitting, key=lambda name: -len(given & set(REQUIRED[name])))


def _columns_for(format_name: str, given: dict[str, str], names: list[str]) -> dict[str, str] | None:
    """Our names to the file's for this format, or None when a required column is not there."""
    parts = (*REQUIRED[format_name], *OPTIONAL[format_name])
    columns = {name: given[name] for name in parts if name in given}
    by_lower = {name.lower(): name for name in reversed(names)}

    def find(aliases: Sequence[str]) -> str | None:
        # A column that has a meaning already is not guessed at a second time.
        found = [by_lower[name] for name in aliases if by_lower.get(name) not in (None, *columns.values())]
        return found[0] if found else None

    if format_name == "completion" and not columns:
        pair = next((pair for pair in _PAIRS if pair[0] in by_lower and pair[1] in by_lower), None)
        if pair is None:
            return None
        columns = {"prompt": by_lower[pair[0]], "completion": by_lower[pair[1]]}
    elif format_name == "completion":
        for name, position in (("prompt", 0), ("completion", 1)):
            found = find([pair[position] for pair in _PAIRS])
            if name not in columns and found:
                columns[name] = found
    for name in parts:
        aliases = _PREFERENCE_PROMPTS if name == "prompt" else _ALIASES.get(name, ())
        found = find(aliases)
        if name not in columns and found:
            columns[name] = found
    return columns if all(name in columns for name in REQUIRED[format_name]) else None


def _mapping(
    format_name: str,
    columns: dict[str, str],
    names: list[str],
    samples: Sequence[dict[str, Any]],
    settings: DataSettings,
) -> Mapping:
    ignored = tuple(name for name in names if name not in columns.values())
    keys = {name: settings.columns[name] for name in _MESSAGE_KEYS if name in settings.columns}
    parts = [ours if ours == theirs else f"{ours} from column {theirs!r}" for ours, theirs in columns.items()]
    how = "given" if settings.format != "auto" else "recognized by the columns"
    statement = f"Format {format_name} ({how}): {', '.join(parts)}."
    answers = columns.get("completion", "")
    if any(isinstance(sample.get(answers), list) for sample in samples) and not any(
        _is_message_list(sample.get(answers)) for sample in samples
    ):
        statement += f" Column {answers!r} holds lists: each answer is an example of its own."
    if ignored:
        statement += f" Not used: {', '.join(ignored[:20])}."
    return Mapping(format_name, columns, statement, ignored, keys)


def _not_recognized(settings: DataSettings, names: list[str], where: str) -> DatasetError:
    found = ", ".join(names[:30]) or "none"
    if settings.format != "auto":
        needed = REQUIRED[settings.format]
        return DatasetError(
            "missing-column",
            f"Format {settings.format} needs the columns {', '.join(needed)}; the dataset has: {found}.",
            where=where,
            fix=f'Map them, for example columns: {{"{needed[0]}": "{names[0] if names else "..."}"}}.',
        )
    return DatasetError(
        "unknown-format",
        f"The columns do not say what the dataset is: {found}.",
        where=where,
        fix='Map its columns, for example columns: {"prompt": "question", "completion": "reply"} '
        'or {"text": "body"}.',
    )


def _is_text(name: str, samples: Sequence[dict[str, Any]]) -> bool:
    values = [sample[name] for sample in samples if sample.get(name) is not None]
    return bool(values) and all(isinstance(value, str) for value in values)


def _is_message_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
