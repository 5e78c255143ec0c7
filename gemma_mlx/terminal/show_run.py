"""A training run for people: its state, its curves in one line each, its samples and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.markup import escape

from gemma_mlx.settings import RunSettings
from gemma_mlx.terminal.output import Output, bars, time_text
from gemma_mlx.training.run_folder import RunFolder, flatten

CURVES = {
    "train_loss": "training loss",
    "validation_loss": "validation loss",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
    "tokens_per_second": "tokens/s",
}

BESIDE_CURVE = 48
"""Columns of the terminal beside a curve: its label, three numbers of up to nine digits, the gaps."""


def describe(folder: Path) -> dict[str, Any]:
    """The run in a folder as one document.

    Raises:
        TrainingError, SettingsError: run.json cannot be read.
    """
    run = RunFolder(folder)
    settings = run.open()
    about = run.about
    metrics = run.lines("metrics.jsonl")
    checkpoints = sorted(entry.name for entry in folder.glob("checkpoints/step-*") if entry.is_dir())
    return {
        "kind": "run",
        "folder": str(folder),
        **{name: about.get(name) for name in ("name", "state", "created", "step", "total_steps")},
        **{name: about.get(name) for name in ("best_step", "best_loss", "parameters", "versions", "notes")},
        "settings": settings.model_dump(mode="json"),
        "changed_settings": _changed(settings),
        "curves": {
            name: [[entry.get("step"), entry[name]] for entry in metrics if name in entry] for name in CURVES
        },
        "seconds": _seconds(metrics),
        "samples": run.lines("samples.jsonl"),
        "checkpoints": checkpoints,
        "adapter": str(folder / "adapter") if (folder / "adapter").is_dir() else None,
    }


def _changed(settings: RunSettings) -> dict[str, Any]:
    """The settings that differ from their defaults, by dotted name."""
    standard = flatten(RunSettings().model_dump(mode="json"))
    return {
        name: value
        for name, value in flatten(settings.model_dump(mode="json")).items()
        if standard.get(name, None) != value
    }


def _seconds(metrics: list[dict[str, Any]]) -> float:
    """Time spent in training steps."""
    return sum(
        entry["tokens"] / entry["tokens_per_second"]
        for entry in metrics
        if entry.get("tokens_per_second") and "tokens" in entry
    )


def draw(document: dict[str, Any], out: Output) -> None:
    """The document for people."""
    out.say(
        f"[bold]{escape(document['folder'])}[/], begun {document['created']}\n{document['state']}, step "
        f"{document['step']} of {document['total_steps']}, {time_text(document['seconds'])} of training"
    )
    if document["parameters"]:
        trainable, whole = document["parameters"]["trainable"], document["parameters"]["all"]
        out.say(f"{trainable:,} of {whole:,} parameters trained ({100 * trainable / whole:.2f} %)")
    rows = []
    width = max(8, min(60, out.stdout.width - BESIDE_CURVE))
    for name, label in CURVES.items():
        values = [value for _, value in document["curves"][name]]
        if values:
            curve = bars(values, width=width)
            rows.append((label, f"{values[0]:.4g}", curve, f"{values[-1]:.4g}", f"{min(values):.4g}"))
    out.table(("Curve", ">First", "", ">Last", ">Lowest"), rows)
    if document["best_loss"] is not None:
        out.say(f"best validation loss {document['best_loss']:.4f} at step {document['best_step']}")
    _draw_samples(document["samples"], out)
    out.table(
        ("Setting", "Value"), [(name, value) for name, value in document["changed_settings"].items()],
        title="\nSettings that differ from the defaults",
    )  # fmt: skip
    out.say(f"checkpoints: {', '.join(document['checkpoints']) or 'none'}")
    if document["adapter"]:
        out.say(f"adapter: {escape(document['adapter'])}")


def _draw_samples(samples: list[dict[str, Any]], out: Output) -> None:
    """The first and the last answer to each prompt."""
    for prompt in dict.fromkeys(entry["prompt"] for entry in samples):
        answers = [entry for entry in samples if entry["prompt"] == prompt]
        out.say(f"\n[bold]{escape(prompt)}[/]")
        for entry in [answers[0], *answers[1:][-1:]]:
            out.say(escape(f"  step {entry['step']}: {' '.join(entry['text'].split())}"))
