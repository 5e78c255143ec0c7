"""Opens what a command names: a model by folder or name, with its adapter, in fewer bits when asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import AdapterError, Cancelled, ModelError, TrainingError
from gemma_mlx.events import Event
from gemma_mlx.library.resources import resource
from gemma_mlx.library.store import find_model, list_adapters, list_runs, runs_root
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.terminal.output import Output
from gemma_mlx.terminal.progress import EventDrawer

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded

DEMO = "demo"
"""The embedded model's name."""

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
"""How the Hub names repositories: owner/name."""

AdapterFlag = Annotated[
    str, Parameter(help="An adapter's folder, a run's folder, or the name of a run.", show_default=False)
]


def open_model(
    model: str,
    out: Output,
    *,
    adapter: str = "",
    quantization: dict[str, Any] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Loaded:
    """The model that the command line names, with a progress bar while it loads.

    Raises:
        ModelError, AdapterError, SettingsError: one of them is not there or cannot be used.
        Cancelled: `cancelled`, which is asked at each module.
    """
    settings = check_settings(QuantizeSettings, quantization, "the command line") if quantization else None
    folder = find_base(model)
    adapter_folder = find_adapter(adapter) if adapter else None

    from gemma_mlx.load import load_model

    drawer = EventDrawer(out)

    def show(event: Event) -> None:
        if cancelled():
            raise Cancelled
        drawer.show(event)

    with drawer.bars:
        return load_model(folder, adapter=adapter_folder, quantization=settings, progress=show)


def beside(name: str, config: Path | None) -> str:
    """A path as it is, or, where only that exists, the one relative to the folder of the settings file."""
    if config is not None and not Path(name).expanduser().exists() and (config.parent / name).exists():
        return str(config.parent / name)
    return name


def find_base(name: str) -> Path:
    """A model's folder: a path, a name in the library, or the embedded model by the name "demo".

    Raises:
        ModelError: there is none ("no-model"), with the names that there are, or how to fetch one that is
            named as the Hub names them; or the path is a file ("no-model-folder").
    """
    if not name.strip():
        raise ModelError(
            "no-model",
            "No model is named.",
            where="the command line",
            fix="Give a model's folder or name; demo is the embedded one.",
        )
    path = Path(name).expanduser()
    if name == DEMO and not path.exists():
        return resource("demo", "model")
    if path.exists() and not path.is_dir():
        raise ModelError(
            "no-model-folder",
            "A model is a folder, and this is a file.",
            where=str(path),
            fix="Give the folder that holds config.json and the .safetensors files.",
        )
    try:
        return find_model(name)
    except ModelError as problem:
        if problem.code == "no-model" and HUB_NAME.fullmatch(name):
            problem.fix = f"If the Hub has it, bring it here: gemma-mlx download {name}"
        raise


def find_run(name: str) -> Path:
    """A run's folder: a path, or a name in the library. Whether a run is in it, its reader says.

    Raises:
        TrainingError: there is neither ("no-run"), with the names that there are.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path
    if (runs_root() / name).is_dir():
        return runs_root() / name
    names = ", ".join(entry.name for entry in list_runs()[:8])
    raise TrainingError(
        "no-run",
        f"There is no folder and no run of the name {name!r}.",
        where=str(path.absolute()),
        fix=f"Give a run's folder, or one of: {names}." if names else "Give the path of a run's folder.",
        kept="Nothing was started.",
    )


def find_adapter(name: str) -> Path:
    """The adapter's folder: itself, the one of a run's folder, or that of a name in the library.

    Raises:
        AdapterError: there is none ("no-adapter"), with the names that there are.
    """
    path = Path(name).expanduser()
    if (path / "run.json").is_file():
        if not (path / "adapter" / "adapter_config.json").is_file():
            raise AdapterError(
                "no-adapter",
                "This run has made no adapter yet.",
                where=str(path),
                fix=f"Let it end first: gemma-mlx train --resume {path}",
            )
        return path / "adapter"
    if path.exists():
        return path
    known = list_adapters()
    for entry in known:
        if entry.name == name:
            return entry.path
    names = ", ".join(entry.name for entry in known[:8])
    raise AdapterError(
        "no-adapter",
        f"There is no folder and no run of the name {name!r}.",
        where=str(path.absolute()),
        fix=f"Give an adapter's folder, or one of: {names}." if names else "Give the path of an adapter.",
    )


def check_adapter(folder: Path) -> None:
    """Refuse a folder that holds no adapter in PEFT's form; no MLX is needed to say so.

    Raises:
        AdapterError: "no-adapter".
    """
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise AdapterError(
                "no-adapter",
                f"This folder holds no adapter: {name} is missing.",
                where=str(folder),
                fix="Give the folder that holds adapter_config.json and adapter_model.safetensors.",
            )
