"""What was found in a dataset: counts, lengths, and each row that was left out, with the reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gemma_mlx.errors import RowProblem

_BINS = 32


@dataclass(frozen=True)
class LengthStatistics:
    """Lengths of rows. Bin i of the histogram counts lengths from `edges[i]` to below `edges[i + 1]`."""

    count: int = 0
    minimum: int = 0
    median: int = 0
    mean: float = 0.0
    percentile_95: int = 0
    maximum: int = 0
    total: int = 0
    edges: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    unit: str = "tokens"


def length_statistics(lengths: npt.NDArray[np.int64], unit: str = "tokens") -> LengthStatistics:
    """Statistics of lengths, with at most 32 bins of a width that is a power of two."""
    if not len(lengths):
        return LengthStatistics(unit=unit)
    width = 1
    while int(lengths.max()) // width >= _BINS:
        width *= 2
    counts = np.bincount(lengths // width)
    return LengthStatistics(
        count=len(lengths),
        minimum=int(lengths.min()),
        median=int(np.median(lengths)),
        mean=float(lengths.mean()),
        percentile_95=int(np.percentile(lengths, 95)),
        maximum=int(lengths.max()),
        total=int(lengths.sum()),
        edges=tuple(index * width for index in range(len(counts) + 1)),
        counts=tuple(int(count) for count in counts),
        unit=unit,
    )


@dataclass(frozen=True)
class FileReport:
    """One file of a dataset. `split`: train, valid, or test (which is not read)."""

    path: str
    split: str
    rows: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class SplitReport:
    """The examples of one split: how many, their tokens, and the tokens that carry loss."""

    examples: int = 0
    tokens: int = 0
    targets: int = 0
    lengths: LengthStatistics = LengthStatistics()


@dataclass(frozen=True)
class DatasetReport:
    """What `prepare_dataset` read. Lists of rows hold the first thousand; the counts are of all.

    `statement` says in words what the columns were taken for; `notes` what else a person should know.
    """

    format: str
    columns: dict[str, str]
    statement: str
    loss_on: str
    max_length: int
    files: tuple[FileReport, ...]
    rows: int
    bad: int
    bad_rows: tuple[RowProblem, ...]
    left_out: int
    left_out_rows: tuple[RowProblem, ...]
    truncated: int
    cut_tokens: int
    duplicates: int
    train: SplitReport
    valid: SplitReport
    notes: tuple[str, ...]
    from_cache: bool = False

    @property
    def is_chat(self) -> bool:
        """Whether rows are conversations, so that prompts are asked through the chat form."""
        return self.format != "text"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
