"""How the tokens of a forward pass lie: plain rows, rows padded on the left, or segments end to end.

Rows padded on the right need no layout: causal attention never looks there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import mlx.core as mx


@dataclass(frozen=True)
class LeftPadded:
    """Rows whose first `padding[b]` columns are padding, as in batched generation.

    `padding`: (B,) int32. Columns count from the start of the sequence, cached ones included.
    """

    padding: mx.array


@dataclass(frozen=True)
class Segments:
    """One row (B = 1) of independent sequences laid end to end; `lengths` sum up to L.

    Attention and positions start anew in each segment, so that no token is spent on padding.
    """

    lengths: tuple[int, ...]

    def runs(self) -> list[tuple[int, int]]:
        """Neighbours of equal length as (count, length): each run is attended to as one batch."""
        return [(len(list(group)), length) for length, group in groupby(self.lengths)]


Layout = LeftPadded | Segments | None
