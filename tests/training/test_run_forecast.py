"""A run's forecast: from its own rows, in the steps that the trainer will make."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.settings import DataSettings, LoraSettings, RunSettings, TrainSettings
from gemma_mlx.training import calibration
from gemma_mlx.training.run_forecast import forecast_run
from tests.command_line import write_rows


@pytest.fixture
def settings(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSettings:
    monkeypatch.setattr(calibration, "_SIZES", (64,))
    data = DataSettings(dataset=str(write_rows(tmp_path / "rows.jsonl", 24)), validation_split=0)
    return RunSettings(
        model=str(tiny_model), lora=LoraSettings(rank=4), data=data,
        training=TrainSettings(batch_size=4, epochs=2),
    )  # fmt: skip


def test_steps_rows_and_peak_are_the_runs_own(settings: RunSettings) -> None:
    found = forecast_run(settings, allowed=10**9)
    assert found.steps == 12 and found.seconds > 0 and found.fix == ""
    assert 0 < found.rows.mean <= found.rows.longest and 0 < found.rows.loss_share < 1
    assert 0 < found.forecast.total < 10**8
    assert found.tokens == 12 * round(4 * found.rows.mean)


def test_where_it_does_not_fit_a_way_is_named(settings: RunSettings) -> None:
    total = forecast_run(settings).forecast.total
    assert "It fits with" in forecast_run(settings, allowed=int(total * 0.9)).fix
    assert "smaller model" in forecast_run(settings, allowed=1000).fix
