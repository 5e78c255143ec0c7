"""The grid that the forecast is compared on."""

from __future__ import annotations

import json
import sys

import pytest

from gemma_mlx.benchmarks.forecast_grid import (
    Case,
    acceptance,
    cases,
    config_of,
    forecast_of,
    main,
    measured_peak,
    measured_time,
    recorded_rows,
    time_cases,
)
from gemma_mlx.benchmarks.workload import Workload
from gemma_mlx.training import calibration, time_probe
from gemma_mlx.training.backend import backend


def test_the_grid_varies_everything_with_and_without_checkpointing() -> None:
    grid = cases()
    for name in ("hidden", "inner", "layers", "vocabulary", "rows", "length", "bits", "chunk", "rank"):
        assert len({getattr(case, name) for case in grid}) > 1, name
    assert sum(case.checkpointing for case in grid) * 2 == len(grid) == len({case.name for case in grid})
    assert len(cases(quick=True)) < len(grid)


def test_a_measured_peak_is_near_its_forecast() -> None:
    """A run is held to it, and takes about as much at the least as the factors say."""
    case = Case(inner=256, layers=2, rows=1)
    forecast = forecast_of(case, backend())
    assert 0.75 < forecast.above_weights / measured_peak(case) < 1.33
    assert 0.75 < forecast.least_above_weights / measured_peak(case, least=True) < 1.33


def test_recorded_rows_carry_their_error() -> None:
    for row in recorded_rows():
        assert row["error"] == row["forecast_bytes"] / row["measured_bytes"] - 1


def test_times_are_measured_of_more_layers_than_the_probe_takes() -> None:
    grid = time_cases()
    assert len(grid) == len(cases()) + 2 == len({case.name for case in grid})
    for case in grid:
        windows = config_of(case).layer_windows
        kinds = {window if window and window < case.length else None for window in windows}
        assert case.layers // len(kinds) > 1 + time_probe.MOST_MORE // len(kinds), case.name
    assert sum("window" in case.name for case in grid) == 2


def test_a_step_is_timed_beside_its_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_probe, "LEAST_SECONDS", 0.0)
    case = Case(hidden=32, inner=64, layers=12, vocabulary=64, rows=1, length=16)
    found = measured_time(case)
    assert found["measured"] > 0 and found["seconds_per_step"] > 0 and found["error"] > -1
    assert found["layers"] == found["measured_layers"] == 12 and len(found["stacks"]) == 2


def test_a_workload_of_the_gpu_grid_is_forecast(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibration, "_SIZES", (64,))
    monkeypatch.setattr(time_probe, "LEAST_SECONDS", 0.0)
    for compiled in (True, False):
        work = Workload(
            "gemma-2-nano", "equal", 2, 16, 16, 0.0, 2, vocabulary=512, compiled=compiled, unpack=True
        )
        monkeypatch.setattr(sys, "argv", ["forecast_grid", "time", json.dumps(work.as_dict())])
        main()
        assert json.loads(capsys.readouterr().out)["forecast_seconds"] > 0


def test_the_acceptance_names_the_farthest() -> None:
    rows = [{"case": name, "where": "here", "error": error} for name, error in (("a", 0.1), ("b", -0.16))]
    assert acceptance(rows) == "At most 15% off: 1 of 2, not accepted; the farthest is -16% (b, here)."
    assert "1 of 1, accepted" in acceptance(rows[:1])
