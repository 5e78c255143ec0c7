"""Both sides in turn, each in a process of its own, repeated in pairs: medians, ratios, Markdown and JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from gemma_mlx import __version__
from gemma_mlx.benchmarks.forecast_grid import acceptance
from gemma_mlx.benchmarks.generation import Generation
from gemma_mlx.benchmarks.workload import Workload
from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Event, Progress
from gemma_mlx.training.calibration import Calibration
from gemma_mlx.training.memory import total_memory
from gemma_mlx.training.run_folder import versions

SIDES = ("ours", "peer")
REFERENCE = "reference"
"""transformers with PEFT, measured beside them in training where PyTorch is installed."""

_LIMIT_SECONDS = 4 * 3600
_SMALLER_IS_BETTER = ("_bytes", "_seconds")
_HIDDEN = ("seconds", "tokens", "weights_bytes")


@dataclass(frozen=True)
class Job:
    """One row of a comparison: a module that measures one side, and what it measures."""

    name: str
    module: str
    work: Workload | Generation


def jobs(backend: str, kinds: Sequence[str], *, quick: bool = False) -> list[Job]:
    """What is measured on a backend: `kinds` of "training" and "generation"."""
    if quick:
        training = {
            "a quick look: chat rows": Workload("gemma-2-nano", "chat", 4, 24, 48, 0.7, 2, vocabulary=2048)
        }
        generation = {
            "a quick look": Generation(
                "gemma-2-nano", prompt=32, answer=8, turn=16, turns=3, turn_answer=2, vocabulary=2048
            )
        }
    elif backend == "cpu":
        # In 16 bit: MLX's quantized products on CPUs, which we go around, would decide everything.
        training = {
            "chat rows, mean 200, longest 2048, 70 % masked": Workload(
                "gemma-2-nano", "chat", 8, 200, 2048, 0.7, 4, bits=None
            ),
            "equal rows of 128, nothing masked": Workload(
                "gemma-2-nano", "equal", 8, 128, 128, 0.0, 4, bits=None
            ),
        }
        generation = {"Gemma 2, nano, 16 bit": Generation("gemma-2-nano", bits=None, answer=64)}
        for window in (4096, 512):
            # In a small model attention outweighs the products: what a late turn costs, real layers tell.
            name = f"two layers of the 2B, 16 bit, window {window}"
            generation[name] = Generation(
                "gemma-2-2b, 2 layers", bits=None, prompt=128, answer=16, turn_answer=4, window=window
            )
    else:
        training = {
            "2B, chat rows, mean 200, longest 2048, 70 % masked": Workload(
                "gemma-2-2b", "chat", 64, 200, 2048, 0.7, 4, warm=True
            ),
            "2B, equal rows of 512, nothing masked": Workload(
                "gemma-2-2b", "equal", 16, 512, 512, 0.0, 4, warm=True
            ),
            "2B, equal rows of 1024, checkpointing": Workload(
                "gemma-2-2b", "equal", 16, 1024, 1024, 0.0, 4, checkpointing=True, warm=True
            ),
        }
        generation = {
            f"2B, {bits or 16} bit, window {window}": Generation("gemma-2-2b", bits=bits, window=window)
            for bits in (4, None)
            for window in (4096, 512)
        }
    found = []
    if "training" in kinds:
        found += [Job(f"training: {name}", "sides", work) for name, work in training.items()]
    if "generation" in kinds:
        found += [Job(f"generation: {name}", "generation", work) for name, work in generation.items()]
    return found


def run_side(job: Job, side: str) -> dict[str, float]:
    """What one side measures, in a new process.

    Raises:
        GemmaError: "bench-failed", with the last line that the process said.
    """
    command = [sys.executable, "-m", f"gemma_mlx.benchmarks.{job.module}", side]
    try:
        ended = subprocess.run(
            [*command, json.dumps(job.work.as_dict())], capture_output=True, text=True,
            timeout=_LIMIT_SECONDS, env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        )  # fmt: skip
        found = json.loads(ended.stdout.splitlines()[-1]) if ended.returncode == 0 else None
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        found = None
    if not isinstance(found, dict):
        said = ended.stderr.strip().splitlines()[-1:] if "ended" in locals() else ["it took too long"]
        raise GemmaError(
            "bench-failed",
            f"The measurement ended without a result: {' '.join(said) or 'killed, perhaps for memory'}",
            where=f"{job.name}, {side}",
            fix="Close other programs, or try --quick.",
        )
    return {name: float(value) for name, value in found.items()}


def compare(
    chosen: Sequence[Job], repeats: int, measure: Callable[[Job, str], dict[str, float]] = run_side
) -> Iterator[Event | dict[str, Any]]:
    """Yields Progress, and after each job its row: {"name", "work", "pairs", "measures"}.

    The side that begins alternates, so that a machine that grows hot favours none. A ratio is the median of
    the pairs' ratios; above 1 is better for us, whatever is measured.
    """
    total, done = repeats * sum(len(sides_of(job)) for job in chosen), 0
    for job in chosen:
        sides = sides_of(job)
        pairs = []
        for repeat in range(repeats):
            pair = {}
            for side in sides if repeat % 2 == 0 else reversed(sides):
                yield Progress("Measuring", done, total, "runs", f"{job.name}, {side}")
                pair[side] = measure(job, side)
                done += 1
            pairs.append(pair)
        yield Progress("Measuring", done, total, "runs", job.name)
        yield {"name": job.name, "work": job.work.as_dict(), "pairs": pairs, "measures": summary(pairs)}


def sides_of(job: Job) -> tuple[str, ...]:
    """Who is measured in a job."""
    with_reference = job.module == "sides" and all(find_spec(name) is not None for name in ("torch", "peft"))
    return (*SIDES, REFERENCE) if with_reference else SIDES


def summary(pairs: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Medians of both sides and the median ratio, for each measure."""
    found = {}
    for name in pairs[0]["ours"]:
        if name in _HIDDEN or name not in pairs[0]["peer"]:
            continue
        ratios = []
        for pair in pairs:
            ours, peer = pair["ours"][name], pair["peer"][name]
            above, below = (peer, ours) if name.endswith(_SMALLER_IS_BETTER) else (ours, peer)
            ratios.append(above / below if below else float("nan"))
        found[name] = {
            "ours": statistics.median(pair["ours"][name] for pair in pairs),
            "peer": statistics.median(pair["peer"][name] for pair in pairs),
            "ratio": statistics.median(ratios),
            "lowest_ratio": min(ratios),
            "highest_ratio": max(ratios),
        }
        if all(name in pair.get(REFERENCE, {}) for pair in pairs):
            found[name][REFERENCE] = statistics.median(pair[REFERENCE][name] for pair in pairs)
    return found


def machine(calibration: Calibration) -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "device": calibration.key,
        "backend": calibration.backend,
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": total_memory(),
        "dense_product_flops": calibration.dense,
        "quantized_product_flops": calibration.quantized,
        "dequantized_product_flops": calibration.dequantized,
        "versions": versions(),
        "measured": time.strftime("%Y-%m-%d"),
        "environment": {name: value for name, value in os.environ.items() if name.startswith("MLX_")},
    }


def markdown(document: dict[str, Any]) -> str:
    """A report to post: the machine, and a table with a row for each measure."""
    about = document["machine"]
    names = about["versions"]
    lines = [
        f"Measured {about['measured']} on {about['device']}, {about['cores']} cores, "
        f"{about['memory_bytes'] / 1e9:.0f} GB; mlx {names.get('mlx', '?')}, "
        f"mlx-lm {names.get('mlx-lm', '?')}, gemma-mlx {__version__}. Products with 256 rows: "
        f"{about['dense_product_flops'] / 1e9:,.1f} GFLOP/s in bf16, "
        f"{about['quantized_product_flops'] / 1e9:,.1f} in 4 bit, "
        f"{about['dequantized_product_flops'] / 1e9:,.1f} in 4 bit dequantized first.",
        "",
    ]
    if document.get("rows"):
        lines += [
            "| measurement | ours | mlx-lm | ours better by | lowest to highest | transformers + PEFT |",
            "|---|--:|--:|--:|--:|--:|",
        ]
    for row in document.get("rows", []):
        for name, found in row["measures"].items():
            ours, peer = (_shown(name, found[side]) for side in SIDES)
            spread = f"{found['lowest_ratio']:.2f} to {found['highest_ratio']:.2f}"
            reference = _shown(name, found[REFERENCE]) if REFERENCE in found else ""
            lines.append(
                f"| {row['name']}; {_words(name)} | {ours} | {peer} | {found['ratio']:.2f} x | {spread} | "
                f"{reference} |"
            )
    if document.get("forecast"):
        for unit, words in (("bytes", "peak above the weights"), ("seconds", "time of a step")):
            rows = [row for row in document["forecast"] if f"measured_{unit}" in row]
            if not rows:
                continue
            off = "off" if unit == "bytes" else "off, by the median of paired rounds"
            lines += ["", f"| forecast of the {words} | where | measured | forecast | {off} |"]
            lines += ["|---|---|--:|--:|--:|"]
            for row in rows:
                shown = [row[f"{name}_{unit}"] for name in ("measured", "forecast")]
                texts = [f"{v / 1e6:,.1f} MB" if unit == "bytes" else f"{v:.3f} s" for v in shown]
                lines.append(
                    f"| {row['case']} | {row['where']} | {texts[0]} | {texts[1]} | {row['error']:+.0%} |"
                )
            lines += ["", acceptance(rows)]
    return "\n".join(lines) + "\n"


def _words(name: str) -> str:
    name = "peak memory above the weights" if name == "peak_bytes" else name
    return name.removesuffix("_seconds").removesuffix("_bytes").replace("_", " ")


def _shown(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        return f"{value / 1e6:,.0f} MB"
    if name.endswith("_seconds"):
        return f"{value:.3g} s"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
