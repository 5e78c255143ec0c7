"""What this machine allows: memory that a model may take before the system starts to swap."""

from __future__ import annotations

import contextlib
import os
import sys

from gemma_mlx.worker.results import Verdict

_POLITE = 5
_TIGHT = 0.8
"""Above this share of what is allowed, other programs begin to be felt."""


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


def step_back() -> None:
    """Let the window and other programs go first: this process has long work that nobody waits at."""
    with contextlib.suppress(OSError):
        os.nice(max(0, _POLITE - os.nice(0)))


def verdict(needed: int, allowed: int) -> Verdict:
    """How a need stands to what is allowed."""
    if not needed or not allowed:
        return "unknown"
    if needed > allowed:
        return "too-large"
    return "tight" if needed > _TIGHT * allowed else "fits"
