"""The figures of a large GPU: every case is one that runs, and what is known is written at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gemma_mlx.benchmarks import gpu_grid
from gemma_mlx.benchmarks.compare import Job
from gemma_mlx.benchmarks.gpu_grid import Case, cases, equal_rows, main, measure
from gemma_mlx.benchmarks.sides import SIDES
from gemma_mlx.benchmarks.workload import SHAPES, examples
from gemma_mlx.errors import GemmaError


def test_cases_name_sides_and_shapes_that_exist() -> None:
    found = list(cases())
    assert {case.side for case in found} <= set(SIDES) and {case.work.shape for case in found} <= set(SHAPES)
    assert len({case.name for case in found}) == len(found)
    work = equal_rows("gemma-2-2b", 4, 64, 3)
    assert len(examples(work)) == 12 and {len(row.ids) for row in examples(work)} == {65}


MEASURED = {"peak_bytes": 2.0, "weights_bytes": 1.0, "seconds": 6.0}


def answers(asked: list[tuple[str, str]], forecast: float | None) -> Callable[[Job, str], dict[str, float]]:
    """A side that answers at once; without a `forecast` the probe fails."""

    def answer(job: Job, side: str) -> dict[str, float]:
        asked.append((job.module, side))
        if side != "time":
            return MEASURED
        if forecast is None:
            raise GemmaError("bench-failed", "out of memory")
        return {"forecast_seconds": forecast}

    return answer


def test_what_a_case_takes_in_all_is_told_beside_the_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(gpu_grid, "run_side", answers(asked, 2.2))
    found = measure(Case("a", "ours", equal_rows("gemma-2-2b", 4, 8, 3)))
    assert found["total_bytes"] == 3 and found["seconds_per_step"] == 2.0
    assert found["time_error"] == pytest.approx(0.1)
    assert asked == [("sides", "ours"), ("forecast_grid", "time")]


def test_another_side_and_a_step_that_waits_are_not_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(gpu_grid, "run_side", answers(asked, 2.2))
    measure(Case("a", "peer", equal_rows("gemma-2-2b", 1, 8, 1)))
    measure(Case("a", "ours", equal_rows("gemma-2-2b", 1, 8, 1, memory_limit_gb=5)))
    assert "time" not in [side for _, side in asked]


def test_a_forecast_that_fails_takes_no_measurement_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_grid, "run_side", answers([], None))
    found = measure(Case("a", "ours", equal_rows("gemma-2-2b", 1, 8, 1)))
    assert found["failed"] == "out of memory" and found["seconds_per_step"] == 6.0


def test_a_case_that_fails_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(job: Job, side: str) -> dict[str, float]:
        raise GemmaError("bench-failed", "out of memory")

    monkeypatch.setattr(gpu_grid, "run_side", fail)
    monkeypatch.setattr(sys, "argv", ["gpu_grid", str(tmp_path / "grid.json"), "--only", "lean 2B"])
    main()
    rows = json.loads((tmp_path / "grid.json").read_text())["rows"]
    assert len(rows) == 6 and all(row["failed"] == "out of memory" for row in rows)
    assert len(capsys.readouterr().out.splitlines()) == 6
