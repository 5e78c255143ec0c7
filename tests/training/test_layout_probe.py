"""Which layout a GPU is faster with: measured once, kept, and measured anew where something changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.training import layout_probe
from gemma_mlx.training.layout_probe import better_layout, measure_layouts

TINY = {**layout_probe.SHAPE, "vocab_size": 256, "hidden_size": 32, "intermediate_size": 64, "head_dim": 8}


def test_both_layouts_are_really_trained() -> None:
    rates = measure_layouts(TINY, ((5, 9), (4, 17)), rounds=1)
    assert rates.keys() == {"packed", "padded"} and min(rates.values()) > 0


@pytest.mark.parametrize(("packed", "padded", "better"), [(2.0, 1.0, "packed"), (1.0, 2.0, "padded")])
def test_the_faster_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: float, padded: float, better: str
) -> None:
    path = tmp_path / "layouts.json"
    measured: list[int] = []

    def measure() -> dict[str, float]:
        measured.append(1)
        return {"packed": packed, "padded": padded}

    monkeypatch.setattr(layout_probe, "measure_layouts", measure)
    assert better_layout(path) == better_layout(path) == better
    assert len(measured) == 1
    path.write_text('{"key": "another GPU", "packed": 1.0, "padded": 1.0}')
    assert better_layout(path) == better and len(measured) == 2
    path.write_text("{")
    assert better_layout(path) == better and len(measured) == 3
