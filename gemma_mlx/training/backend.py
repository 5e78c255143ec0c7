"""Where MLX computes by default, as far as forecasts and chunk sizes tell places apart."""

from __future__ import annotations

from typing import Literal

import mlx.core as mx

Backend = Literal["cpu", "gpu"]


def backend() -> Backend:
    """Where MLX computes by default."""
    return "cpu" if mx.default_device() == mx.Device(mx.cpu) else "gpu"
