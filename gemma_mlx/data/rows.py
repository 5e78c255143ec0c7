"""What a row is, how bad rows are gathered, and the checks that keep one bad file or line from doing harm."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gemma_mlx.errors import DatasetError, RowProblem

ROW_BYTES = 64 * 2**20
"""A row longer than this is a problem of that row: it must not fill the memory."""

KEPT_PROBLEMS = 1000
"""Bad rows that are kept in detail; beyond them only the count grows."""

HEAD_BYTES = 2**20
"""The start of a file by which it is judged."""

TOO_LONG = f"the line is longer than {ROW_BYTES // 2**20} MB"

BLANK = b" \t\r\n\v\f"


@dataclass(frozen=True)
class Row:
    """One row. `line`: its line in jsonl, csv, tsv and txt, its number in json lists and parquet; from 1."""

    file: str
    line: int
    values: dict[str, Any]


Entry = Row | RowProblem
"""What a reader finds next: a row, or why there is none."""


class Problems:
    """Bad rows: all are counted, the first `keep` with file, line and reason."""

    def __init__(self, keep: int = KEPT_PROBLEMS) -> None:
        self.count = 0
        self.details: list[RowProblem] = []
        self._keep = keep

    def add(self, problem: RowProblem) -> None:
        self.count += 1
        if len(self.details) < self._keep:
            self.details.append(problem)


@dataclass(frozen=True)
class Mark:
    """A place between two rows where reading can begin: bytes (parquet: rows) and lines before it."""

    offset: int = 0
    line: int = 0


class Lines:
    """The lines of a file as bytes with their line ends; `number` is the last one's, from 1.

    A byte order mark is dropped. For a line that is too long stands None; it is passed over in pieces.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file = file
        self.name = name
        self.number = 0

    def begin_at(self, mark: Mark) -> None:
        """Go on at a mark of this file."""
        self.file.seek(mark.offset)
        self.number = mark.line

    def mark(self) -> Mark:
        """The place behind the last line."""
        return Mark(self.file.tell(), self.number)

    def problem(self, reason: str, line: int | None = None) -> RowProblem:
        """A bad row, on the last line if no other is given."""
        return RowProblem(self.name, self.number if line is None else line, reason)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes | None:
        line = self.file.readline(ROW_BYTES + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > ROW_BYTES and not line.endswith(b"\n"):
            while (rest := self.file.readline(2**20)) and not rest.endswith(b"\n"):
                pass
            return None
        return line.removeprefix(b"\xef\xbb\xbf") if self.number == 1 else line


def check_file(path: Path) -> int:
    """The size in bytes of a regular, not empty file. Never opens it: a pipe would block for ever.

    Raises:
        DatasetError: `no-dataset`, `not-a-file`, `empty-dataset` or `unreadable-dataset`.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DatasetError(
            "no-dataset",
            "There is no such file or folder.",
            where=str(path),
            fix="Give the path of a dataset file, or of a folder with train and valid files.",
        ) from None
    except (OSError, ValueError) as problem:
        raise unreadable(path, problem) from None
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device, not a file"
        raise DatasetError(
            "not-a-file", f"This is {what}.", where=str(path), fix="Give a dataset file that lies on a disk."
        )
    if status.st_size == 0:
        raise DatasetError(
            "empty-dataset", "The file is empty.", where=str(path), fix="Give a file with at least one row."
        )
    if not os.access(path, os.R_OK):
        raise unreadable(path, PermissionError("no permission to read it"))
    return status.st_size


def check_text(path: Path, head: bytes) -> None:
    """Refuse what is not UTF-8 text by its first bytes.

    Raises:
        DatasetError: `not-text` for binary files under a text name, `not-utf8` for UTF-16, `empty-dataset`.
    """
    where = str(path)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DatasetError(
            "not-utf8", "The file is text in UTF-16.", where=where, fix="Save it as UTF-8 and open it again."
        )
    if head[:4] == b"PAR1":
        raise DatasetError(
            "not-text",
            "This is a parquet file under another name.",
            where=where,
            fix="Rename it so that it ends in .parquet.",
        )
    if b"\0" in head[:65536]:
        raise DatasetError(
            "not-text",
            "The file holds binary data, not text.",
            where=where,
            fix="Give a text file in UTF-8, or a parquet file named *.parquet.",
        )
    if not head.removeprefix(b"\xef\xbb\xbf").strip(BLANK) and len(head) < HEAD_BYTES:
        raise DatasetError(
            "empty-dataset",
            "The file holds only blanks.",
            where=where,
            fix="Give a file with at least one row.",
        )


def refuse_constant(name: str) -> Any:
    """Python's json would take NaN and infinities.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} is not valid JSON")


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def parse_json(text: str) -> Any:
    """The value of one JSON text. NaN and infinities, which are not JSON, are refused.

    Raises:
        ValueError: with the reason in words.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise ValueError(f"not valid JSON: {problem.msg} at column {problem.colno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def type_name(value: Any) -> str:
    """What a value is, in words for people who do not know Python."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return f"a value of type {type(value).__name__}"


def row_of(file: str, line: int, value: Any) -> Entry:
    """A row, if the JSON value is an object whose names are texts that can be shown."""
    if not isinstance(value, dict):
        return RowProblem(file, line, f"expected an object {{...}}, found {type_name(value)}")
    broken = next((name for name in value if printable(name) != name), None)
    if broken is not None:
        return RowProblem(file, line, f"the name {printable(broken)!r} is not UTF-8")
    return Row(file, line, value)


def printable(text: str) -> str:
    """Text that can be shown and sent even where it holds half characters."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def not_utf8(problem: UnicodeDecodeError) -> str:
    """The reason of a row that is not UTF-8."""
    return f"not UTF-8: byte 0x{problem.object[problem.start]:02x} at column {problem.start + 1}"


def unreadable(path: Path, problem: Exception) -> DatasetError:
    """The error for a file that the system does not let us read."""
    reason = getattr(problem, "strerror", None) or str(problem)
    return DatasetError(
        "unreadable-dataset",
        f"The file cannot be read: {reason}.",
        where=str(path),
        fix="Check the path and your permission to read it.",
    )
