"""Which rows go into which batch, and batches as arrays: padded rows, or rows laid end to end.

Shapes: B rows, L positions of a padded row, N positions of a packed one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gemma_mlx.data.formats import Example, PreferenceExample
from gemma_mlx.data.mixing import shuffled

PAD_TO_MULTIPLE = 32
"""Lengths are rounded up to this, so that a run has few shapes to compile."""

_WINDOW_ROWS = 8192
"""Rows among which packing looks for a fit: enough for full batches, few enough to keep chance at work."""


@dataclass(frozen=True)
class Batch:
    """Arrays of one forward pass, int32: `targets[b, i]` follows on `ids[b, i]`, `mask` is 1 where it counts.

    `segments` (packed only) are the lengths of the rows in `ids` (1, N), and last that of the padding if any;
    they sum to N. `rows` name the examples, for messages.
    """

    ids: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]
    mask: npt.NDArray[np.int32]
    rows: tuple[str, ...]
    segments: tuple[int, ...] | None = None

    @property
    def target_count(self) -> int:
        """Tokens that carry loss: what means and accumulation are weighted by."""
        return int(self.mask.sum())

    @property
    def token_count(self) -> int:
        """Positions computed, padding included."""
        return int(self.ids.size)


def plan_epoch(
    lengths: Sequence[int] | npt.NDArray[np.int64],
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    tokens_per_batch: int | None = None,
    layout: Literal["padded", "packed"] = "padded",
) -> list[list[int]]:
    """The batches of an epoch as lists of row indices: each row exactly once, fixed by seed and epoch.

    Padded: rows of nearly equal length lie together, and a batch's rows times its padded length keep within
    `tokens_per_batch`. Packed: the sum of a batch's lengths does. Without a budget a batch has `batch_size`
    rows. A row above the budget is a batch by itself: none is dropped.
    """
    count = len(lengths)
    if count == 0:
        return []
    widths = np.asarray(lengths, dtype=np.int64) - 1  # the last token is only a target
    order = shuffled(count, seed, epoch)
    if layout == "packed":
        if tokens_per_batch is None:
            batches = [order[at : at + batch_size].tolist() for at in range(0, count, batch_size)]
        else:
            batches = _fitted(order, widths, tokens_per_batch)
        # Equal lengths side by side are attended to as one batch.
        batches = [sorted(batch, key=lambda row: -int(widths[row])) for batch in batches]
    else:
        padded = np.maximum(1, -(-widths // PAD_TO_MULTIPLE)) * PAD_TO_MULTIPLE
        # Stable: within one padded length the shuffled order stays.
        order = order[np.argsort(-padded[order], kind="stable")]
        if tokens_per_batch is None:
            batches = _even(order, batch_size, int(shuffled(-(-count // batch_size), seed, epoch, 1)[0]))
        else:
            batches = _within_budget(order, padded, tokens_per_batch)
    return [batches[index] for index in shuffled(len(batches), seed, epoch, 2)]


def _even(order: npt.NDArray[np.int64], batch_size: int, short: int) -> list[list[int]]:
    """Runs of `batch_size` rows; the one at `short` is the incomplete one, not always the shortest rows."""
    sizes = [batch_size] * -(-len(order) // batch_size)
    sizes[short] -= sum(sizes) - len(order)
    ends = np.cumsum(sizes)
    return [order[end - size : end].tolist() for end, size in zip(ends, sizes, strict=True)]


def _within_budget(
    order: npt.NDArray[np.int64], padded: npt.NDArray[np.int64], budget: int
) -> list[list[int]]:
    """Runs of rows from long to short; the first row's padded length is the batch's."""
    batches: list[list[int]] = []
    at = 0
    while at < len(order):
        rows = max(1, budget // int(padded[order[at]]))
        batches.append(order[at : at + rows].tolist())
        at += rows
    return batches


def _fitted(order: npt.NDArray[np.int64], widths: npt.NDArray[np.int64], budget: int) -> list[list[int]]:
    """Batches filled up to the budget: best fit, long rows first, among some thousand rows at a time."""
    batches: list[list[int]] = []
    for start in range(0, len(order), _WINDOW_ROWS):
        window = order[start : start + _WINDOW_ROWS]
        room: list[tuple[int, int]] = []  # (tokens left, index of batch), by tokens left
        for row in window[np.argsort(-widths[window], kind="stable")].tolist():
            width = int(widths[row])
            place = bisect_left(room, (width, -1))
            if place == len(room):
                batches.append([row])
                left, batch = budget - width, len(batches) - 1
            else:
                left, batch = room.pop(place)
                batches[batch].append(row)
                left -= width
            if left > 0:
                insort(room, (left, batch))
    return batches


def collate_padded(examples: Sequence[Example], *, pad_to_multiple: int = PAD_TO_MULTIPLE) -> Batch:
    """Rows side by side, padded on the right with 0: ids, targets and mask (B, L).

    Padding carries no loss, and the first padding target neither.
    """
    assert examples
    length = _rounded(max(len(example.ids) for example in examples) - 1, pad_to_multiple)
    ids = np.zeros((len(examples), length), dtype=np.int32)
    targets, mask = np.zeros_like(ids), np.zeros_like(ids)
    for row, example in enumerate(examples):
        width = len(example.ids) - 1
        ids[row, :width] = example.ids[:-1]
        targets[row, :width] = example.ids[1:]
        mask[row, :width] = example.loss_mask[1:]
    return Batch(ids, targets, mask, _names(examples))


def collate_packed(examples: Sequence[Example], *, pad_to_multiple: int = PAD_TO_MULTIPLE) -> Batch:
    """Rows end to end: ids, targets and mask (1, N), and the lengths of the segments.

    Each row's last token is only a target, so that no row predicts the next one's first token.
    """
    assert examples
    widths = [len(example.ids) - 1 for example in examples if len(example.ids) > 1]
    total = _rounded(sum(widths), pad_to_multiple)
    ids = np.zeros((1, total), dtype=np.int32)
    targets, mask = np.zeros_like(ids), np.zeros_like(ids)
    at = 0
    for example in examples:
        width = len(example.ids) - 1
        ids[0, at : at + width] = example.ids[:-1]
        targets[0, at : at + width] = example.ids[1:]
        mask[0, at : at + width] = example.loss_mask[1:]
        at += width
    padding = (total - at,) if total > at else ()
    return Batch(ids, targets, mask, _names(examples), (*widths, *padding))


def collate_preferences(
    pairs: Sequence[PreferenceExample], collate: Callable[[Sequence[Example]], Batch] = collate_padded
) -> Batch:
    """Pairs as one batch: first the chosen sides of all, then the rejected ones in the same order."""
    return collate([*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)])


def _rounded(length: int, multiple: int) -> int:
    return max(1, -(-length // multiple)) * multiple


def _names(examples: Sequence[Example]) -> tuple[str, ...]:
    return tuple(f"{example.source}, line {example.row}" for example in examples)
