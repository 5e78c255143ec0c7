"""The machine's rates: measured once, kept, and measured anew where something changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gemma_mlx.benchmarks.workload import Workload, model_config
from gemma_mlx.settings import RunSettings
from gemma_mlx.training import calibration
from gemma_mlx.training.calibration import calibrate
from gemma_mlx.training.forecast import memory_forecast


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_SIZES", (64,))


@pytest.mark.usefixtures("small")
def test_rates_are_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calibration.json"
    first = calibrate(path)
    assert min(first.dense, first.quantized, first.dequantized) > 0 and first.backend in ("cpu", "gpu")
    monkeypatch.setattr(calibration, "rate_of", lambda product: pytest.fail("measured again"))
    assert calibrate(path) == first


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"key": "another machine"}'])
def test_what_is_not_of_this_machine_is_measured_anew(tmp_path: Path, kept: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(kept)
    found = calibrate(path)
    assert json.loads(path.read_text())["key"] == found.key


@pytest.mark.usefixtures("small")
def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert calibrate(tmp_path / "file" / "calibration.json").dense > 0


def test_seconds_are_operations_over_rate() -> None:
    config = model_config(Workload("gemma-2-nano", "equal", 1, 8, 8, 0.0, 1))
    found = memory_forecast(config, RunSettings(), longest=64, mean=64)
    machine = calibration.Calibration("key", "cpu", dense=1e9, quantized=5e8, dequantized=4e8)
    assert machine.seconds(found, quantized=False) == found.flops / 1e9
    assert machine.seconds(found, quantized=True) == found.flops / 5e8 and not machine.unpacks
    faster = calibration.Calibration("key", "cpu", dense=1e9, quantized=5e8, dequantized=8e8)
    assert faster.seconds(found, quantized=True) == found.flops / 8e8 and faster.unpacks
