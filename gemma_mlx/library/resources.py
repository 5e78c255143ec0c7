"""Where the files that come with the program lie: the demo model and datasets, recipes, the catalogue."""

from __future__ import annotations

import sys
from pathlib import Path

from gemma_mlx.errors import GemmaError


def resources_folder() -> Path:
    """The folder `resources`: inside a bundle, or beside the package in a checkout.

    Raises:
        GemmaError: the program was installed without it ("no-resources").
    """
    bundle = getattr(sys, "_MEIPASS", None)  # set by PyInstaller's start-up
    root = Path(bundle) if bundle else Path(__file__).resolve().parents[2]
    folder = root / "resources"
    if not folder.is_dir():
        raise GemmaError(
            "no-resources",
            "The demo model and datasets did not come with this installation.",
            where=str(folder),
            fix="Use a checkout of the project (make setup) or the app.",
        )
    return folder


def resource(*parts: str) -> Path:
    """One file or folder of the resources, such as `resource("demo", "pirate", "train.jsonl")`.

    Raises:
        GemmaError: it is not there.
    """
    path = resources_folder().joinpath(*parts)
    if not path.exists():
        raise GemmaError(
            "no-resources",
            f"{'/'.join(parts)} did not come with this installation.",
            where=str(path),
            fix="Get the project's files again: something removed this one.",
        )
    return path
