"""The sides of a training measurement: what they train ends the same."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from gemma_mlx.benchmarks.sides import SIDES, difference
from gemma_mlx.benchmarks.workload import SHAPES, Workload

TINY = Workload("tiny", "chat", 4, 10, 20, 0.5, 2, bits=None, wide=True, vocabulary=64, rank=2)


@pytest.fixture(autouse=True)
def tiny_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = {"hidden": 64, "inner": 64, "layers": 1, "heads": 2, "kv_heads": 1, "head_dim": 32}
    monkeypatch.setitem(SHAPES, "tiny", shape)


def trained(side: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    monkeypatch.setattr(sys, "argv", ["sides", side, "", str(path)])
    SIDES[side](TINY)
    with np.load(path) as file:
        return dict(file)


def test_our_epoch_ends_with_the_weights_of_the_plain_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = trained("ours", tmp_path / "ours.npz", monkeypatch)
    plain = trained("plain", tmp_path / "plain.npz", monkeypatch)
    assert ours.keys() == plain.keys() and ours
    apart = sum(float(np.square(ours[name] - plain[name]).sum()) for name in ours)
    assert 0 < difference(tmp_path / "ours.npz", tmp_path / "plain.npz") <= 5e-6
    assert apart <= 5e-6**2 * sum(float(np.square(plain[name]).sum()) for name in ours)


@pytest.mark.parametrize("side", ["ours", pytest.param("peer", marks=pytest.mark.slow)])
def test_a_side_reports_speed_and_memory(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sides", side, ""])
    found = SIDES[side](TINY)
    assert found["tokens"] > 0 and found["tokens_per_second"] > 0 and found["peak_bytes"] > 0
