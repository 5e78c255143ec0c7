"""Where the app's own files lie (icons, style, translations): inside a bundle, or beside the package."""

from __future__ import annotations

import sys
from pathlib import Path


def asset(*parts: str) -> Path:
    """A file or folder of `resources`, such as `asset("icons", "chat.svg")`. It need not exist."""
    bundle = getattr(sys, "_MEIPASS", None)  # set by PyInstaller's start-up
    root = Path(bundle) if bundle else Path(__file__).resolve().parents[1]
    return root.joinpath("resources", *parts)
