"""What the window reads of a run's folder: settings, curves, samples; and the notes that it writes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Event, Metrics, Progress, Sample
from gemma_mlx.library import store
from gemma_mlx.settings import RunSettings

RESUMABLE = ("paused", "interrupted", "failed", "stopped")
"""States that a run can go on from (a stopped one published its adapter, and may still go on)."""
NOTES = "notes.txt"
"""The trainer writes run.json whole at each checkpoint, so notes have a file of their own."""


@dataclass
class History:
    """Curves by the names of metrics.jsonl, as (steps, values), and samples in their order."""

    curves: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        return self.curves.get(name, ([], []))

    def latest(self, name: str) -> float | None:
        values = self.curve(name)[1]
        return values[-1] if values else None

    def take(self, event: Event) -> bool:
        """Add what an event says; whether it said something for this."""
        if isinstance(event, Metrics):
            for name, value in event.values.items():
                steps, values = self.curves.setdefault(name, ([], []))
                if not steps or event.step > steps[-1]:
                    steps.append(event.step)
                    values.append(value)
        elif isinstance(event, Sample):
            self.samples.append(event)
        elif isinstance(event, Progress) and event.stage == "Resuming":
            self.forget_after(event.done)
        else:
            return False
        return True

    def forget_after(self, step: int) -> None:
        """Drop what a resumed run will do again."""
        for steps, values in self.curves.values():
            kept = sum(1 for at in steps if at <= step)
            del steps[kept:], values[kept:]
        self.samples = [sample for sample in self.samples if sample.step <= step]

    def sampled_steps(self) -> list[int]:
        return sorted({sample.step for sample in self.samples})

    def sample(self, step: int, prompt: str) -> str | None:
        """The answer to a prompt at a step; None where there is none."""
        found = [sample.text for sample in self.samples if (sample.step, sample.prompt) == (step, prompt)]
        return found[-1] if found else None

    def prompts(self) -> list[str]:
        return list(dict.fromkeys(sample.prompt for sample in self.samples))


def read_history(folder: Path) -> History:
    """The curves and samples on disk; lines that a crash cut short are left out."""
    history = History()
    for entry in _lines(folder / "metrics.jsonl"):
        step = entry.pop("step", None)
        numbers = {name: float(value) for name, value in entry.items() if isinstance(value, int | float)}
        if isinstance(step, int):
            history.take(Metrics(step, numbers))
    for entry in _lines(folder / "samples.jsonl"):
        if isinstance(entry.get("step"), int):
            text, prompt = str(entry.get("text", "")), str(entry.get("prompt", ""))
            history.take(Sample(entry["step"], prompt, text))
    return history


def read_run_settings(folder: Path) -> RunSettings | None:
    """What the run was started with; None where run.json cannot be read."""
    try:
        about = store.read_json(folder / "run.json")
        return check_settings(RunSettings, about.get("settings", {}), str(folder))
    except GemmaError:
        return None


def read_notes(folder: Path) -> str:
    try:
        return (folder / NOTES).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def write_notes(folder: Path, text: str) -> None:
    """Raises GemmaError `cannot-write`."""
    store.atomic_write(folder / NOTES, text.encode())


def _lines(path: Path) -> list[dict[str, Any]]:
    entries = []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries
