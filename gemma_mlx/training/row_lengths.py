"""How long a dataset's rows are: what a forecast of memory and time needs to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import RunSettings
from gemma_mlx.training.decision import measured_layout
from gemma_mlx.training.order import DataOrder
from gemma_mlx.training.planner import Rows
from gemma_mlx.training.strategy import choose, this_backend

if TYPE_CHECKING:
    from gemma_mlx.text.tokenizer import Tokenizer

MEASURED_ROWS = 400
"""Rows whose lengths stand for a large dataset's."""
_SMALL_BYTES = 4 * 2**20
"""Datasets up to this size are read whole, so that the steps of an epoch are known."""


@dataclass(frozen=True)
class RowLengths:
    """Tokens of each training row that was looked at, and whether a run would learn from no others."""

    lengths: npt.NDArray[np.int64]
    whole: bool


def measure(settings: RunSettings, tokenizer: Tokenizer) -> RowLengths:
    """Tokenize the run's dataset, or the first rows of a large one.

    Raises:
        DatasetError: no usable rows, unknown columns, or bad rows.
    """
    from gemma_mlx.data.folder import find_files
    from gemma_mlx.data.prepare import prepare_dataset

    whole = _bytes_of(find_files(settings.data.dataset).train) <= _SMALL_BYTES
    asked = settings.data.limit
    limit = asked if whole else min(asked or MEASURED_ROWS, MEASURED_ROWS)
    data = settings.data.model_copy(update={"limit": limit})
    prepared = prepare_dataset(data, tokenizer, seed=settings.training.seed)
    return RowLengths(prepared.train.lengths, whole or limit == asked)


def rows_of(settings: RunSettings, lengths: npt.NDArray[np.int64]) -> Rows:
    """The longest and the mean; a pair counts as the two rows that it is (`lengths` hold both together)."""
    sides = 1 if settings.training.objective == "sft" else 2
    return Rows(int(lengths.max()) // sides, float(lengths.mean()) / sides)


def total_steps(config: ModelConfig, settings: RunSettings, found: RowLengths) -> int | None:
    """The run's updates; None where only the whole dataset would tell."""
    plan = settings.training
    if plan.steps is not None:
        return plan.steps
    if not found.whole:
        return None
    faster = measured_layout(plan, packs=config.packs)
    layout = choose(plan, this_backend(), packs=config.packs, faster=faster).layout
    return DataOrder(found.lengths.tolist(), plan, layout).total_steps()


def _bytes_of(files: Sequence[Path]) -> int:
    try:
        return sum(file.stat().st_size for file in files)
    except (OSError, ValueError):
        return 0  # reading it says what is wrong
