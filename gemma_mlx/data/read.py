"""Rows of a dataset file, one after another with their line numbers, whatever its format and size.

Nothing here reads a whole file into memory. A row that cannot be read is noted in `Problems` and skipped, so
that one pass finds all bad rows; only a file that cannot be read at all raises.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from gemma_mlx.data.read_json import json_rows
from gemma_mlx.data.read_table import csv_rows, parquet_row_count, parquet_rows
from gemma_mlx.data.rows import (
    BLANK,
    HEAD_BYTES,
    ROW_BYTES,
    TOO_LONG,
    Entry,
    Lines,
    Mark,
    Problems,
    Row,
    check_file,
    check_text,
    not_utf8,
    parse_json,
    row_of,
    unreadable,
)
from gemma_mlx.errors import DatasetError

_KINDS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "txt",
    ".text": "txt",
    ".md": "txt",
}
READABLE_SUFFIXES = tuple(_KINDS)
"""Endings of names that `file_kind` knows; all but parquet may have .gz behind them."""


class RowFile:
    """One dataset file whose rows can be iterated, from the start each time.

    `kind` is jsonl, json, csv, tsv, parquet or txt. `done` of `total` `unit`s ("bytes" or "rows") are read,
    for progress bars. `problems` gathers the rows that cannot be read. `mark()`, between two rows, is where a
    later reading can begin.

    Raises:
        DatasetError: the file is missing, empty, no regular file, no text or parquet, or of unknown kind.
    """

    def __init__(self, path: Path, problems: Problems | None = None) -> None:
        self.path = path
        self.name = str(path)
        self.problems = Problems() if problems is None else problems
        self.done = 0
        self.total = check_file(path)
        self.kind = file_kind(path)
        self.unit = "rows" if self.kind == "parquet" else "bytes"
        self._lines: Lines | None = None
        if self.kind == "parquet":
            self.total = parquet_row_count(path)
        else:
            head = self._head()
            check_text(path, head)
            self.kind = _kind_by_content(self.kind, head)

    def rows(self, columns: list[str] | None = None) -> Iterator[Row]:
        """The rows that can be read; the others go to `problems`. Raises as `entries` does."""
        for entry in self.entries(columns):
            if isinstance(entry, Row):
                yield entry
            else:
                self.problems.add(entry)

    def entries(self, columns: list[str] | None = None, begin: Mark | None = None) -> Iterator[Entry]:
        """Rows and bad rows as they come, from `begin` if given. `columns`: parquet reads no others.

        Raises:
            DatasetError: the file ends in the middle of its compression or structure, or cannot be read on.
        """
        self.done = 0
        if self.kind == "parquet":
            for entry in parquet_rows(self.path, columns, begin.offset if begin else 0):
                self.done = entry.line
                yield entry
            return
        try:
            with self.path.open("rb") as raw, _unpacked(raw) as file:
                for entry in self._text_rows(file, begin):
                    self.done = raw.tell()
                    yield entry
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise _damaged(self.path, problem) from None
        except OSError as problem:
            raise unreadable(self.path, problem) from None
        finally:
            self._lines = None
        self.done = self.total

    def mark(self) -> Mark | None:
        """The place behind the row that was read last; None where reading cannot begin in the middle."""
        if self.kind == "parquet":
            return Mark(self.done)
        return None if self._lines is None else self._lines.mark()

    def _text_rows(self, file: BinaryIO, begin: Mark | None) -> Iterator[Entry]:
        if self.kind == "json":
            return json_rows(file, self.name)
        self._lines = Lines(file, self.name)
        if self.kind in ("csv", "tsv"):
            return csv_rows(self._lines, self.kind == "tsv", begin)
        if begin is not None:
            self._lines.begin_at(begin)
        if self.kind == "txt":
            return _txt_rows(self._lines, _has_paragraphs(self._head()))
        return _jsonl_rows(self._lines)

    def _head(self) -> bytes:
        try:
            with self.path.open("rb") as raw, _unpacked(raw) as file:
                return file.read(HEAD_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise _damaged(self.path, problem) from None
        except OSError as problem:
            raise unreadable(self.path, problem) from None


def read_rows(
    path: Path, problems: Problems | None = None, columns: list[str] | None = None
) -> Iterator[Row]:
    """The rows of one file, lazily; rows that cannot be read go to `problems`.

    Raises:
        DatasetError: the file itself cannot be read (see `RowFile`).
    """
    yield from RowFile(path, problems).rows(columns)


def file_kind(path: Path) -> str:
    """The kind of file by its name's end; a `.gz` behind it is looked through.

    Raises:
        DatasetError: `unknown-dataset-kind`.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = _KINDS.get(suffixes[-1]) if suffixes else None
    if kind is None:
        what = f"Files named *{suffixes[-1]} cannot be read as datasets." if suffixes else ""
        raise DatasetError(
            "unknown-dataset-kind",
            what or "The file's name has no ending that says what it holds.",
            where=str(path),
            fix=f"Give a file that ends in one of {', '.join(READABLE_SUFFIXES)}.",
        )
    return kind


def _jsonl_rows(lines: Lines) -> Iterator[Entry]:
    for line in lines:
        if line is None:
            yield lines.problem(TOO_LONG)
        elif line.strip(BLANK):
            yield _jsonl_row(line, lines)


def _jsonl_row(line: bytes, lines: Lines) -> Entry:
    try:
        values = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError as problem:
        return lines.problem(not_utf8(problem))
    except ValueError as problem:
        return lines.problem(str(problem))
    return row_of(lines.name, lines.number, values)


def _has_paragraphs(head: bytes) -> bool:
    """Whether a blank line lies between text in the file's first megabyte."""
    return any(not line.strip(BLANK) for line in head.strip(BLANK).split(b"\n"))


def _txt_rows(lines: Lines, paragraphs: bool) -> Iterator[Entry]:
    """Rows of plain text: where the file has blank lines these separate the rows, else each line is a row."""
    begun, size, gathered = 0, 0, list[str]()
    for line in lines:
        if line is None:
            yield lines.problem(TOO_LONG)
            continue
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as problem:
            yield lines.problem(not_utf8(problem))
            continue
        if text.strip():
            begun = begun if gathered else lines.number
            gathered.append(text)
            size += len(line)
            if size > ROW_BYTES:
                yield lines.problem(f"the paragraph is longer than {ROW_BYTES // 2**20} MB", begun)
                size, gathered = 0, []
        if gathered and not (paragraphs and text.strip()):
            yield Row(lines.name, begun, {"text": "\n".join(gathered)})
            size, gathered = 0, []
    if gathered:
        yield Row(lines.name, begun, {"text": "\n".join(gathered)})


def _kind_by_content(kind: str, head: bytes) -> str:
    """`.json` files often hold one object a line, and `.jsonl` files one list: what lies in them counts."""
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip(BLANK)
    if kind == "jsonl" and body.startswith(b"["):
        return "json"
    if kind == "json" and body.startswith(b"{"):
        first, _, rest = body.partition(b"\n")
        if rest.strip(BLANK):
            try:
                return "jsonl" if isinstance(json.loads(first), dict) else kind
            except (ValueError, RecursionError):
                return kind
    return kind


def _unpacked(raw: BinaryIO) -> BinaryIO:
    """The file itself, or what a gzip file holds. The name does not matter, the first bytes do."""
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="rb")) if packed else raw


def _damaged(path: Path, problem: Exception) -> DatasetError:
    return DatasetError(
        "damaged-dataset",
        f"The compressed file is damaged or cut short: {problem}.",
        where=str(path),
        fix="Fetch or pack the file again.",
    )
