"""How a run computes its steps: as it began, or as was measured on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import mlx.nn as nn

from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.calibration import calibrate
from gemma_mlx.training.layout_probe import better_layout
from gemma_mlx.training.run_folder import recorded
from gemma_mlx.training.strategy import Strategy, choose, this_backend


def decide(plan: TrainSettings, model: nn.Module, run: Path, *, packs: bool, alone: bool = True) -> Strategy:
    """The strategy of the run in this folder.

    A run that goes on keeps its layout and its products, or it would not end with the bits of one that was
    not interrupted. `alone`: no other machine trains with this one; several take what all of them agree on.
    """
    begun = recorded(run)
    layout = _layout_of(begun) or (measured_layout(plan, packs=packs) if alone else None)
    return choose(plan, this_backend(), packs=packs, unpacks=_unpacks(model, begun), faster=layout)


def measured_layout(plan: TrainSettings, *, packs: bool) -> Literal["padded", "packed"] | None:
    """The faster layout of this machine's GPU, where the settings leave it open; None: nothing to measure."""
    if plan.layout != "auto" or not packs or this_backend() == "cpu":
        return None
    return better_layout()


def _layout_of(begun: dict[str, object]) -> Literal["padded", "packed"] | None:
    identity = begun.get("identity")
    layout = identity.get("layout") if isinstance(identity, dict) else None
    return layout if layout in ("padded", "packed") else None


def _unpacks(model: nn.Module, begun: dict[str, object]) -> bool:
    """Whether quantized weights are dequantized before they are multiplied."""
    if not any(isinstance(module, nn.QuantizedLinear) for _, module in model.named_modules()):
        return False
    unpacked = begun.get("unpacked")
    return unpacked if isinstance(unpacked, bool) else calibrate().unpacks
