"""What memory this machine allows, and a word before a run that is likely to need more."""

from __future__ import annotations

import os
import sys

import numpy as np
import numpy.typing as npt

from gemma_mlx.errors import TrainingError
from gemma_mlx.events import Warning
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import RunSettings


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
    from gemma_mlx.training.planner import Rows, check_fits

    allowed = allowed_memory() if allowed is None else allowed
    if not allowed or not len(lengths):
        return None
    rows = Rows(int(lengths.max()), float(lengths.mean()))
    try:
        check_fits(config, settings, rows, allowed, backend=backend())
    except TrainingError as problem:
        return Warning("may-not-fit", f"By the forecast: {problem.what}", problem.fix)
    return None
