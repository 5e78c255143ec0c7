"""Opens what a command names: a model by folder or name, with its adapter, in fewer bits when asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import AdapterError, Cancelled
from gemma_mlx.events import Event
from gemma_mlx.library.resources import resource
from gemma_mlx.library.store import find_model, list_adapters, runs_root
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.terminal.output import Output
from gemma_mlx.terminal.progress import EventDrawer

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded

DEMO = "demo"
"""The embedded model's name."""

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


def find_base(name: str) -> Path:
    """A model's folder: a path, a name in the library, or the embedded model by the name "demo".

    Raises:
        ModelError: there is none ("no-model"), with the names that there are.
    """
    if name == DEMO and not Path(name).exists():
        return resource("demo", "model")
    return find_model(name)


def find_run(name: str) -> Path:
    """A run's folder: a path, or a name in the library. Whether a run is in it, its reader says."""
    path = Path(name).expanduser()
    in_library = runs_root() / name
    return in_library if not path.exists() and in_library.is_dir() else path


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
