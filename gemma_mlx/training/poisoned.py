"""Which rows make a loss that is no finite number, and the error that names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gemma_mlx.data.batches import Batch
from gemma_mlx.errors import TrainingError
from gemma_mlx.training.step import StepFunction, to_inputs

Collate = Callable[[Sequence[Any], list[int]], Batch]


def rows_not_finite(
    step_function: StepFunction, collate: Collate, examples: Sequence[Any], rows: Sequence[int]
) -> list[str]:
    """Names of those of the rows whose own loss is not finite, each computed alone."""
    named = []
    for row in rows:
        alone = to_inputs(collate(examples, [row]))
        if not np.isfinite(np.array(step_function.sequence_losses(alone))).all():
            named.append(name_of(examples[row]))
    return named


def loss_not_finite(step: int, named: Sequence[str], examples: Sequence[Any]) -> TrainingError:
    """The error of a step: it names the rows that cause it, or all of the batch where none does alone."""
    where = ", ".join(named) if named else "rows " + ", ".join(map(name_of, examples))
    return TrainingError(
        "loss-not-finite", f"The loss of step {step} is not a finite number.", where=where,
        fix="Look at the row that is named; if it is sound, lower the learning rate.",
    )  # fmt: skip


def name_of(example: Any) -> str:
    """Where a row, or a pair, stands."""
    example = getattr(example, "chosen", example)
    return f"{example.source}, row {example.row}"
