"""Which rows each optimizer step learns from: a function of the settings, the seed and the step alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Literal

import mlx.core as mx

from gemma_mlx.data.batches import plan_epoch
from gemma_mlx.settings import TrainSettings

Batches = list[list[int]]


class DataOrder:
    """The order of a run. `lengths` are the rows' token counts; `layout` is "packed" or "padded"."""

    def __init__(
        self, lengths: Sequence[int], settings: TrainSettings, layout: Literal["padded", "packed"]
    ) -> None:
        self._lengths = lengths
        self._settings = settings
        self._layout = layout
        self._first_steps = [0]  # the first step of each epoch that was looked at
        self._planned: tuple[int, list[Batches]] | None = None

    def total_steps(self) -> int:
        """Optimizer steps of the whole run. A fraction of an epoch is rounded up to whole steps."""
        if self._settings.steps is not None:
            return self._settings.steps
        whole, part = divmod(self._settings.epochs, 1)
        steps = sum(len(self.epoch(epoch)) for epoch in range(int(whole)))
        if part > 1e-9:
            steps += math.ceil(part * len(self.epoch(int(whole))) - 1e-9)
        return max(1, steps)

    def at(self, step: int) -> tuple[int, Batches]:
        """The epoch of a step (from 0) and the batches, lists of row indices, that are accumulated in it."""
        epoch = 0
        while True:
            groups = self.epoch(epoch)
            first = self._first_steps[epoch]
            if step < first + len(groups):
                return epoch, groups[step - first]
            epoch += 1
            if epoch == len(self._first_steps):
                self._first_steps.append(first + len(groups))

    def epoch(self, epoch: int) -> list[Batches]:
        """An epoch's batches in groups of `accumulation`; the last may be smaller, so that no row is lost."""
        if self._planned is None or self._planned[0] != epoch:
            settings = self._settings
            batches = plan_epoch(
                self._lengths, seed=settings.seed, epoch=epoch, batch_size=settings.batch_size,
                tokens_per_batch=settings.tokens_per_batch, layout=self._layout,
            )  # fmt: skip
            size = settings.accumulation
            self._planned = epoch, [batches[i : i + size] for i in range(0, len(batches), size)]
        return self._planned[1]


def share(batches: Batches, rank: int, size: int) -> list[tuple[int, list[int]]]:
    """What one of `size` ranks computes of a step: rows to take together, each with its number in the step.

    Whole batches are dealt as long as there is one for each rank; the rows of the others are divided. Each
    row goes to one rank, whatever their number; a rank may get none.
    """
    whole = len(batches) - len(batches) % size
    shares = [(index, batches[index]) for index in range(rank, whole, size)]
    for index in range(whole, len(batches)):
        rows = batches[index][rank::size]
        if rows:
            shares.append((index + rank * len(batches), rows))
    return shares


def step_key(seed: int, step: int, part: str) -> mx.array:
    """A random key for one use in one step: of no state, so that a resumed run draws what the first would."""
    digest = hashlib.blake2b(f"{seed}/{step}/{part}".encode(), digest_size=8).digest()
    return mx.random.key(int.from_bytes(digest, "little"))
