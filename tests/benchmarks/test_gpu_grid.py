"""The figures of a large GPU: every case is one that runs, and what is known is written at once."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from gemma_mlx.benchmarks import gpu_grid
from gemma_mlx.benchmarks.compare import Job
from gemma_mlx.benchmarks.gpu_grid import SMALL_BUFFERS, Case, cases, equal_rows, main, measure
from gemma_mlx.benchmarks.sides import SIDES
from gemma_mlx.benchmarks.workload import SHAPES, examples
from gemma_mlx.errors import GemmaError


def test_cases_name_sides_and_shapes_that_exist() -> None:
    found = list(cases())
    assert {case.side for case in found} <= set(SIDES) and {case.work.shape for case in found} <= set(SHAPES)
    assert len({case.name for case in found}) == len(found)
    work = equal_rows("gemma-2-2b", 4, 64, 3)
    assert len(examples(work)) == 12 and {len(row.ids) for row in examples(work)} == {65}


def test_small_buffers_are_for_their_case_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_MAX_OPS_PER_BUFFER", "50")
    seen: list[str | None] = []

    def look(job: Job, side: str) -> dict[str, float]:
        seen.append(os.environ.get("MLX_MAX_OPS_PER_BUFFER"))
        return {"peak_bytes": 2.0, "weights_bytes": 1.0}

    monkeypatch.setattr(gpu_grid, "run_side", look)
    work = equal_rows("gemma-2-2b", 1, 8, 1)
    assert measure(Case("a", "ours", work, True))["total_bytes"] == 3
    measure(Case("b", "ours", work))
    assert seen == [SMALL_BUFFERS["MLX_MAX_OPS_PER_BUFFER"], "50"]
    assert "MLX_MAX_MB_PER_BUFFER" not in os.environ


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
