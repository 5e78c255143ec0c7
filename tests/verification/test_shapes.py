"""The published sizes have the published numbers of parameters."""

from __future__ import annotations

import pytest

from gemma_mlx.verification.shapes import SHAPES


def test_published_sizes_have_their_published_parameter_counts() -> None:
    from gemma_mlx.models.config import parameter_count, parse_config

    billions = {name: parameter_count(parse_config(raw, name)) / 1e9 for name, raw in SHAPES.items()}
    wanted = {"gemma-3-270m": 0.268, "gemma-3-1b": 1.0, "gemma-2-2b": 2.614, "gemma-3-4b": 3.880,
              "gemma-2-9b": 9.242, "gemma-3-12b": 11.766, "gemma-2-27b": 27.227}  # fmt: skip
    assert billions == pytest.approx(wanted, rel=1e-3)
