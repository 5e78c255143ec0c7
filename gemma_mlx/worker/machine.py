"""How a job stands to this machine: whether its memory fits, and who goes first."""

from __future__ import annotations

import contextlib
import os

from gemma_mlx.worker.results import Verdict

_POLITE = 5
_TIGHT = 0.8
"""Above this share of what is allowed, other programs begin to be felt."""


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
