"""A run on disk: run.json (settings, versions, hashes, state), metrics.jsonl, samples.jsonl."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import TrainingError
from gemma_mlx.library.atomic import locked_folder
from gemma_mlx.library.store import atomic_write
from gemma_mlx.settings import RunSettings

# Settings that change what is watched or kept, never the weights: a resumed run may change them.
_FREE = {
    "training.save_every", "training.keep_checkpoints", "training.sample_prompts", "training.sample_tokens",
    "training.loggers", "training.memory_limit_gb",
}  # fmt: skip


class RunFolder:
    """One run's folder. States: running, finished, stopped, paused, failed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.about: dict[str, Any] = {}

    @property
    def exists(self) -> bool:
        return (self.path / "run.json").is_file()

    @contextlib.contextmanager
    def held(self, *, new: bool) -> Iterator[None]:
        """The folder, held against other processes: two that train one run would write over each other.

        A `new` run's folder is made where it is not there.

        Raises:
            TrainingError: "run-trains": another process holds it.
        """
        with contextlib.ExitStack() as stack:
            try:
                if new:
                    self.path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked_folder(self.path))
            except BlockingIOError:
                process = recorded(self.path).get("process", "unknown")
                raise TrainingError(
                    "run-trains", f"This run is being trained already, by process {process}.",
                    where=str(self.path), fix="Wait for it, or stop it; then resume the run.",
                    kept="The run is untouched.",
                ) from None  # fmt: skip
            except OSError:
                pass  # `create` and `open` say what is wrong with it
            yield

    def create(self, settings: RunSettings, identity: dict[str, Any], total_steps: int) -> None:
        """Starts the folder.

        Raises:
            TrainingError: there is a run in it already, or it cannot be written.
        """
        if self.exists:
            raise TrainingError(
                "run-exists", "This folder holds a run already.", where=str(self.path),
                fix="Resume it, or choose another folder.", kept="The run in it is as it was.",
            )  # fmt: skip
        try:
            (self.path / "checkpoints").mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise TrainingError(
                "unwritable-run", f"The run folder cannot be made: {problem}", where=str(self.path),
                fix="Choose a folder that you may write to.",
            ) from None  # fmt: skip
        self.about = {
            "format": 1,
            "name": self.path.name,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "state": "running",
            "process": os.getpid(),
            "step": 0,
            "total_steps": total_steps,
            "settings": settings.model_dump(),
            "versions": versions(),
            "identity": identity,
            "notes": "",
        }
        self.save()

    def open(self) -> RunSettings:
        """Reads run.json and returns the settings that the run was started with.

        Raises:
            TrainingError: there is no run in the folder, or run.json is unreadable.
            SettingsError: the settings in it are refused.
        """
        try:
            self.about = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
            values = self.about["settings"]
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise TrainingError(
                "no-run", f"This folder holds no run that can be resumed ({type(problem).__name__}).",
                where=str(self.path / "run.json"), fix="Choose the folder that holds run.json.",
            ) from None  # fmt: skip
        return check_settings(RunSettings, values, str(self.path / "run.json"))

    def check_same(self, settings: RunSettings, identity: dict[str, Any]) -> None:
        """Refuses to go on with other data, another model or other settings.

        Raises:
            TrainingError: with every difference.
        """
        # Through the settings' class: what was added to it since has its default.
        begun = check_settings(RunSettings, self.about["settings"], str(self.path / "run.json")).model_dump()
        before = flatten({**begun, "identity": self.about["identity"]})
        now = flatten({**settings.model_dump(), "identity": identity})
        differences = [
            f"{name}: was {before.get(name)!r}, now {now.get(name)!r}"
            for name in sorted(before.keys() | now.keys())
            if name not in _FREE and before.get(name) != now.get(name)
        ]
        if differences:
            raise TrainingError(
                "run-differs", "The run cannot go on, because this is not what it was started with: "
                + "; ".join(differences), where=str(self.path),
                fix="Give what the run was started with, or start a new run.", kept="The run is as it was.",
            )  # fmt: skip

    def changed_versions(self) -> list[str]:
        """What computes now in another version than when the run began: its bits may differ from then on."""
        begun, now = self.about.get("versions", {}), versions()
        names = sorted(begun.keys() & now.keys()) if isinstance(begun, dict) else []
        return [f"{name} {begun[name]}, now {now[name]}" for name in names if begun[name] != now[name]]

    def update(self, **changes: Any) -> None:
        """Changes entries of run.json and saves it."""
        self.about.update(changes)
        self.save()

    def save(self) -> None:
        text = json.dumps(self.about, indent=2, ensure_ascii=False) + "\n"
        atomic_write(self.path / "run.json", text.encode())

    def append(self, name: str, entry: dict[str, Any]) -> None:
        """Adds one line to metrics.jsonl or samples.jsonl."""
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The entries of metrics.jsonl or samples.jsonl; a last line cut short by a crash is left out."""
        entries = []
        try:
            text = (self.path / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        for line in text.splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue
        return entries

    def forget_after(self, step: int) -> None:
        """Drops what was logged after a step, so that the curve of a resumed run has no seam."""
        for name in ("metrics.jsonl", "samples.jsonl"):
            kept = [entry for entry in self.lines(name) if entry.get("step", 0) <= step]
            text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in kept)
            atomic_write(self.path / name, text.encode())


class UnwrittenRunFolder(RunFolder):
    """A run's folder as ranks other than the first have it: it need not be on their machine."""

    @contextlib.contextmanager
    def held(self, *, new: bool) -> Iterator[None]:
        yield

    def create(self, settings: RunSettings, identity: dict[str, Any], total_steps: int) -> None:
        pass

    def open(self) -> RunSettings:
        return RunSettings()

    def check_same(self, settings: RunSettings, identity: dict[str, Any]) -> None:
        pass

    def save(self) -> None:
        pass

    def append(self, name: str, entry: dict[str, Any]) -> None:
        pass

    def forget_after(self, step: int) -> None:
        pass


def recorded(path: Path) -> dict[str, Any]:
    """run.json of a folder as it stands; nothing where there is none that can be read."""
    try:
        about = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def versions() -> dict[str, str]:
    """The versions that numbers depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("gemma-mlx", "mlx", "mlx-lm", "numpy", "sentencepiece", "tokenizers"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
