"""Rows of a JSON file that holds one list of objects, or an object with such a list, read as a stream."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from gemma_mlx.data.rows import ROW_BYTES, Entry, printable, refuse_constant, row_of
from gemma_mlx.errors import DatasetError, RowProblem

LIST_KEYS = ("data", "rows", "train", "examples", "instances")
"""Keys under which a JSON object may hold its list of rows."""

_CHUNK_BYTES = 2**20
_BLANK = " \t\r\n\ufeff"  # with the byte order mark that some programs put in front


def json_rows(file: BinaryIO, name: str) -> Iterator[Entry]:
    """Rows of a list of objects, or of {"data": [...]}; a broken place ends the reading and is a problem.

    Raises:
        DatasetError: `no-rows` when the file holds no list of rows.
    """
    text = _Stream(file)
    try:
        first = text.peek()
        if first == "{":
            _enter_list_of_object(text, name)
        elif first == "[":
            text.take("[")
        else:
            raise _no_rows(name, f"It begins with {first!r}.")
        yield from _elements(text, name)
        if first == "[" and text.peek():
            raise text.broken("more text follows after the end of the list")
    except _BrokenJson as problem:
        yield RowProblem(name, problem.line, f"not valid JSON: {problem.reason}; nothing after it was read")


def _elements(text: _Stream, name: str) -> Iterator[Entry]:
    """The objects up to the closing bracket; `text` stands behind the opening one."""
    number = 0
    while number or text.peek() != "]":
        number += 1
        value = text.value()
        yield row_of(name, number, value)
        if text.peek() == "]":
            break
        text.take(",")
    text.take("]")


def _enter_list_of_object(text: _Stream, name: str) -> None:
    """Read on to behind the opening bracket of the list of rows in an object."""
    text.take("{")
    keys: list[str] = []
    while text.peek() != "}":
        key = text.value()
        if not isinstance(key, str):
            raise text.broken("a name in quotes was expected")
        text.take(":")
        if key in LIST_KEYS and text.peek() == "[":
            text.take("[")
            return
        keys.append(key)
        text.value()
        if text.peek() != "}":
            text.take(",")
    raise _no_rows(name, f"It is one object with: {printable(', '.join(keys[:20])) or 'nothing in it'}.")


def _no_rows(name: str, detail: str) -> DatasetError:
    return DatasetError(
        "no-rows",
        f"The JSON file holds no list of rows. {detail}",
        where=name,
        fix='Write a list of objects, {"data": [...]}, or one object a line.',
    )


class _BrokenJson(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class _Stream:
    """JSON text that is read in chunks and given value by value."""

    def __init__(self, file: BinaryIO) -> None:
        # Bytes that are no UTF-8 become lone surrogates, which the check of each text finds and names.
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape").decode
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._lines_before = 0
        self._scan = json.JSONDecoder(parse_constant=refuse_constant).raw_decode

    def peek(self) -> str:
        """The next character that is not blank, "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, mark: str) -> None:
        """Step over `mark`, which must come next."""
        found = self.peek()
        if found != mark:
            raise self.broken(f"expected {mark!r}, found {found!r}" if found else "the file ends too early")
        self._at += 1

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except json.JSONDecodeError as problem:
                # Near the end of what is read, or inside of a text, the cause may be that more is to come.
                cut = problem.pos > len(self._text) - 32 or problem.msg.startswith("Unterminated")
                if cut and len(self._text) - self._at > ROW_BYTES:
                    raise self.broken(f"a row is longer than {ROW_BYTES // 2**20} MB") from None
                if not cut or not self._more(double=True):
                    raise self.broken(problem.msg, problem.pos) from None
                continue
            except RecursionError:
                raise self.broken("nested too deeply") from None
            except ValueError as problem:
                raise self.broken(str(problem)) from None
            if end == len(self._text) and self._more():
                continue  # a number might go on
            self._at = end
            return value

    def broken(self, reason: str, at: int | None = None) -> _BrokenJson:
        """The error for a place of the text; `at` is an index into what is read, here if not given."""
        position = self._at if at is None else at
        line = self._lines_before + self._text.count("\n", 0, position) + 1
        column = position - (self._text.rfind("\n", 0, position) + 1) + 1
        return _BrokenJson(line, f"{reason} (line {line}, column {column})")

    def _more(self, double: bool = False) -> bool:
        """Read on and drop what was used. Doubling keeps a long value from being scanned again and again."""
        if self._ended:
            return False
        chunk = self._file.read(max(_CHUNK_BYTES, len(self._text) - self._at if double else 0))
        self._ended = not chunk
        self._lines_before += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + self._decode(chunk, final=not chunk)
        self._at = 0
        return True
