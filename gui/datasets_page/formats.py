"""What a dataset's formats are called, and which columns of the file each of them can use."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

FIELDS: dict[str, tuple[str, ...]] = {
    "completion": ("prompt", "completion", "system"),
    "messages": ("messages", "system"),
    "alpaca": ("instruction", "input", "output", "system"),
    "sharegpt": ("conversations", "system"),
    "preference": ("prompt", "chosen", "rejected", "system"),
    "text": ("text",),
}
"""Our names of columns, by format, in the order of the form. (The engine's table is data/columns.py.)"""

OPTIONAL = frozenset({"system", "input"})
"""May be left out. A preference's prompt too."""

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt", ".md")
"""Files that can be opened; behind each may stand .gz."""


def is_optional(format_name: str, field: str) -> bool:
    return field in OPTIONAL or (format_name == "preference" and field == "prompt")


def format_text(name: str) -> str:
    """A format's name for people."""
    names = {
        "auto": QCoreApplication.translate("Formats", "Automatic"),
        "completion": QCoreApplication.translate("Formats", "Prompt and answer"),
        "messages": QCoreApplication.translate("Formats", "Chat messages"),
        "alpaca": QCoreApplication.translate("Formats", "Instruction (Alpaca)"),
        "sharegpt": QCoreApplication.translate("Formats", "Conversations (ShareGPT)"),
        "preference": QCoreApplication.translate("Formats", "Preferences"),
        "text": QCoreApplication.translate("Formats", "Plain text"),
    }
    return names.get(name, name)


def statement_text(name: str) -> str:
    """What rows of a format are taken for, in a sentence."""
    sentences = {
        "completion": QCoreApplication.translate("Formats", "Each row is a prompt and its answer."),
        "messages": QCoreApplication.translate("Formats", "Each row is a chat, message by message."),
        "alpaca": QCoreApplication.translate(
            "Formats", "Each row is an instruction, its input and the answer."
        ),
        "sharegpt": QCoreApplication.translate("Formats", "Each row is a chat, message by message."),
        "preference": QCoreApplication.translate(
            "Formats", "Each row is a prompt with a preferred and a rejected answer."
        ),
        "text": QCoreApplication.translate("Formats", "Each row is a text to continue."),
    }
    return sentences.get(name, "")


def field_text(name: str) -> str:
    """What one of our columns is called."""
    names = {
        "prompt": QCoreApplication.translate("Formats", "Prompt"),
        "completion": QCoreApplication.translate("Formats", "Answer"),
        "system": QCoreApplication.translate("Formats", "System text"),
        "messages": QCoreApplication.translate("Formats", "Messages"),
        "instruction": QCoreApplication.translate("Formats", "Instruction"),
        "input": QCoreApplication.translate("Formats", "Input"),
        "output": QCoreApplication.translate("Formats", "Answer"),
        "conversations": QCoreApplication.translate("Formats", "Conversations"),
        "chosen": QCoreApplication.translate("Formats", "Preferred answer"),
        "rejected": QCoreApplication.translate("Formats", "Rejected answer"),
        "text": QCoreApplication.translate("Formats", "Text"),
    }
    return names.get(name, name)
