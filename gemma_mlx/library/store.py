"""What the program keeps: where it is, and which models, adapters and runs are there.

No MLX here: the window's process reads the library with this file. `atomic_write`, `atomic_folder` and
`sha256_file` come from `library.atomic` and are part of this module's interface.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.families import FAMILY_NAMES
from gemma_mlx.library.atomic import (
    atomic_folder,
    atomic_write,
    cannot_write,
    process_alive,
    read_regular,
    recover_folder,
    sha256_file,
)

__all__ = [
    "AdapterEntry", "ModelEntry", "RunEntry", "adapters_root", "atomic_folder", "atomic_write",
    "data_root", "find_model", "hub_cache", "list_adapters", "list_models",
    "list_runs", "models_root", "new_run_folder", "read_json", "read_regular", "runs_root",
    "safe_name", "sha256_file", "write_json",
]  # fmt: skip

GENERATION_NAMES = {
    "gemma": "Gemma 1", "gemma2": "Gemma 2", "gemma3_text": "Gemma 3", "gemma3": "Gemma 3", **FAMILY_NAMES,
}  # fmt: skip
"""`model_type` of config.json to the name that people know."""


def data_root() -> Path:
    """Where models, runs and chats are kept. GEMMA_MLX_HOME in the environment overrides."""
    chosen = os.environ.get("GEMMA_MLX_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("Gemma MLX", False))


def models_root() -> Path:
    """Model folders, one each (or one folder deeper, as in `google/gemma-2-2b-it`)."""
    return data_root() / "models"


def adapters_root() -> Path:
    """Adapters that were not trained here. Those that were stand in their run."""
    return data_root() / "adapters"


def runs_root() -> Path:
    """Training runs, one folder each."""
    return data_root() / "runs"


def hub_cache() -> Path:
    """The Hugging Face cache, found as huggingface_hub finds it, without importing it."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "huggingface" / "hub"


@dataclass(frozen=True)
class AdapterEntry:
    """An adapter on disk. `base` is what it says it was made for; `run` the run that made it, or ""."""

    name: str
    path: Path
    base: str
    rank: int | None
    run: str
    size: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"path": str(self.path)}


@dataclass(frozen=True)
class ModelEntry:
    """A model folder. `source`: "library" or "hub-cache"; `size` in bytes; `problem`: why it cannot be used.

    `quantization` is "" for 16 and 32 bit, else such as "4 bit", "mxfp4", "nf4".
    """

    name: str
    path: Path
    source: str
    generation: str
    dtype: str
    quantization: str
    size: int
    problem: str = ""
    adapters: tuple[AdapterEntry, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        adapters = [adapter.as_dict() for adapter in self.adapters]
        return asdict(self) | {"path": str(self.path), "adapters": adapters}


@dataclass(frozen=True)
class RunEntry:
    """A training run. `state` is that of run.json; a run whose process is gone is "interrupted".

    States: new, running, paused, stopped, finished, failed, interrupted, unreadable.
    """

    name: str
    path: Path
    state: str
    model: str
    dataset: str
    created: str
    step: int
    steps: int
    adapter: Path | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"path": str(self.path), "adapter": str(self.adapter) if self.adapter else None}


def list_models() -> list[ModelEntry]:
    """Every model of the library and every Gemma in the Hugging Face cache, with its adapters."""
    adapters = list_adapters()
    found = list(_library_models()) + list(_cached_models())
    found.sort(key=lambda model: (model.source != "library", model.name.lower()))
    return [
        replace(model, adapters=tuple(adapter for adapter in adapters if _made_for(adapter, model)))
        for model in found
    ]


def find_model(name: str | Path) -> Path:
    """The folder of a model: a path, or a name that `list_models` shows.

    Raises:
        ModelError: `no-model`, with the names that there are.
    """
    path = Path(name).expanduser()
    if path.exists() or path.is_symlink() or isinstance(name, Path):
        return path
    models = list_models()
    for model in models:
        if model.name == str(name):
            return model.path
    known = ", ".join(model.name for model in models[:8])
    raise ModelError(
        "no-model", f"There is no folder and no model of the name {str(name)!r}.", where=str(path.absolute()),
        fix=f"Give a model's folder, or one of: {known}." if known else "Give the path of a model's folder.",
    )  # fmt: skip


def list_adapters() -> list[AdapterEntry]:
    """Every adapter in PEFT's format: those of runs, and those in the folder for adapters."""
    entries = []
    for run in _folders(runs_root()):
        entries.append(_adapter(run / "adapter", name=run.name, run=run.name))
    for folder in _folders(adapters_root()):
        entries.append(_adapter(folder, name=folder.name, run=""))
    return [entry for entry in entries if entry is not None]


def list_runs() -> list[RunEntry]:
    """Every run, newest first."""
    runs = [_run(folder) for folder in _folders(runs_root())]
    return sorted(runs, key=lambda run: (run.created, run.name), reverse=True)


def new_run_folder(name: str) -> Path:
    """Make an empty folder for a run, named after `name`, with a number where that is taken.

    Raises:
        GemmaError: `cannot-write`.
    """
    base = safe_name(name)
    try:
        runs_root().mkdir(parents=True, exist_ok=True)
        for number in range(1, 100_000):
            path = runs_root() / (base if number == 1 else f"{base}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except OSError as problem:
        raise cannot_write(runs_root() / base, problem) from problem
    raise AssertionError("a hundred thousand runs of one name")


def safe_name(name: str) -> str:
    """A name for a file or folder made from any text: no separators, no leading dot, 80 characters."""
    cleaned = re.sub(r"[^\w.\- ]+", "-", name).strip(" .-")[:80].strip(" .-")
    return cleaned or "unnamed"


def read_json(path: Path, limit: int = 64 * 2**20) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        GemmaError: `unreadable-file`: missing, no regular file, longer than `limit` bytes, or no JSON object.
    """
    try:
        value = json.loads(read_regular(path, limit))
    except (OSError, ValueError, RecursionError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise GemmaError(
            "unreadable-file", f"This file cannot be read: {reason}.", where=str(path),
            fix="Restore the file, or download it again.",
        ) from None  # fmt: skip
    if not isinstance(value, dict):
        raise GemmaError(
            "unreadable-file", "This file does not hold a JSON object.", where=str(path),
            fix="Restore the file, or download it again.",
        )  # fmt: skip
    return value


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people and programs, whole or not at all. Raises GemmaError `cannot-write`."""
    atomic_write(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def _library_models() -> Iterator[ModelEntry]:
    for folder in _folders(models_root()):
        if (folder / "config.json").is_file():
            yield _model(folder, folder.name, "library")
            continue
        for inner in _folders(folder):
            if (inner / "config.json").is_file():
                yield _model(inner, f"{folder.name}/{inner.name}", "library")


def _cached_models() -> Iterator[ModelEntry]:
    """The cache's layout: models--ORG--NAME/refs/main names the folder under snapshots/."""
    for folder in _folders(hub_cache()):
        if not folder.name.startswith("models--"):
            continue
        snapshot = _snapshot(folder)
        config = _read_object(snapshot / "config.json") if snapshot else None
        if snapshot and config and config.get("model_type") in GENERATION_NAMES:
            name = folder.name.removeprefix("models--").replace("--", "/")
            yield _model(snapshot, name, "hub-cache")


def _snapshot(folder: Path) -> Path | None:
    try:
        revision = read_regular(folder / "refs" / "main", 4096).decode().strip()
    except (OSError, UnicodeDecodeError):
        revision = ""
    if revision and "/" not in revision and (folder / "snapshots" / revision).is_dir():
        return folder / "snapshots" / revision
    snapshots = _folders(folder / "snapshots")
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=None)


def _model(folder: Path, name: str, source: str) -> ModelEntry:
    config = _read_object(folder / "config.json")
    if config is None:
        return ModelEntry(name, folder, source, "", "", "", _size(folder), "config.json cannot be read")
    kind = str(config.get("model_type", ""))
    text = config.get("text_config")
    text = text if isinstance(text, dict) else {}
    dtype = next(
        (part[key] for part in (config, text) for key in ("dtype", "torch_dtype") if part.get(key)), ""
    )
    return ModelEntry(
        name, folder, source, GENERATION_NAMES.get(kind, kind), str(dtype), _quantization(config),
        _size(folder), _weights_problem(folder),
    )  # fmt: skip


def _quantization(config: dict[str, Any]) -> str:
    stored = config.get("quantization") or config.get("quantization_config")
    if not isinstance(stored, dict):
        return ""
    if stored.get("quant_method") == "bitsandbytes":
        return str(stored.get("bnb_4bit_quant_type") or "nf4") if stored.get("load_in_4bit") else "int8"
    mode = stored.get("mode", "affine")
    return (
        f"{stored['bits']} bit"
        if mode == "affine" and "bits" in stored
        else str(stored.get("quant_method", mode))
    )


def _weights_problem(folder: Path) -> str:
    """Why the weights cannot be there in whole. Their content is checked when they are loaded."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return "" if (folder / "model.safetensors").is_file() else "the weights are missing"
    weight_map = (_read_object(index) or {}).get("weight_map")
    if not isinstance(weight_map, dict):
        return "model.safetensors.index.json cannot be read"
    missing = sorted({str(file) for file in weight_map.values()})
    missing = [file for file in missing if not (folder / file).is_file()]
    return f"missing: {', '.join(missing)}" if missing else ""


def _adapter(folder: Path, *, name: str, run: str) -> AdapterEntry | None:
    if not (folder / "adapter_model.safetensors").is_file():
        return None
    config = _read_object(folder / "adapter_config.json")
    if config is None:
        return None
    rank = config.get("r")
    base = str(config.get("base_model_name_or_path") or "")
    return AdapterEntry(name, folder, base, rank if isinstance(rank, int) else None, run, _size(folder))


def _made_for(adapter: AdapterEntry, model: ModelEntry) -> bool:
    if not adapter.base:
        return False
    return adapter.base == model.name or os.path.realpath(adapter.base) == os.path.realpath(model.path)


def _run(folder: Path) -> RunEntry:
    data = _read_object(folder / "run.json")
    adapter = folder / "adapter"
    if not adapter.exists() and (data or {}).get("state") != "running":
        with contextlib.suppress(OSError):
            recover_folder(adapter)
    has_adapter = (adapter / "adapter_config.json").is_file()
    if data is None:
        state = "unreadable" if (folder / "run.json").exists() else "new"
        return RunEntry(folder.name, folder, state, "", "", "", 0, 0, adapter if has_adapter else None)
    state = str(data.get("state", "new"))
    process = data.get("process")
    if state == "running" and isinstance(process, int) and not process_alive(process):
        state = "interrupted"
    settings = data.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    dataset = settings.get("data")
    return RunEntry(
        name=folder.name,
        path=folder,
        state=state,
        model=str(settings.get("model", "")),
        dataset=str(dataset.get("dataset", "")) if isinstance(dataset, dict) else "",
        created=str(data.get("created", "")),
        step=_whole(data.get("step")),
        steps=_whole(data.get("total_steps")),
        adapter=adapter if has_adapter else None,
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _folders(root: Path) -> list[Path]:
    """The folders in `root`, hidden ones left out; none where it cannot be read."""
    try:
        return sorted(entry for entry in root.iterdir() if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []


def _size(folder: Path) -> int:
    total = 0
    for entry in os.scandir(folder):
        try:
            total += entry.stat().st_size if entry.is_file() else 0
        except OSError:  # a dangling link in the cache
            continue
    return total


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        return read_json(path)
    except GemmaError:
        return None
