"""Runs killed at random moments, also while a checkpoint is written, end as one that was never killed.

GEMMA_MLX_KILLS sets how many kills there are (6 where it is not given).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("GEMMA_MLX_KILLS", "6"))


class Place:
    """A model, rows, and processes that train on them."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model = folder, model
        self.dataset = folder / "rows.jsonl"
        rows = [{"prompt": f"say {n}", "completion": "yes " * n} for n in range(1, 11)]
        self.dataset.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def start(self, run: Path) -> subprocess.Popen[str]:
        """A process that has begun to work on the run, its imports behind it."""
        command = [sys.executable, "-m", "tests.training.killed_run"]
        process = subprocess.Popen(
            [*command, str(self.model), str(self.dataset), str(run)], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        return process

    def finish(self, run: Path) -> float:
        """Runs to the end; gives the seconds after the imports."""
        process = self.start(run)
        started = time.monotonic()
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        return time.monotonic() - started

    def kill(self, run: Path, seconds: float, chance: random.Random) -> bool:
        """Kills a run after a random time or amid a checkpoint; False where it had finished before."""
        process = self.start(run)
        deadline = time.monotonic() + chance.uniform(0, seconds)
        amid = chance.random() < 0.5
        while process.poll() is None and (amid or time.monotonic() < deadline):
            if amid and any((run / "checkpoints").glob(".*.partial")):
                time.sleep(chance.uniform(0, 0.02))
                break
            time.sleep(0.0005)
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (0, -9), errors
        return process.returncode == -9


def left(run: Path) -> dict[str, Any]:
    """What must not depend on kills: weights and moments as bytes, curves, samples, results."""
    about = json.loads((run / "run.json").read_text())
    kept: dict[str, Any] = {name: about[name] for name in ("state", "step", "best_step", "best_loss")}
    for file in sorted([*run.glob("checkpoints/*/*.safetensors"), *run.glob("adapter/*.safetensors")]):
        kept[str(file.relative_to(run))] = file.read_bytes()
    curve = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    measured = ("tokens_per_second", "memory_bytes")
    kept["curve"] = [{name: row[name] for name in row if name not in measured} for row in curve]
    kept["partial"] = [str(path) for path in run.rglob("*.partial")]
    return kept


@pytest.mark.slow
def test_killed_runs_end_as_one_that_was_never_killed(tmp_path: Path, tiny_model: Path) -> None:
    place = Place(tmp_path, tiny_model)
    seconds = place.finish(tmp_path / "whole")
    expected = left(tmp_path / "whole")
    assert expected["state"] == "finished" and expected["step"] == 6 and len(expected) > 12
    chance = random.Random(KILLS)
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        run = tmp_path / f"run-{runs}"
        for _ in range(min(3, KILLS - kills)):
            killed = place.kill(run, seconds, chance)
            kills += killed
            if not killed:
                break
        place.finish(run)
        found = left(run)
        different = [name for name in expected if found.get(name) != expected[name]]
        assert not different, f"after {kills} kills, run {runs}: {different}"
    print(f"{kills} kills in {runs} runs: each ended with the bytes of the run that was never killed")
