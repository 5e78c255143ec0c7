"""gemma-mlx bench: a table and a document of what both sides measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gemma_mlx.benchmarks import compare, forecast_grid
from gemma_mlx.training import calibration
from tests.command_line import gemma


@pytest.fixture(autouse=True)
def no_real_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sides are measured in tests/benchmarks; here they answer at once."""

    def measure(job: compare.Job, side: str) -> dict[str, float]:
        return {"tokens_per_second": 20.0 if side == "ours" else 10.0, "peak_bytes": 5e6}

    found = {"measured": 2.0, "seconds_per_step": 1.9, "error": -0.05}
    monkeypatch.setattr(calibration, "_SIZES", (64,))
    monkeypatch.setattr(compare.compare, "__defaults__", (measure,))
    monkeypatch.setattr(forecast_grid, "measured_peak", lambda case, least=False: 10**7)
    monkeypatch.setattr(forecast_grid, "measured_time", lambda case: found)


def test_the_table_is_shown_and_kept(tmp_path: Path) -> None:
    said = gemma("bench", "--repeats", "2", "--out", tmp_path / "kept")
    assert said.status == 0, said.stderr
    assert "tokens per second | 20.0 | 10.0 | 2.00 x" in said.stdout
    document = json.loads((tmp_path / "kept" / "bench.json").read_text())
    assert all(len(row["pairs"]) == 2 for row in document["rows"]) and document["machine"]["versions"]["mlx"]
    assert (tmp_path / "kept" / "bench.md").read_text() in said.stdout


def test_one_kind_can_be_measured_alone() -> None:
    rows = gemma("bench", "training", "--quick", "--json").document["rows"]
    assert [row["name"].partition(":")[0] for row in rows] == ["training"]


def test_the_forecast_is_compared_with_peaks_and_times() -> None:
    document = gemma("bench", "forecast", "--quick", "--json").document
    assert document["rows"] == [] and len(document["forecast"]) > 8
    assert {"measured_bytes", "measured_seconds"} <= {key for row in document["forecast"] for key in row}
    said = gemma("bench", "forecast", "--quick", width=200).stdout
    assert "H200 (recorded)" in said and "| 2.000 s | 1.900 s | -5% |" in said
    assert "At most 15% off: 4 of 4, accepted" in said


def test_no_repeats_are_refused() -> None:
    assert gemma("bench", "--repeats", "0", "--json").error["code"] == "bad-settings"
