"""Opening a dataset, looking through all of it, and showing rows while that goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict

from gemma_mlx.data.overview import OpenDataset
from gemma_mlx.data.preview import RowPreview
from gemma_mlx.errors import GemmaError, TokenizerError
from gemma_mlx.events import Warning
from gemma_mlx.library.store import find_model
from gemma_mlx.models.config import read_config
from gemma_mlx.text.tokenizer import Tokenizer, load_tokenizer
from gemma_mlx.worker import protocol
from gemma_mlx.worker.context import Answer, Context, part, result
from gemma_mlx.worker.machine import step_back
from gemma_mlx.worker.results import DatasetOverview, Piece, RowsPreview
from gemma_mlx.worker.results import RowPreview as ShownRow

OVERVIEW_SECONDS = 0.5
SHOWN_CHARACTERS = 12_000
"""Of one row. A page of 200 rows then stays below the longest line."""


def inspect(context: Context, command: protocol.InspectDataset) -> Iterator[Answer]:
    """The first overview at once, then again while counting; rows that are asked for come in between."""
    context.memory.pop("dataset", None)
    step_back()
    tokenizer = None
    try:
        tokenizer = _tokenizer(command.model)
    except TokenizerError as problem:
        yield Warning(problem.code, f"{problem.what} Lengths are estimated.", problem.fix)
    dataset = OpenDataset(command.settings, tokenizer)
    context.memory["dataset"] = dataset
    yield part(command, "overview", _overview(dataset))
    told = time.monotonic()
    for progress in dataset.scan(context.cancelled):
        for waiting in context.take(protocol.PreviewRows):
            yield _rows(dataset, waiting)
        yield progress
        if time.monotonic() - told > OVERVIEW_SECONDS:
            yield part(command, "overview", _overview(dataset))
            told = time.monotonic()
    yield result(command, _overview(dataset))


def preview(context: Context, command: protocol.PreviewRows) -> Iterator[Answer]:
    """Rows of the dataset that is open."""
    dataset: OpenDataset | None = context.memory.get("dataset")
    if dataset is None:
        raise GemmaError("no-dataset", "No dataset is open.", fix="Open a dataset first.")
    yield _rows(dataset, command)


def _tokenizer(model: str) -> Tokenizer | None:
    if not model:
        return None
    folder = find_model(model)
    return load_tokenizer(folder, read_config(folder))


def _overview(dataset: OpenDataset) -> DatasetOverview:
    return DatasetOverview.model_validate(dataset.overview().as_dict())


def _rows(dataset: OpenDataset, command: protocol.PreviewRows) -> protocol.ResultMessage:
    rows = tuple(_shown(row) for row in dataset.preview(command.start, command.count))
    return result(command, RowsPreview(start=command.start, rows=rows))


def _shown(row: RowPreview) -> ShownRow:
    """A row with its pieces joined, and cut to what a window can show."""
    pieces: list[Piece] = []
    left = SHOWN_CHARACTERS
    for run in row.runs():
        if left <= 0:
            pieces.append(Piece(text="…", control=True))
            break
        pieces.append(Piece(text=run.text[:left], loss=run.loss, cut=run.cut, control=run.control))
        left -= len(run.text)
    values = {**asdict(row), "pieces": tuple(pieces)}
    return ShownRow.model_validate(values)
