"""Comparing sides: paired, the beginner alternating, ratios above 1 always better for us."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from gemma_mlx.benchmarks import compare as module
from gemma_mlx.benchmarks.compare import Job, compare, jobs, machine, markdown, run_side, sides_of, summary
from gemma_mlx.benchmarks.workload import Workload
from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Progress
from gemma_mlx.training.calibration import Calibration

JOB = Job("rows", "sides", Workload("gemma-2-nano", "chat", 2, 8, 8, 0.0, 2))


def pair(ours: float, peer: float) -> dict[str, dict[str, float]]:
    return {
        "ours": {"tokens_per_second": ours, "peak_bytes": 10.0, "seconds": 1.0},
        "peer": {"tokens_per_second": peer, "peak_bytes": 40.0, "seconds": 1.0},
    }


def test_ratios_are_medians_of_pairs_and_larger_is_better() -> None:
    """The median of ratios, not the ratio of medians: machines drift between pairs."""
    found = summary([pair(30, 10), pair(2, 1), pair(100, 100)])
    speed, memory = found["tokens_per_second"], found["peak_bytes"]
    assert (speed["ratio"], speed["lowest_ratio"], speed["highest_ratio"]) == (2.0, 1.0, 3.0)
    assert (speed["ours"], speed["peer"], memory["ratio"]) == (30, 10, 4.0)
    assert found.keys() == {"tokens_per_second", "peak_bytes"}


def test_the_reference_stands_beside_where_it_was_measured() -> None:
    with_reference = [pair(30, 10) | {"reference": {"tokens_per_second": 20.0, "seconds": 1.0}}]
    found = summary(with_reference)
    assert found["tokens_per_second"]["reference"] == 20 and "reference" not in found["peak_bytes"]
    document = {
        "machine": machine(Calibration("a chip cpu MLX 1", "cpu", 2e9, 1e9, 1.5e9)),
        "rows": [{"name": "rows", "measures": found}],
    }
    assert "| 3.00 to 3.00 | 20.0 |" in markdown(document)


def test_the_reference_is_measured_in_training_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert sides_of(JOB) == ("ours", "peer")
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    assert sides_of(JOB) == ("ours", "peer", "reference")
    assert sides_of(Job("chat", "generation", JOB.work)) == ("ours", "peer")


def test_the_beginner_alternates_and_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    asked: list[str] = []

    def measure(job: Job, side: str) -> dict[str, float]:
        asked.append(side)
        return pair(2, 1)[side]

    found = list(compare([JOB], 3, measure))
    assert asked == ["ours", "peer", "peer", "ours", "ours", "peer"]
    steps = [event for event in found if isinstance(event, Progress)]
    assert [event.done for event in steps] == list(range(7)) and steps[0].total == 6
    (row,) = [each for each in found if isinstance(each, dict)]
    assert row["name"] == "rows" and len(row["pairs"]) == 3
    assert row["measures"]["tokens_per_second"]["ratio"] == 2.0


def test_a_side_that_fails_is_an_error_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Traceback\nMemoryError: no more")

    monkeypatch.setattr(module.subprocess, "run", fail)
    with pytest.raises(GemmaError) as caught:
        run_side(JOB, "peer")
    assert caught.value.code == "bench-failed" and "no more" in caught.value.what
    assert caught.value.where == "rows, peer"


def test_a_side_that_never_ends_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("python", 1)

    monkeypatch.setattr(module.subprocess, "run", hang)
    with pytest.raises(GemmaError, match="too long"):
        run_side(JOB, "ours")


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_there_is_work_for_every_backend(backend: str) -> None:
    kinds = {job.module for job in jobs(backend, ("training", "generation"))}
    assert kinds == {"sides", "generation"}
    assert {job.module for job in jobs(backend, ("training",))} == {"sides"}
    assert len(jobs(backend, ("training", "generation"), quick=True)) == 2


def test_the_report_names_machine_versions_and_ratios() -> None:
    document = {
        "machine": machine(Calibration("a chip cpu MLX 1", "cpu", 2e9, 1e9, 1.5e9)),
        "rows": [{"name": "chat rows", "measures": summary([pair(30, 10)])}],
        "forecast": [
            {"case": "tiny", "where": "here", "measured_bytes": 2e6, "forecast_bytes": 1.9e6, "error": -0.05},
            {"case": "deep", "where": "here", "measured_seconds": 2.0, "forecast_seconds": 2.4, "error": 0.2},
        ],
    }
    text = markdown(document)
    assert "a chip cpu MLX 1" in text and "2.0 GFLOP/s in bf16" in text and "mlx-lm" in text
    assert "| chat rows; tokens per second | 30.0 | 10.0 | 3.00 x | 3.00 to 3.00 |  |" in text
    assert "| tiny | here | 2.0 MB | 1.9 MB | -5% |" in text
    assert "At most 15% off: 1 of 1, accepted; the farthest is -5% (tiny, here)." in text
    assert "| deep | here | 2.000 s | 2.400 s | +20% |" in text
    assert "At most 15% off: 0 of 1, not accepted; the farthest is +20% (deep, here)." in text
