"""What memory this machine allows, a word before a run that is likely to need more, and limits that hold.

MLX computes behind the program's back: what is handed to a GPU stays in memory until the command buffer that
it is part of completes, and ten of these may be under way. Above its memory limit MLX hands over nothing more
until some have completed, so a step stays below a ceiling that its arrays alone would fit under.
"""

from __future__ import annotations

import os
import sys

import numpy as np
import numpy.typing as npt

from gemma_mlx.errors import TrainingError
from gemma_mlx.events import Warning
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import RunSettings, TrainSettings

SMALL_BUFFERS = {"MLX_MAX_OPS_PER_BUFFER": "4", "MLX_MAX_MB_PER_BUFFER": "100"}
"""Short command buffers for CUDA, whose own hold up to 1 GB each. Metal's own are about this short."""

WAIT_FROM = 0.95
"""The share of a bound from which MLX waits: the array that it then hands over comes on top."""

_EASE_FROM, _EASE_BY = 1.02, 1.25

CACHE_SHARE = 8
"""Freed buffers that MLX keeps for the next step may take this part of the memory: no second working set."""


def total_memory() -> int:
    """Bytes of memory in the machine; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def allowed_memory() -> int:
    """Bytes that a job may take: what Metal recommends, else three quarters of the memory; 0: unknown."""
    if sys.platform == "darwin":
        import mlx.core as mx

        recommended = mx.device_info().get("max_recommended_working_set_size", 0)
        if isinstance(recommended, int) and recommended > 0:
            return recommended
    return total_memory() * 3 // 4


def memory_warning(
    config: ModelConfig, settings: RunSettings, lengths: npt.NDArray[np.int64], allowed: int | None = None
) -> Warning | None:
    """What to say where the forecast of a run over rows of these lengths is above what is `allowed`.

    A warning and no refusal: a forecast is no measurement, and a system that swaps still trains.
    """
    from gemma_mlx.training.backend import backend
    from gemma_mlx.training.planner import check_fits
    from gemma_mlx.training.row_lengths import rows_of

    allowed = allowed_memory() if allowed is None else allowed
    if not allowed or not len(lengths):
        return None
    rows = rows_of(settings, lengths)
    try:
        check_fits(config, settings, rows, allowed, backend=backend())
    except TrainingError as problem:
        return Warning("may-not-fit", f"By the forecast: {problem.what}", problem.fix)
    return None


def shorten_command_buffers(plan: TrainSettings) -> None:
    """Lets this process hand work to a CUDA device in small portions where the run is to take little memory.

    Call it before MLX computes anything; what the environment says already stays.
    """
    import mlx.core as mx

    if mx.cuda.is_available() and (plan.gradient_checkpointing or plan.memory_limit_gb is not None):
        for name, value in SMALL_BUFFERS.items():
            os.environ.setdefault(name, value)


class MemoryBounds:
    """Makes MLX wait for work under way rather than take more than a run is expected to, or is allowed.

    A forecast that was too low costs time alone: `ease` raises the bound while there is room. A context:
    where it ends, MLX has the limits back that it had.
    """

    def __init__(self, plan: TrainSettings, present: int, training: int) -> None:
        """`present`: bytes that stay in memory, the base's above all; `training`: what a step takes more."""
        import mlx.core as mx

        memory = total_memory()
        ceiling = None if plan.memory_limit_gb is None else int(plan.memory_limit_gb * 1e9)
        self._present, self._training = present, training
        self._cache = mx.set_cache_limit(min(ceiling or memory, memory) // CACHE_SHARE)
        self._before = mx.set_memory_limit(present + training)
        # CUDA's memory is not the system's, and a CPU's run may swap: there MLX's own limit is the most.
        allowed = allowed_memory() if mx.metal.is_available() else self._before
        self._most = int((ceiling or allowed) * WAIT_FROM)
        self._apply()

    def ease(self, peak: int) -> None:
        """After a step: where it took more than it was to, in spite of waiting, the next may take more."""
        if peak > self._present + _EASE_FROM * self._training and self._wait_from < self._most:
            self._training = int(self._training * _EASE_BY)
            self._apply()

    def undo(self) -> None:
        """Gives MLX back the limits that it had."""
        import mlx.core as mx

        mx.set_cache_limit(self._cache)
        mx.set_memory_limit(self._before)

    def __enter__(self) -> MemoryBounds:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    @property
    def _wait_from(self) -> int:
        return self._present + int(self._training * WAIT_FROM)

    def _apply(self) -> None:
        import mlx.core as mx

        mx.set_memory_limit(min(self._wait_from, self._most))


def step_memory(config: ModelConfig, settings: RunSettings, lengths: npt.NDArray[np.int64]) -> int:
    """Bytes that a step over rows of these lengths takes beside the base, by the forecast."""
    from gemma_mlx.training.backend import backend
    from gemma_mlx.training.forecast import memory_forecast
    from gemma_mlx.training.row_lengths import rows_of

    rows = rows_of(settings, lengths)
    found = memory_forecast(
        config, settings, longest=rows.longest, mean=rows.mean, loss_share=1.0, backend=backend()
    )
    return found.above_weights
