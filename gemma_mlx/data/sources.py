"""The files of a dataset, opened: checked before any is read, and their columns understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from gemma_mlx.data.columns import REQUIRED, Mapping, detect_mapping
from gemma_mlx.data.folder import DatasetFiles
from gemma_mlx.data.read import RowFile
from gemma_mlx.data.rows import Problems
from gemma_mlx.errors import Cancelled, DatasetError, RowProblem
from gemma_mlx.events import Progress
from gemma_mlx.settings import DataSettings

SAMPLED_ROWS = 200
"""Rows at the start of a file by which its columns are judged."""

_PROGRESS_SECONDS = 0.1


class Watch:
    """Tells of progress a few times a second, and stops the work when it is cancelled."""

    def __init__(
        self, progress: Callable[[Progress], None] | None, cancelled: Callable[[], bool] | None
    ) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self._last = -1.0

    def step(self, stage: str, done: int, total: int, unit: str) -> None:
        """Called often.

        Raises:
            Cancelled: the user asked to stop.
        """
        if self._cancelled is not None and self._cancelled():
            raise Cancelled(kept="The dataset's files are unchanged.")
        if self._progress is not None and (done >= total or monotonic() - self._last > _PROGRESS_SECONDS):
            self._last = monotonic()
            self._progress(Progress(stage, done, total, unit))


Sources = Sequence[tuple[str, RowFile]]
"""Files with their split, train or valid."""


def open_files(files: DatasetFiles) -> list[tuple[str, RowFile]]:
    """The files to read, each checked before any is read.

    Raises:
        DatasetError: one of them cannot be read.
    """
    return [("train", RowFile(path)) for path in files.train] + [
        ("valid", RowFile(path)) for path in files.valid
    ]


def detect_files(settings: DataSettings, sources: Sources, watch: Watch) -> Mapping:
    """What the columns mean, by the first rows of the train files; the other files must have them too.

    Raises:
        DatasetError: the columns are not understood, or a file has no row that can be read.
    """
    samples = [(source, _first_rows(source, watch)) for _, source in sources]
    mapping = detect_mapping(settings, samples[0][1], samples[0][0].name)
    for source, rows in samples[1:]:
        names = {name for row in rows for name in row}
        missing = [
            mapping.columns[name] for name in REQUIRED[mapping.format] if mapping.columns[name] not in names
        ]
        if missing:
            raise DatasetError(
                "missing-column",
                f"The file has no column {', '.join(map(repr, missing))}, unlike {samples[0][0].path.name}.",
                where=source.name,
                fix="Give all files of a dataset the same columns.",
            )
    return mapping


def _first_rows(source: RowFile, watch: Watch) -> list[dict[str, Any]]:
    """The rows among the first entries; bad ones are passed over until there is a good one."""
    problems = Problems()
    rows: list[dict[str, Any]] = []
    for seen, entry in enumerate(source.entries(), 1):
        watch.step(f"Looking at {source.path.name}", source.done, source.total, source.unit)
        if isinstance(entry, RowProblem):
            problems.add(entry)
        else:
            rows.append(entry.values)
        if rows and seen >= SAMPLED_ROWS:
            break
    if not rows and problems.count:
        raise bad_rows_error(problems)
    if not rows:
        raise DatasetError(
            "empty-dataset",
            "The file has no rows.",
            where=source.name,
            fix="Give a file with at least one row.",
        )
    return rows


def bad_rows_error(problems: Problems) -> DatasetError:
    """The one error for all bad rows of a dataset."""
    first = problems.details[0]
    count = problems.count
    what = f"{count} row{'s' if count > 1 else ''} cannot be used. Line {first.line}: {first.reason}."
    if count > 1:
        others = "; ".join(f"line {problem.line}: {problem.reason}" for problem in problems.details[1:4])
        what += f" Then {others}{'; ...' if count > 4 else ''}."
    return DatasetError(
        "bad-rows",
        what,
        where=f"{first.file}, line {first.line}",
        fix="Correct or remove these rows, or set bad_rows to leave_out.",
        kept="The file is unchanged and nothing was started.",
        problems=problems.details,
    )
