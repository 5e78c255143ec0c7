"""Rows of tables: csv and tsv with a header line, and parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gemma_mlx.data.rows import ROW_BYTES, Problems, Row, lines
from gemma_mlx.errors import DatasetError

_BATCH_ROWS = 256


def csv_rows(file: BinaryIO, name: str, problems: Problems, tabs: bool) -> Iterator[Row]:
    """Rows of a csv (RFC 4180; separator , ; or tab by its header) or tsv file; all cells are texts.

    A row's line is the one on which it begins: quoted cells may hold line ends.

    Raises:
        DatasetError: `bad-header` when the first line names no columns or one name twice.
    """
    # The module's own limit is 128 KB a cell; ours is set process-wide because there is no other way.
    csv.field_size_limit(ROW_BYTES)
    numbered = _NumberedLines(file, name, problems)
    header_line = next(numbered, "")
    separator = "\t" if tabs else max(",;\t", key=header_line.count)
    header = _header(header_line, separator, name)
    records = csv.reader(numbered, delimiter=separator, strict=True)
    while True:
        begun = numbered.number + 1
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as problem:
            problems.add(name, begun, _csv_reason(problem))
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            problems.add(name, begun, f"{len(cells)} cells, but the header names {len(header)} columns")
            continue
        yield Row(name, begun, dict(zip(header, cells, strict=True)))


class _NumberedLines:
    """The lines of a csv file as texts; `number` is the last one's. Bytes that are no UTF-8 become lone
    surrogates, which the check of each text finds and names."""

    def __init__(self, file: BinaryIO, name: str, problems: Problems) -> None:
        self._lines = lines(file, name, problems)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        return line.decode("utf-8", errors="surrogateescape")


def _header(line: str, separator: str, name: str) -> list[str]:
    """The names of the columns; a column without a name (a written index) gets its number."""
    try:
        cells = next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error as problem:
        raise _bad_header(name, f"The header line cannot be read: {_csv_reason(problem)}.") from None
    header = [cell.strip() or f"column {index}" for index, cell in enumerate(cells, 1)]
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise _bad_header(name, f"The header names these columns more than once: {', '.join(twice[:20])}.")
    return header


def _bad_header(name: str, what: str) -> DatasetError:
    return DatasetError(
        "bad-header", what, where=f"{name}, line 1", fix="Write one line with a name for each column."
    )


def _csv_reason(problem: csv.Error) -> str:
    text = str(problem)
    if "unexpected end of data" in text:
        return "a quoted cell begins here and never ends; what follows it was not read"
    if "field larger than" in text:
        return f"a cell is longer than {ROW_BYTES // 2**20} MB, or its closing quote is missing"
    if "expected after" in text:
        return "text follows a closing quote; a quote within a quoted cell is written twice"
    if "new-line character" in text:
        return "a line ends with a carriage return alone"
    return text


def parquet_row_count(path: Path) -> int:
    """Rows of a parquet file, from its footer.

    Raises:
        DatasetError: `damaged-dataset`.
    """
    with _opened(path) as table:
        return int(table.metadata.num_rows)


def parquet_rows(path: Path, problems: Problems, columns: list[str] | None) -> Iterator[Row]:
    """Rows of a parquet file, a few hundred in memory at a time; `columns` are the only ones read.

    Raises:
        DatasetError: `damaged-dataset`.
    """
    import pyarrow

    number = 0
    with _opened(path) as table:
        known = set(table.schema_arrow.names)
        wanted = None if columns is None else [column for column in columns if column in known]
        try:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                for values in _values(batch):
                    number += 1
                    if isinstance(values, dict):
                        yield Row(str(path), number, values)
                    else:
                        problems.add(str(path), number, values)
        except (pyarrow.ArrowException, OSError) as problem:
            raise _damaged(path, problem, number) from None


def _values(batch: Any) -> list[dict[str, Any] | str]:
    """A batch's rows; for a row that has no value in Python (text that is not UTF-8), the reason."""
    try:
        return list(batch.to_pylist())
    except (UnicodeDecodeError, ValueError, OverflowError):
        rows: list[dict[str, Any] | str] = []
        for index in range(batch.num_rows):
            try:
                rows.extend(batch.slice(index, 1).to_pylist())
            except (UnicodeDecodeError, ValueError, OverflowError) as problem:
                rows.append(f"a value cannot be read: {problem}")
        return rows


def _opened(path: Path) -> Any:
    # Imported here: pyarrow takes its time, and only parquet needs it.
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as problem:
        raise _damaged(path, problem, 0) from None


def _damaged(path: Path, problem: Exception, row: int) -> DatasetError:
    return DatasetError(
        "damaged-dataset",
        f"The parquet file cannot be read{f' after row {row}' if row else ''}: {problem}",
        where=str(path),
        fix="Fetch or write the file again.",
    )
