"""Absolute figures of a large GPU: speed and peak memory of real sizes, each in a process of its own.

Beside the time of a step stands the one that is forecast of it, where no ceiling makes the step wait.

`python -m gemma_mlx.benchmarks.gpu_grid FILE.json [--seconds 500] [--only lean]` writes what is known after
each case, so that a run that is cut off has told what it measured. For a machine that nobody else uses.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemma_mlx.benchmarks.compare import Job, run_side
from gemma_mlx.benchmarks.forecast_grid import H200_LEAST
from gemma_mlx.benchmarks.workload import Workload
from gemma_mlx.errors import GemmaError
from gemma_mlx.library.store import write_json


@dataclass(frozen=True)
class Case:
    """One side's figures on one workload."""

    name: str
    side: str
    work: Workload


def equal_rows(shape: str, rows: int, length: int, steps: int, **how: Any) -> Workload:
    """`steps` batches of `rows` equally long rows, all tokens with loss, after as many that warm up."""
    return Workload(shape, "equal", rows * steps, length, length, 0.0, rows, warm=True, **how)


def cases() -> Iterator[Case]:
    """What a release's notes tell of an H200, the most wanted first."""
    lean: dict[str, Any] = {"checkpointing": True, "compiled": True, "unpack": True}
    fast: dict[str, Any] = {"compiled": True, "unpack": True, "loss_chunk": 1024}

    def four(**how: Any) -> Workload:
        return equal_rows("gemma-2-2b", 4, 1024, 4, **how)

    yield Case("lean 2B 4 x 1024, ceiling 5 GB", "ours", four(**lean, memory_limit_gb=5))
    yield Case("lean 2B 4 x 1024", "ours", four(**lean))
    yield Case("peer 2B 4 x 1024, checkpointing", "peer", four(checkpointing=True))
    yield Case("fast 2B 4 x 1024", "ours", four(**fast))
    yield Case("peer 2B 4 x 1024", "peer", four())
    for shape, ceiling in (("27b", 24), ("9b", 11)):
        work = equal_rows(f"gemma-2-{shape}", 1, 2048, 2, **lean, memory_limit_gb=ceiling)
        yield Case(f"lean {shape.upper()} 1 x 2048, ceiling {ceiling} GB", "ours", work)
    for length in (1024, 2048, 4096, 8192):
        yield Case(f"lean 2B 1 x {length}", "ours", equal_rows("gemma-2-2b", 1, length, 2, **lean))
    packed: dict[str, Any] = {"checkpointing": True, "unpack": True}
    yield Case("packed 2B 4 x 1024, not compiled", "ours", four(**packed))
    yield Case("reference 2B 4 x 1024, 16 bit", "reference", four())
    for shape, rows, length, checkpointing, chunk, _ in H200_LEAST:
        # Under a ceiling that nothing fits MLX waits at each operation: what the forecast is fitted to.
        how = {**fast, "loss_chunk": chunk, "checkpointing": checkpointing, "memory_limit_gb": 0.001}
        name = f"at the least {shape}, {rows} x {length}{', checkpointing' if checkpointing else ''}"
        yield Case(name, "ours", equal_rows(shape, rows, length, 1, **how))


def measure(case: Case) -> dict[str, Any]:
    """The case's figures, or what went wrong."""
    row: dict[str, Any] = {"case": case.name, "side": case.side, "work": case.work.as_dict()}
    try:
        row |= run_side(Job(case.name, "sides", case.work), case.side)
        row["total_bytes"] = row["peak_bytes"] + row["weights_bytes"]
        row["seconds_per_step"] = row["seconds"] * case.work.batch_size / case.work.rows
        if case.side == "ours" and case.work.memory_limit_gb is None:
            row |= run_side(Job(f"{case.name}, forecast", "forecast_grid", case.work), "time")
            row["time_error"] = row["forecast_seconds"] / row["seconds_per_step"] - 1
    except GemmaError as problem:
        row["failed"] = problem.what
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=500.0)
    parser.add_argument("--only", default="", help="cases with this in their name")
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    rows: list[dict[str, Any]] = []
    for case in cases():
        if arguments.only in case.name and time.monotonic() < deadline:
            rows.append(measure(case))
            write_json(arguments.file, {"rows": rows})
            sys.stdout.write(json.dumps({k: v for k, v in rows[-1].items() if k != "work"}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
