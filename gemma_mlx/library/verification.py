"""Where the result of a comparison with PyTorch is kept, so that the app can show it beside the model.

No MLX here: the window's process reads it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.store import data_root, read_json, safe_name, write_json

FILE_NAME = "verification.json"


def verification_path(model: Path) -> Path:
    """Beside a model of the library; for one elsewhere (the Hub's cache, the app itself) in the library."""
    model, root = model.resolve(), data_root().resolve()
    if root in model.parents:
        return model / FILE_NAME
    mark = hashlib.sha256(str(model).encode()).hexdigest()[:12]
    return root / "verifications" / f"{safe_name(model.name)}-{mark}.json"


def store_verification(model: Path, document: dict[str, Any]) -> Path:
    """Writes the result of a comparison of this model.

    Raises:
        GemmaError: `cannot-write`.
    """
    path = verification_path(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, document)
    return path


def read_verification(model: Path) -> dict[str, Any] | None:
    """The stored result with "verdict" and "summary" (one line for people), or None where there is none."""
    try:
        document = read_json(verification_path(model))
    except (OSError, GemmaError):
        return None
    return document if isinstance(document.get("summary"), str) else None
