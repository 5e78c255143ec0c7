"""The figures of a large GPU: every case is one that runs, and what is known is written at once."""

from __future__ import annotations

import json
import sys
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


def test_what_a_case_takes_in_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_grid, "run_side", lambda job, side: {"peak_bytes": 2.0, "weights_bytes": 1.0})
    assert measure(Case("a", "ours", equal_rows("gemma-2-2b", 1, 8, 1)))["total_bytes"] == 3


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
