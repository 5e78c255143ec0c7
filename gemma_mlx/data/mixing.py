"""Random-looking numbers that are a pure function of their seeds: the same on every machine and version."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def mixed(values: npt.NDArray[np.uint64], *seeds: int) -> npt.NDArray[np.uint64]:
    """One 64-bit hash of each value with the seeds (SplitMix64's finalizer, Steele et al. 2014).

    NumPy's generators may change what they draw between versions; a resumed run must not.
    """
    state = values.astype(np.uint64, copy=True)
    with np.errstate(over="ignore"):
        for seed in (0, *seeds):
            state = state + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def shuffled(count: int, *seeds: int) -> npt.NDArray[np.int64]:
    """The indices 0..count-1 in an order that the seeds fix."""
    return np.argsort(mixed(np.arange(count, dtype=np.uint64), *seeds), kind="stable")
