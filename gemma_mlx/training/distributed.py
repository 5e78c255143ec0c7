"""Several machines train one run: what ranks tell each other, over MLX's own distributed engine.

Each rank computes its share of a step's rows and all add up their sums of losses, tokens and gradients, so
that a step is the step that one process would make. The settings mean the same whatever the number of ranks.
Rank 0 alone writes. `mlx.launch` starts the ranks.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal, TypeVar

import mlx.core as mx
import numpy as np

from gemma_mlx.errors import TrainingError
from gemma_mlx.events import Event
from gemma_mlx.training.checkpoint import TrainState
from gemma_mlx.training.optimizer import Arrays, Optimizer

Result = TypeVar("Result")
Wish = Literal["", "stop", "pause"]

BUCKET_BYTES = 32 << 20
"""Arrays are laid end to end up to this size: many small messages are slower than few large ones."""

PATIENCE = 1800.0
"""Seconds that a rank waits for the others; they may load, save or sample in that time."""


class RankLost(TrainingError):
    """Another rank has ended, or cannot be reached any more."""


class Ranks:
    """The ranks of a run, of which this process is one. Alone, it adds nothing to anything."""

    def __init__(self, group: mx.distributed.Group | None = None, patience: float = PATIENCE) -> None:
        self.rank = 0 if group is None else group.rank()
        self.size = 1 if group is None else group.size()
        self.patience = patience
        self._group = group
        self._lost: RankLost | None = None
        self._inbox: SimpleQueue[list[mx.array] | None] = SimpleQueue()
        self._outbox: SimpleQueue[list[mx.array] | BaseException] = SimpleQueue()
        self._thread: threading.Thread | None = None
        if self.size > 1:
            # A thread of its own waits for the others, so that waiting can end and Ctrl-C is heard meanwhile.
            self._thread = threading.Thread(target=self._talk, name="ranks", daemon=True)
            self._thread.start()

    @property
    def first(self) -> bool:
        """Whether this rank writes and speaks."""
        return self.rank == 0

    @property
    def lost(self) -> bool:
        """Whether another rank was lost: nothing more can be told to any."""
        return self._lost is not None

    def sums(self, arrays: Arrays) -> Arrays:
        """The sums over all ranks, by name; every rank gives arrays of the same names and shapes.

        Raises:
            RankLost: another rank has ended or does not answer.
        """
        if self.size == 1:
            return arrays
        summed: Arrays = {}
        for names in _buckets(arrays):
            flat = mx.concatenate([arrays[name].reshape(-1) for name in names])
            (whole,) = self._sum([flat])
            ends = np.cumsum([arrays[name].size for name in names])[:-1].tolist()
            for name, part in zip(names, mx.split(whole, ends), strict=True):
                summed[name] = part.reshape(arrays[name].shape)
        mx.eval(summed)
        return {name: summed[name] for name in arrays}

    def totals(self, *values: float) -> list[float]:
        """The sums of some numbers over all ranks, in single precision where there are several."""
        if self.size == 1:
            return list(values)
        (whole,) = self._sum([mx.array(values, mx.float32)])
        return [float(value) for value in np.array(whole)]

    def each(self, value: float) -> list[float]:
        """Every rank's number, in the order of the ranks."""
        return self.totals(*(value if rank == self.rank else 0.0 for rank in range(self.size)))

    def arrays_of_first(self, arrays: Arrays) -> Arrays:
        """Rank 0's arrays; the others give arrays of the same names and shapes."""
        zeros = {name: mx.zeros_like(array) for name, array in arrays.items()}
        summed = self.sums(arrays if self.first else zeros)
        return arrays if self.first else summed

    def text_of_first(self, text: str) -> str:
        """Rank 0's text; what the others give does not count."""
        if self.size == 1:
            return text
        data = np.frombuffer(text.encode() if self.first else b"", np.uint8)
        (length,) = self._sum([mx.array([len(data)], mx.int32)])
        own = mx.array(data.astype(np.int32))
        if not self.first:
            own = mx.zeros(np.array(length).tolist(), mx.int32)
        (whole,) = self._sum([own])
        return np.array(whole).astype(np.uint8).tobytes().decode()

    def agree(self, wish: Wish) -> Wish:
        """What any rank was asked for: all end a run after the same step."""
        if self.size == 1:
            return wish
        stop, pause = self.totals(wish == "stop", wish == "pause")
        return "stop" if stop else "pause" if pause else ""

    def together(self, work: Generator[Event, None, Result]) -> Generator[Event, None, Result]:
        """Work that each rank does for itself, until all have done it.

        Raises:
            TrainingError: `rank-failed`: another rank has failed at it. What this rank's own work raises.
        """
        try:
            result = yield from work
        except Exception:
            if not self.lost:
                self.each(1)
            raise
        failed = [rank for rank, flag in enumerate(self.each(0)) if flag]
        if failed:
            raise TrainingError(
                "rank-failed", f"{_named(failed)} could not start; the reason stands in its own message.",
                where=f"rank {self.rank}", fix="Mend that and start all ranks again.",
                kept="Nothing was started.",
            )  # fmt: skip
        return result

    def check_same(self, what: dict[str, str]) -> None:
        """Raises TrainingError (`ranks-differ`) unless every rank has the same as rank 0."""
        if self.size == 1:
            return
        first = json.loads(self.text_of_first(json.dumps(what)))
        differing = {name for name in what if what[name] != first.get(name)}
        others = [rank for rank, flag in enumerate(self.each(float(bool(differing)))) if flag]
        if others:
            mine = f": {', '.join(sorted(differing))}" if differing else ""
            raise TrainingError(
                "ranks-differ", f"{_named(others)} would train on something else than rank 0{mine}.",
                where=f"rank {self.rank}",
                fix="Put the same model, dataset and version of Gemma MLX on every machine.",
                kept="Nothing was started.",
            )  # fmt: skip

    def close(self) -> None:
        """Ends the thread. Nothing is told to the others."""
        if self._thread is not None and not self.lost:
            self._inbox.put(None)
            self._thread.join()
            self._thread = None

    def _sum(self, arrays: list[mx.array]) -> list[mx.array]:
        if self._lost is not None:
            raise self._lost
        mx.eval(arrays)
        self._inbox.put(arrays)
        try:
            outcome = self._outbox.get(timeout=self.patience)
        except Empty:
            raise self._lose(f"did not answer for {self.patience:.0f} seconds") from None
        except BaseException:  # a second Ctrl-C
            self._lose("was left")
            raise
        if isinstance(outcome, BaseException):
            raise self._lose("has ended or cannot be reached") from outcome
        return outcome

    def _talk(self) -> None:
        try:
            while (arrays := self._inbox.get()) is not None:
                try:
                    summed = [mx.distributed.all_sum(array, group=self._group) for array in arrays]
                    mx.eval(summed)
                    self._outbox.put(summed)
                except BaseException as problem:
                    self._outbox.put(problem)
        finally:
            # Threads of streams that outlive their Python thread abort the program when it ends.
            mx.clear_streams()

    def _lose(self, how: str) -> RankLost:
        who = f"Rank {1 - self.rank}" if self.size == 2 else "Another rank"
        self._lost = RankLost(
            "rank-lost", f"{who} {how}. If it ended by an error, the reason stands in its own message.",
            where=f"rank {self.rank} of {self.size}",
            fix="Resume with all machines, or with fewer: the steps are the same.",
        )  # fmt: skip
        atexit.register(_leave)
        return self._lost


def _leave() -> None:
    """Ends the program though a thread waits for a rank that will not answer."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


ALONE = Ranks()
"""The one rank of a run that no launcher started."""


def take_from_first(
    ranks: Ranks, state: TrainState, parameters: Arrays, optimizer: Optimizer
) -> tuple[TrainState, Arrays]:
    """Rank 0's state and weights for every rank; the optimizer takes up its moments.

    So a run begins the same on machines that draw first weights otherwise, and only rank 0 needs checkpoints.
    """
    if ranks.size == 1:
        return state, parameters
    moments = optimizer.state()
    shapes = {name: [array.shape, str(array.dtype)] for name, array in moments.items()}
    about = {"state": asdict(state), "steps": optimizer.steps, "moments": shapes}
    about = json.loads(ranks.text_of_first(json.dumps(about)))
    parameters = ranks.arrays_of_first(parameters)
    if not ranks.first:
        state = TrainState(**about["state"])
        moments = {
            name: mx.zeros(shape, getattr(mx, width.removeprefix("mlx.core.")))
            for name, (shape, width) in about["moments"].items()
        }
    optimizer.restore(ranks.arrays_of_first(moments), about["steps"])
    return state, parameters


def launched() -> bool:
    """Whether a launcher (mlx.launch, mpirun) started this process as one of several."""
    return expected_size() > 1


def expected_size() -> int:
    """How many ranks the launcher's variables speak of."""
    try:
        for name in ("MLX_HOSTFILE", "MLX_IBV_DEVICES"):
            if os.environ.get(name):
                return len(json.loads(Path(os.environ[name]).read_text(encoding="utf-8") or "[0]"))
        for name in ("MLX_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"):
            if os.environ.get(name):
                return int(os.environ[name])
    except (OSError, ValueError, TypeError):
        return 1
    return 1


def join(patience: float = PATIENCE) -> Ranks:
    """Meets the other ranks, where a launcher started any.

    Raises:
        TrainingError: they cannot be reached.
    """
    expected = expected_size()
    if expected == 1:
        return ALONE
    reason = ""
    group = None
    try:
        group = mx.distributed.init(strict=True)
    except RuntimeError as problem:
        reason = f" ({problem})"
    if group is None or group.size() != expected:
        found = 1 if group is None else group.size()
        raise TrainingError(
            "ranks-not-joined", f"{expected} ranks were started, but {found} found together{reason}.",
            where="mlx.launch", fix="Look at the addresses in the hostfile, and at firewalls between them.",
            kept="Nothing was started.",
        )  # fmt: skip
    return Ranks(group, patience)


def _buckets(arrays: Arrays) -> list[list[str]]:
    """Names in groups of one width each, not much larger than a bucket."""
    groups: dict[mx.Dtype, list[list[str]]] = {}
    filled: dict[mx.Dtype, int] = {}
    for name, array in arrays.items():
        of_width = groups.setdefault(array.dtype, [[]])
        if filled.get(array.dtype, 0) + array.nbytes > BUCKET_BYTES and of_width[-1]:
            of_width.append([])
            filled[array.dtype] = 0
        of_width[-1].append(name)
        filled[array.dtype] = filled.get(array.dtype, 0) + array.nbytes
    return [group for of_width in groups.values() for group in of_width]


def _named(ranks: Sequence[int]) -> str:
    words = ", ".join(str(rank) for rank in ranks)
    return f"Rank {words}" if len(ranks) == 1 else f"Ranks {words}"
