"""`gemma-mlx inspect`: what a folder or file is, whether a model, an adapter, a run or a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import GemmaError
from gemma_mlx.settings import DataSettings
from gemma_mlx.terminal.datasets import fetched
from gemma_mlx.terminal.flags import Given, JsonFlag, with_settings
from gemma_mlx.terminal.output import Output


@with_settings(data=DataSettings, leave_out=("dataset",))
def inspect(
    target: str,
    /,
    *,
    model: Annotated[
        str,
        Parameter(
            help="For a dataset: whose tokens to count. Not given: the embedded model's.", show_default=False
        ),
    ] = "",
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Show what a model, an adapter, a run or a dataset is, without loading any weight.

    Parameters
    ----------
    target
        A model's or a run's folder or name, an adapter's folder, or a dataset's file or folder.
    """
    target = fetched(target, out)
    path = Path(target).expanduser()
    hub = target.startswith("hf:")
    if not hub and not path.exists():
        path = _run_or(path, target)
    if (path / "run.json").is_file():
        from gemma_mlx.terminal import show_run

        document = show_run.describe(path)
        show_run.draw(document, out)
    elif (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
        from gemma_mlx.terminal import show_adapter

        document = show_adapter.describe(path)
        show_adapter.draw(document, out)
    elif (
        hub
        or path.is_file()
        or given["data"]
        or (path.is_dir() and not _holds_model(path) and _holds_rows(path))
    ):
        from gemma_mlx.terminal import show_dataset

        settings = check_settings(DataSettings, {"dataset": target, **given["data"]}, "the command line")
        document = show_dataset.describe(settings, model, out)
        show_dataset.draw(document, out)
    else:
        from gemma_mlx.terminal import show_model
        from gemma_mlx.terminal.loading import find_base

        if not path.exists() and path.suffix:
            raise GemmaError(
                "no-such-file",
                "There is nothing at this path.",
                where=str(path.absolute()),
                fix="Give the path of a model's folder, a dataset, an adapter or a run.",
            )
        document = show_model.describe(find_base(target))
        show_model.draw(document, out)
    return document


def _run_or(path: Path, name: str) -> Path:
    """The library's run of this name, unless a model has it too; else the path."""
    from gemma_mlx.library.store import list_models, runs_root
    from gemma_mlx.terminal.loading import DEMO

    run = runs_root() / name
    taken = name == DEMO or any(model.name == name for model in list_models())
    return run if name and not taken and (run / "run.json").is_file() else path


def _holds_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() or any(folder.glob("*.safetensors"))


def _holds_rows(folder: Path) -> bool:
    endings = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".txt", ".gz", ".zst")
    return any(entry.suffix in endings for entry in folder.iterdir())
