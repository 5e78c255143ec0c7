"""One program for a CUDA machine: PyTorch CUDA recorded, MLX CUDA compared with it, in one run.

    python tests/equivalence/device_job.py OUT --work FOLDER --steps record --seconds 520
    python tests/equivalence/device_job.py OUT --work FOLDER --steps compare --seconds 520

Each part runs in processes of its own (first torch, then MLX). What is known is written after each, so that a
run that is cut off has told what it did. Needs torch, transformers, peft, and MLX's CUDA build with pydantic.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

# Training tokens and steps of each size; whether fp32 gradients fit beside the weights; our precisions.
SIZES: dict[str, dict[str, Any]] = {
    "gemma-3-1b": {"train": 832, "gold": True, "precisions": "fp32,bf16"},
    "gemma-2-2b": {"train": 512, "gold": True, "precisions": "fp32,bf16"},
    "gemma-3-4b": {"train": 1344, "gold": True, "precisions": "fp32,bf16"},
    "gemma-2-9b": {"train": 512, "gold": True, "precisions": "bf16"},
    "gemma-3-12b": {"train": 512, "gold": True, "precisions": "bf16"},
    "gemma-2-27b": {"train": 256, "gold": False, "precisions": "bf16"},
}
KEPT_RECORDINGS = ("tiny", "gemma-3-1b")
SIDE_BY_SIDE = "tiny"
"""This part runs beside the others: it waits for launches, not for the GPU."""


class Job:
    """The parts of one run, their rows, and the clock."""

    def __init__(self, out: Path, work: Path, device: str, seconds: float, steps: str) -> None:
        self.out, self.work, self.device, self.steps = out, work, device, steps
        self.deadline = time.monotonic() + seconds
        self.parts: dict[str, Any] = {}
        self.lock = threading.Lock()
        out.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)

    def say(self, words: str) -> None:
        left = self.deadline - time.monotonic()
        with self.lock, (self.out / "log.txt").open("a", encoding="utf-8") as log:
            line = f"[{left:5.0f} s left] {words}"
            print(line, flush=True)
            log.write(line + "\n")

    def run(self, part: str, step: str, command: list[str]) -> bool:
        """One process, its words passed on; False where it failed or the time was up."""
        left = self.deadline - time.monotonic()
        if left < 20:
            self.say(f"{part}, {step}: no time left")
            return False
        started = time.monotonic()
        path = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
        quiet = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore", "MLX_ENABLE_TF32": "0"}
        environment = {**os.environ, "PYTHONPATH": path, **quiet}
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        timer = threading.Timer(left - 8, process.kill)
        timer.start()
        assert process.stdout is not None
        for line in process.stdout:
            self.say(f"{part}, {step}: {line.rstrip()}")
        status = process.wait()
        timer.cancel()
        self.say(f"{part}, {step}: status {status} after {time.monotonic() - started:.0f} s")
        return status == 0

    def do(self, part: str) -> None:
        """Records and compares one part."""
        recording = self.work / f"{part}.safetensors"
        result = self.work / f"{part}.json"
        module = ["-m", "gemma_mlx.verification.record"]
        if part == "tiny":
            command = [*module, "tiny", str(recording), "--device", self.device]
        else:
            size = SIZES[part]
            command = [
                *module,
                "shape",
                part,
                str(recording),
                "--device",
                self.device,
                "--train-tokens",
                str(size["train"]),
            ]
            command += [] if size["gold"] else ["--no-gold-training"]
        self.parts[part] = {"state": "recording"}
        recorded = recording.exists() or ("record" in self.steps and self.run(part, "torch", command))
        if recorded and part in KEPT_RECORDINGS:
            shutil.copy(recording, self.out / recording.name)
        if recorded and "compare" not in self.steps:
            self.parts[part] = {"state": "recorded"}
            return
        compared = recorded and self.run(
            part, "mlx", [str(Path(__file__)), "--compare", str(recording), str(result), "--part", part]
        )
        state = "done" if compared else "comparison failed" if recorded else "recording failed"
        with self.lock:
            rows = [json.loads(line) for line in result.read_text().splitlines()] if result.exists() else []
            self.parts[part] = {"state": state, "rows": rows}
        self.write()

    def write(self) -> None:
        """Everything known so far: results.json, and report.md for people."""
        from gemma_mlx.verification.report import Row, failures, markdown_table, summary

        with self.lock:
            (self.out / "results.json").write_text(json.dumps(self.parts, indent=1), encoding="utf-8")
            text = ["# MLX's backend against PyTorch on one machine\n"]
            for part, known in self.parts.items():
                lines = known.get("rows", [])
                header = next((line["about"] for line in lines if "about" in line), "")
                rows = [Row(**line) for line in lines if "about" not in line]
                counts = summary(rows)
                text.append(
                    f"## {part}: {known['state']}, {counts['passed']} passed, {counts['failed']} failed\n"
                )
                text += [
                    header,
                    "",
                    markdown_table(failures(rows)) if failures(rows) else "",
                    markdown_table(rows),
                ]
            (self.out / "report.md").write_text("\n".join(text), encoding="utf-8")


def compare(recording_path: Path, result: Path, part: str) -> int:
    """The MLX side of one part, in a process of its own; a line for each row as soon as it is known."""
    import mlx.core as mx

    from gemma_mlx.verification import compare as tiny
    from gemma_mlx.verification import compare_model
    from gemma_mlx.verification.recording import read_recording
    from gemma_mlx.verification.replay import prepare_mlx

    prepare_mlx()
    recording = read_recording(recording_path)
    device = f"{mx.default_device()}, {mx.device_info().get('device_name', 'CPU')}"
    gold = f"{recording.origin} ({recording.manifest['versions']})"
    about = f"Gold: {gold}. Compared: MLX {mx.__version__} on {device}."
    if part == "tiny":
        rows = tiny.compare_tiny(recording, progress=lambda name: print(name, flush=True))
    else:
        entry = recording.cases[part]
        print("seconds of the reference:", entry["seconds"], flush=True)
        precisions = SIZES[part]["precisions"].split(",")
        rows = compare_model.compare_shape(part, entry, recording.of(part), precisions=precisions)
    failed = 0
    with result.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"about": about}) + "\n")
        for row in rows:
            file.write(json.dumps(asdict(row)) + "\n")
            file.flush()
            failed += row.verdict == "FAIL"
            if part != "tiny" or row.verdict == "FAIL":
                print(
                    f"{row.verdict} {row.case} {row.precision} {row.quantity}: {row.measured:.3g} "
                    f"(limit {row.limit}, own {row.noise}) {row.note}", flush=True,
                )  # fmt: skip
    print(f"peak memory {mx.get_peak_memory() / 1e9:.1f} GB, failed rows {failed}", flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--parts", default=",".join(["tiny", *SIZES]))
    parser.add_argument("--seconds", type=float, default=520)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "gemma-mlx-device-job")
    parser.add_argument(
        "--steps", default="record,compare", help="record and compare may be runs of their own"
    )
    parser.add_argument("--device", default="cuda", choices=["cpu", "cuda"])
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("RECORDING", "RESULT"))
    parser.add_argument("--part", default="tiny")
    given = parser.parse_args()
    if given.compare:
        return compare(given.compare[0], given.compare[1], given.part)
    job = Job(given.out, given.work, given.device, given.seconds, given.steps)
    parts = given.parts.split(",")
    beside = threading.Thread(target=job.do, args=(SIDE_BY_SIDE,)) if SIDE_BY_SIDE in parts else None
    if beside is not None:
        beside.start()
    for part in parts:
        if part != SIDE_BY_SIDE:
            job.do(part)
    if beside is not None:
        beside.join()
    states = {part: known["state"] for part, known in job.parts.items()}
    job.say(str(states))
    return 0 if all(state in ("done", "recorded") for state in states.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
