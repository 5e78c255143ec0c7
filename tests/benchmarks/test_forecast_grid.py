"""The grid that the forecast is compared on."""

from __future__ import annotations

from gemma_mlx.benchmarks.forecast_grid import Case, cases, forecast_of, measured_peak, recorded_rows
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
