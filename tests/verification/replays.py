"""Parts of the committed CUDA recording, so that a test replays no more than it needs."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from gemma_mlx.verification.recording import Recording, read_recording

RECORDINGS = Path(__file__).resolve().parent.parent / "equivalence" / "recordings"
TINY = RECORDINGS / "tiny.safetensors"


@cache
def whole() -> Recording:
    """The tiny models as an H200 computed them. Shared: never change it."""
    return read_recording(TINY)


def part(
    case: str, *, seeds: Iterable[int] = (0,), lengths: Iterable[int] = (40,), training: int | None = None
) -> Recording:
    """One case's recording, cut to some seeds, prompt lengths and the first `training` steps.

    `training` None: no training; 0: loss and gradients only.
    """
    recording = whole()
    entry: dict[str, Any] = copy.deepcopy(recording.cases[case])
    entry["seeds"] = {str(seed): entry["seeds"][str(seed)] for seed in seeds}
    kept = {}
    for seed, scalars in entry["seeds"].items():
        if training is None:
            scalars.pop("train", None)
        for name, array in recording.of(f"{case}/{seed}").items():
            if name.startswith("logits.") and int(name.split(".")[1]) not in lengths:
                continue
            if name.startswith("greedy"):
                continue
            if name.startswith("losses"):
                if not training:
                    continue
                array = array[:training]
            kept[f"{case}/{seed}/{name}"] = array
    return Recording({**recording.manifest, "cases": {case: entry}}, kept)
