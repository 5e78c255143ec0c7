"""Checkpoints: all that the next step depends on, published whole, with a manifest of SHA-256 sums."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import mlx.core as mx

from gemma_mlx.errors import TrainingError
from gemma_mlx.library.store import atomic_folder, sha256_file
from gemma_mlx.training.optimizer import Arrays, Optimizer

PARAMETERS = "parameters.safetensors"
OPTIMIZER = "optimizer.safetensors"
STATE = "state.json"
MANIFEST = "manifest.json"


@dataclass
class TrainState:
    """What a run knows beside weights and moments.

    `step` counts the updates made; what was due after `validated` of them (validation, samples) is done.
    """

    step: int = 0
    best_loss: float | None = None
    best_step: int | None = None
    evaluations_without_gain: int = 0
    validated: int = 0
    tokens: int = 0
    seconds: float = 0.0


def write_checkpoint(
    run: Path,
    state: TrainState,
    parameters: Arrays,
    optimizer: Optimizer,
    write_model: Callable[[Path], None],
) -> Path:
    """Publishes checkpoints/step-NNNNNN of a run folder and returns it; on return it is on disk for good.

    `write_model` puts what people use (the adapter's files) beside the exact state.
    """
    folder = folder_of(run, state.step)
    if folder.exists() and is_intact(folder) and _read_state(folder) == state:
        return folder
    with atomic_folder(folder, replace=True) as draft:
        write_model(draft)
        mx.save_safetensors(str(draft / PARAMETERS), parameters)
        mx.save_safetensors(str(draft / OPTIMIZER), optimizer.state())
        (draft / STATE).write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
        sums = {
            str(file.relative_to(draft)): sha256_file(file)
            for file in sorted(draft.rglob("*"))
            if file.is_file()
        }
        manifest = {"format": 1, "optimizer_steps": optimizer.steps, "sha256": sums}
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return folder


def folder_of(run: Path, step: int) -> Path:
    """Where the checkpoint after this many updates is."""
    return run / "checkpoints" / f"step-{step:06d}"


def is_intact(folder: Path) -> bool:
    """Whether all files of a checkpoint are named by its manifest and there, unchanged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        sums = manifest["sha256"]
        whole = {PARAMETERS, OPTIMIZER, STATE} <= sums.keys() and isinstance(manifest["optimizer_steps"], int)
        return whole and all(sha256_file(folder / name) == digest for name, digest in sums.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def checkpoints(run: Path) -> list[Path]:
    """The checkpoint folders of a run, oldest first, intact or not."""
    found = [path for path in (run / "checkpoints").glob("step-*") if path.is_dir()]
    return sorted(found, key=lambda path: (len(path.name), path.name))  # step-1000000 after step-999999


def newest_intact(run: Path) -> tuple[Path | None, list[Path]]:
    """The newest checkpoint whose sums are right, and the newer ones whose sums are not."""
    damaged: list[Path] = []
    for folder in reversed(checkpoints(run)):
        if is_intact(folder):
            return folder, damaged
        damaged.append(folder)
    return None, damaged


def read_checkpoint(folder: Path, parameters: Arrays, optimizer: Optimizer) -> tuple[TrainState, Arrays]:
    """The state and parameters of an intact checkpoint; the optimizer takes up its moments.

    Raises:
        TrainingError: the checkpoint holds other parameters than this model's.
    """
    state = _read_state(folder)
    steps = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["optimizer_steps"]
    saved = _load(folder / PARAMETERS)
    if {name: array.shape for name, array in saved.items()} != {
        name: array.shape for name, array in parameters.items()
    }:
        raise TrainingError(
            "checkpoint-of-another-model", "The checkpoint holds other parameters than this run trains.",
            where=str(folder), fix="Resume with the model and adapter settings that the run began with.",
            kept="The checkpoint is as it was.",
        )  # fmt: skip
    optimizer.restore(_load(folder / OPTIMIZER), steps)
    # In the model's order, not the file's: the gradient norm sums in it, and sums round by order.
    return state, {name: saved[name].astype(parameters[name].dtype) for name in parameters}


def _read_state(folder: Path) -> TrainState:
    values = json.loads((folder / STATE).read_text(encoding="utf-8"))
    values.setdefault("validated", values["step"])  # earlier versions wrote none
    return TrainState(**values)


def prune(run: Path, keep: int, best_step: int | None) -> None:
    """Removes all but the newest `keep` checkpoints and the best one."""
    folders = checkpoints(run)
    for folder in folders[:-keep]:
        if best_step is None or folder != folder_of(run, best_step):
            shutil.rmtree(folder, ignore_errors=True)


def _load(path: Path) -> Arrays:
    arrays = mx.load(str(path))
    assert isinstance(arrays, dict)
    mx.eval(arrays)
    return arrays
