"""How a run computes its steps: as it began, or as was measured on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import mlx.nn as nn

from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.calibration import calibrate
from gemma_mlx.training.layout_probe import Layout, better_layout
from gemma_mlx.training.run_folder import recorded
from gemma_mlx.training.strategy import Strategy, choose, this_backend


class Begun(TypedDict, total=False):
    """How the steps of a run in its folder have been computed so far; empty for a new one."""

    layout: Layout
    unpacked: bool


def as_begun(run: Path) -> Begun:
    """What run.json says of it."""
    about, found = recorded(run), Begun()
    identity = about.get("identity")
    layout = identity.get("layout") if isinstance(identity, dict) else None
    if layout in ("padded", "packed"):
        found["layout"] = layout
    if isinstance(about.get("unpacked"), bool):
        found["unpacked"] = about["unpacked"]
    return found


def decide(
    plan: TrainSettings, model: nn.Module, begun: Begun, *, packs: bool, alone: bool = True
) -> Strategy:
    """The strategy of a run.

    A run that goes on keeps its layout and its products, or it would not end with the bits of one that was
    not interrupted. `alone`: no other machine trains with this one; several take what all of them agree on.
    """
    layout = begun.get("layout") or (measured_layout(plan, packs=packs) if alone else None)
    return choose(plan, this_backend(), packs=packs, unpacks=_unpacks(model, begun), faster=layout)


def measured_layout(plan: TrainSettings, *, packs: bool) -> Layout | None:
    """The faster layout of this machine's GPU, where the settings leave it open; None: nothing to measure."""
    if plan.layout != "auto" or not packs or this_backend() == "cpu":
        return None
    return better_layout()


def _unpacks(model: nn.Module, begun: Begun) -> bool:
    """Whether quantized weights are dequantized before they are multiplied."""
    if not any(isinstance(module, nn.QuantizedLinear) for _, module in model.named_modules()):
        return False
    return begun["unpacked"] if "unpacked" in begun else calibrate().unpacks
