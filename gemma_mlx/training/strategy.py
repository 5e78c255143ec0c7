"""How a step is computed on each backend: what was measured to be fastest there.

On an H200 (Gemma-2-2B, 4 bit, 4 x 1024) padded rows, compiled, with dequantized products gave 12,400
tokens/s, packed rows without compiling 5,900 and mlx-lm 7,100. On CPUs packing wins, since no padding is
computed. On a GPU the layout is measured before its first run (`layout_probe`), and so are the products of a
quantized base on each machine (`calibration`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import mlx.core as mx

from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.backend import backend

Backend = Literal["cpu", "metal", "cuda"]
ROUNDED_ROWS = 128
"""Rows with loss are rounded up to this where steps are compiled, so that few shapes are."""


@dataclass(frozen=True)
class Strategy:
    """`compiled` steps need few shapes, hence padded rows; `unpacked` dequantizes before each product."""

    layout: Literal["padded", "packed"]
    compiled: bool
    unpacked: bool

    @property
    def words(self) -> str:
        """In words, as run.json keeps it."""
        rows = "Rows end to end" if self.layout == "packed" else "Rows padded, by length"
        compiled = ", compiled" if self.compiled else ""
        return f"{rows}{compiled}{', weights dequantized first' if self.unpacked else ''}"

    @property
    def multiple(self) -> int:
        """What the number of rows with loss is rounded up to."""
        return ROUNDED_ROWS if self.compiled else 1


def this_backend() -> Backend:
    """What MLX computes on here."""
    if backend() == "cpu":
        return "cpu"
    return "cuda" if mx.cuda.is_available() else "metal"


def choose(
    plan: TrainSettings,
    backend: Backend,
    *,
    packs: bool = True,
    unpacks: bool = False,
    faster: Literal["padded", "packed"] | None = None,
) -> Strategy:
    """The strategy for a run; a layout that the settings name is kept, where the model `packs` rows at all.

    `unpacks`: the base is quantized, and was measured to multiply faster here when it is dequantized first.
    `faster`: the layout that was measured to be that (`layout_probe`); None: as where it was measured before.
    """
    on_gpu = backend != "cpu"
    layout: Literal["padded", "packed"] = faster or ("padded" if on_gpu else "packed")
    if plan.layout != "auto":
        layout = plan.layout
    if not packs:
        layout = "padded"
    return Strategy(layout, compiled=on_gpu and layout == "padded", unpacked=unpacks)
