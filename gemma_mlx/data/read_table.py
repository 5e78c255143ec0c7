"""Rows of tables: csv and tsv with a header line, and parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gemma_mlx.data.rows import ROW_BYTES, TOO_LONG, Entry, Lines, Mark, Row, printable
from gemma_mlx.errors import DatasetError, RowProblem

_BATCH_ROWS = 256
_BROKEN = (OSError, ValueError, OverflowError, KeyError, IndexError, MemoryError)  # what pyarrow raises, too


def csv_rows(lines: Lines, tabs: bool, begin: Mark | None = None) -> Iterator[Entry]:
    """Rows of a csv (RFC 4180; separator , ; or tab by its header) or tsv file; all cells are texts.

    A row's line is the one on which it begins: quoted cells may hold line ends. `begin`: a mark behind a row.

    Raises:
        DatasetError: `bad-header` when the first line names no columns or one name twice.
    """
    # The module's own limit is 128 KB a cell; ours is set process-wide because there is no other way.
    csv.field_size_limit(ROW_BYTES)
    too_long: list[RowProblem] = []
    texts = _texts(lines, too_long)
    header_line = next((text for text in texts if text.strip()), "")
    separator = "\t" if tabs else max(",;\t", key=header_line.count)
    header = _header(header_line, separator, lines.name)
    if begin is not None and begin.line:
        lines.begin_at(begin)
    records = csv.reader(texts, delimiter=separator, strict=True)
    while True:
        begun = lines.number + 1
        try:
            cells = next(records, None)
        except csv.Error as problem:
            yield lines.problem(_csv_reason(problem), begun)
            continue
        yield from too_long
        too_long.clear()
        if cells is None:
            return
        if len(cells) == len(header):
            yield Row(lines.name, begun, dict(zip(header, cells, strict=True)))
        elif cells:
            yield lines.problem(f"{len(cells)} cells, but the header names {len(header)} columns", begun)


def _texts(lines: Lines, too_long: list[RowProblem]) -> Iterator[str]:
    """Lines as texts. Bytes that are no UTF-8 become lone surrogates, which the check of each text finds."""
    for line in lines:
        if line is None:
            too_long.append(lines.problem(TOO_LONG))
        else:
            yield line.decode("utf-8", errors="surrogateescape")


def _header(line: str, separator: str, name: str) -> list[str]:
    """The names of the columns; a column without a name (a written index) gets its number."""
    try:
        cells = next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error as problem:
        raise _bad_header(name, f"The header line cannot be read: {_csv_reason(problem)}.") from None
    if printable(line) != line:
        raise _bad_header(name, "The header line is not UTF-8.")
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


def parquet_rows(path: Path, columns: list[str] | None, first: int = 0) -> Iterator[Entry]:
    """Rows of a parquet file, a few hundred in memory at a time; `columns` are the only ones read.

    `first` rows are left out; groups of rows that lie before are not read.

    Raises:
        DatasetError: `damaged-dataset`.
    """
    import pyarrow

    with _opened(path) as table:
        known = table.schema_arrow.names
        wanted = None if columns is None else [column for column in columns if column in known]
        group, number = 0, 0
        while group < table.num_row_groups and number + table.metadata.row_group(group).num_rows <= first:
            number += table.metadata.row_group(group).num_rows
            group += 1
        groups = list(range(group, table.num_row_groups))
        try:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, row_groups=groups, columns=wanted):
                passed = min(max(0, first - number), batch.num_rows)
                number += passed
                for values in _values(batch.slice(passed)):
                    number += 1
                    if isinstance(values, dict):
                        yield Row(str(path), number, values)
                    else:
                        yield RowProblem(str(path), number, values)
        except (pyarrow.ArrowException, *_BROKEN) as problem:
            raise _damaged(path, problem, number) from None


def _values(batch: Any) -> list[dict[str, Any] | str]:
    """A batch's rows; for a row that has no value in Python (text that is not UTF-8), the reason."""
    try:
        return list(batch.to_pylist())
    except _BROKEN:
        rows: list[dict[str, Any] | str] = []
        for index in range(batch.num_rows):
            try:
                rows.extend(batch.slice(index, 1).to_pylist())
            except _BROKEN as problem:
                rows.append(f"a value cannot be read: {problem}")
        return rows


def _opened(path: Path) -> Any:
    # Imported here: pyarrow takes its time, and only parquet needs it.
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, *_BROKEN) as problem:
        raise _damaged(path, problem, 0) from None


def _damaged(path: Path, problem: Exception, row: int) -> DatasetError:
    return DatasetError(
        "damaged-dataset",
        f"The parquet file cannot be read{f' after row {row}' if row else ''}: {problem}",
        where=str(path),
        fix="Fetch or write the file again.",
    )
