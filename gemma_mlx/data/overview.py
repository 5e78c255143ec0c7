"""A dataset that is open to look at: its first rows at once, then all rows counted, measured and checked."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

from gemma_mlx.data.columns import Mapping
from gemma_mlx.data.content import BadRow, Content, LeftOutRow, content_key, row_contents
from gemma_mlx.data.folder import find_files
from gemma_mlx.data.formats import as_pair, content_example
from gemma_mlx.data.preview import RowPreview, estimated_content_tokens, row_previews
from gemma_mlx.data.read import RowFile
from gemma_mlx.data.report import LengthStatistics, length_statistics
from gemma_mlx.data.rows import Entry, Mark, Problems, Row
from gemma_mlx.data.sources import Watch, detect_files, open_files
from gemma_mlx.errors import DatasetError, RowProblem
from gemma_mlx.events import Done, Event, Progress
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer

MEASURED_ROWS = 10_000
"""Rows that are tokenized to measure lengths; of more, every second, fourth, ... is."""

_MARK_EVERY = 500


@dataclass(frozen=True)
class Overview:
    """All that is known of a dataset so far; `complete` once every row was looked at.

    `rows` counts all rows, bad ones included; `usable` those that can be learned from. Token figures are of
    the `measured` examples; `estimated` says that they come without a tokenizer. `train` and `valid` count
    rows as they will be split, as near as it is known. `trouble` is why the columns are not understood.
    """

    path: str
    size_bytes: int
    format: str
    statement: str
    columns: tuple[str, ...]
    mapping: dict[str, str]
    rows: int
    usable: int
    train: int
    valid: int
    measured: int
    tokens: int
    loss_tokens: int
    truncated: int
    left_out: int
    duplicates: int
    lengths: LengthStatistics
    problems: tuple[RowProblem, ...]
    problem_count: int
    complete: bool
    estimated: bool
    trouble: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class OpenDataset:
    """A dataset under the settings with which it would be trained on. Only counts of it stay in memory.

    Raises:
        DatasetError: a file cannot be read at all. Columns that are not understood are `trouble`, no error:
            the rows can still be looked at, to map the columns.
    """

    def __init__(self, settings: DataSettings, tokenizer: Tokenizer | None = None) -> None:
        self.settings = settings
        self.tokenizer = tokenizer
        self.sources = open_files(find_files(settings.dataset))
        self.mapping: Mapping | None = None
        self.trouble: DatasetError | None = None
        self.columns: tuple[str, ...] = ()
        try:
            self.mapping = detect_files(settings, self.sources, Watch(None, None))
            self.columns = (*self.mapping.columns.values(), *self.mapping.ignored)
        except DatasetError as problem:
            self.trouble = problem
        self._start_over()

    def _start_over(self) -> None:
        self._problems = Problems()
        self._rows = [0 for _ in self.sources]
        self._usable = [0 for _ in self.sources]
        self._keys = array("Q")
        self._measured: list[tuple[int, int, bool]] = []  # tokens, those with loss, whether it was cut
        self._counted = (0, 0)  # of how many keys duplicates were counted last, and how many there were
        self._every = 1
        self._complete = False
        # Row numbers at which reading can begin, by file, in rising order.
        self._marks: list[list[tuple[int, Mark]]] = [[] for _ in self.sources]

    def scan(self, cancelled: Callable[[], bool] | None = None) -> Iterator[Progress]:
        """Look at all rows; between two events `overview()` tells what is known so far.

        Raises:
            Cancelled: `cancelled` returned True.
            DatasetError: a file ends in the middle or is damaged.
        """
        self._start_over()
        reports: list[Progress] = []
        watch = Watch(reports.append, cancelled)
        for index, (_, source) in enumerate(self.sources):
            stage = f"Looking through {source.path.name}"
            for entry in islice(source.entries(), self.settings.limit):
                self._look_at(index, entry, source)
                watch.step(stage, source.done, source.total, source.unit)
                yield from reports
                reports.clear()
        self._complete = True
        watch.step("Looked through", sum(self._rows), sum(self._rows), "rows")
        yield from reports

    def overview(self) -> Overview:
        """What is known so far."""
        mapping = self.mapping
        lengths = length_statistics(np.array([tokens for tokens, _, _ in self._measured if tokens]))
        usable = sum(self._usable)
        train, valid = self._split_counts(usable)
        return Overview(
            path=self.settings.dataset,
            size_bytes=sum(source.path.stat().st_size for _, source in self.sources),
            format=mapping.format if mapping else "",
            statement=mapping.statement if mapping else "",
            columns=self.columns,
            mapping=dict(mapping.columns) if mapping else {},
            rows=sum(self._rows),
            usable=usable,
            train=train,
            valid=valid,
            measured=len(self._measured),
            tokens=lengths.total,
            loss_tokens=sum(loss for _, loss, _ in self._measured),
            truncated=sum(cut for _, _, cut in self._measured),
            left_out=sum(not tokens for tokens, _, _ in self._measured),
            duplicates=self._duplicates(),
            lengths=lengths,
            problems=tuple(self._problems.details),
            problem_count=self._problems.count,
            complete=self._complete,
            estimated=self.tokenizer is None,
            trouble=str(self.trouble) if self.trouble else "",
        )

    def preview(self, start: int, count: int) -> list[RowPreview]:
        """Rows from number `start` on through all files, bad rows included; one may give several previews."""
        previews: list[RowPreview] = []
        first = 0
        with_valid = any(split == "valid" for split, _ in self.sources)
        for index, (split, source) in enumerate(self.sources):
            shown_split = split if with_valid else ""
            passed, mark = self._nearest_mark(index, start - first)
            number = first + passed
            # A reader of its own: a scan may be in the middle of this file.
            for entry in RowFile(source.path).entries(begin=mark):
                if number >= start + count:
                    return previews
                if number >= start:
                    previews += self._previews(entry, number, shown_split)
                number += 1
            first = number
        return previews

    def _nearest_mark(self, index: int, row: int) -> tuple[int, Mark | None]:
        """The last place at or before a row of a file where reading can begin, as (rows before it, mark)."""
        marks = self._marks[index]
        place = bisect_right(marks, row, key=lambda pair: pair[0]) - 1
        return marks[place] if place >= 0 else (0, None)

    def _previews(self, entry: Entry, number: int, split: str) -> Iterator[RowPreview]:
        if isinstance(entry, RowProblem):
            return iter((RowPreview(number, entry.file, entry.line, split, problem=entry.reason),))
        return row_previews(entry, number, split, self.mapping, self.settings, self.tokenizer)

    def _look_at(self, index: int, entry: Entry, source: RowFile) -> None:
        """Count one row, check what it says, and measure it when its turn comes."""
        self._rows[index] += 1
        if self._rows[index] % _MARK_EVERY == 0 and (mark := source.mark()) is not None:
            self._marks[index].append((self._rows[index], mark))
        if isinstance(entry, RowProblem):
            self._problems.add(entry)
            return
        if self.mapping is None:
            self.columns = tuple(dict.fromkeys([*self.columns, *entry.values]))
            return
        try:
            contents = row_contents(
                entry, self.mapping, answers_needed=self.settings.loss_on == "completions"
            )
            its_turn = sum(self._rows) % self._every == 0
            measured = [self._measure(content, entry) for content in contents] if its_turn else []
        except BadRow as problem:
            self._problems.add(RowProblem(entry.file, entry.line, str(problem)))
            return
        except LeftOutRow:
            self._measured.append((0, 0, False))
            return
        self._usable[index] += 1
        self._keys.append(content_key(entry, self.mapping))
        self._measured += measured
        if len(self._measured) >= 2 * MEASURED_ROWS:
            self._measured = self._measured[::2]
            self._every *= 2

    def _measure(self, content: Content, row: Row) -> tuple[int, int, bool]:
        """Tokens, those with loss, and whether it is cut; no tokens where nothing to learn is left.

        Raises:
            BadRow: the model's chat template has no place for one of its roles.
        """
        longest = self.settings.max_length
        if self.tokenizer is None:
            tokens, loss = estimated_content_tokens(content, self.settings)
            return min(tokens, longest), min(loss, longest), tokens > longest
        try:
            example = content_example(content, row, self.settings, self.tokenizer)
        except LeftOutRow:
            return 0, 0, False
        return sum(len(side.ids) for side in as_pair(example)), example.targets, example.cut > 0

    def _duplicates(self) -> int:
        """Rows that are copies of others; while rows come in, counted anew when there are a fifth more."""
        if self._complete or len(self._keys) >= 1.2 * self._counted[0]:
            unique = len(np.unique(np.array(self._keys, dtype=np.uint64)))
            self._counted = len(self._keys), len(self._keys) - unique
        return self._counted[1]

    def _split_counts(self, usable: int) -> tuple[int, int]:
        """Rows to train on and to validate with, as the settings split them."""
        in_files = sum(
            count for count, (split, _) in zip(self._usable, self.sources, strict=True) if split == "valid"
        )
        if any(split == "valid" for split, _ in self.sources):
            return usable - in_files, in_files
        share = self.settings.validation_split
        held_out = max(1, round(share * usable)) if share and usable > 1 else 0
        return usable - held_out, held_out


def preview(settings: DataSettings, tokenizer: Tokenizer | None, rows: range) -> list[RowPreview]:
    """Rows of a dataset as the model will see them. `rows`: their numbers from 0.

    Raises:
        DatasetError: the file cannot be read.
    """
    return OpenDataset(settings, tokenizer).preview(rows.start, len(rows))


def inspect_dataset(
    settings: DataSettings,
    tokenizer: Tokenizer | None = None,
    *,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Event]:
    """Look through a whole dataset; ends with Done whose result is `Overview.as_dict()`.

    Raises:
        DatasetError: the file cannot be read, or its columns are not understood.
        Cancelled: `cancelled` returned True.
    """
    dataset = OpenDataset(settings, tokenizer)
    if dataset.trouble is not None:
        raise dataset.trouble
    yield from dataset.scan(cancelled)
    yield Done(dataset.overview().as_dict())
