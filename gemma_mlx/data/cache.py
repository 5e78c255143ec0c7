"""Tokenized datasets on disk, found again by the contents of files, settings and tokenizer."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gemma_mlx.data.table import ARRAYS, TokenTable, array_path
from gemma_mlx.library.atomic import atomic_write, sha256_file

LAYOUT = 1
"""Raised whenever examples are made otherwise or arrays lie otherwise: older caches are not found then."""

MOST_BYTES = 20 * 10**9
"""What all caches together may take on the disk."""

_MANIFEST = "manifest.json"
_NAME = re.compile("[0-9a-f]{64}")


def cache_key(parts: dict[str, Any]) -> str:
    """The name of a cache: the SHA-256 of all that its content depends on."""
    text = json.dumps({"layout": LAYOUT, **parts}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def write_manifest(folder: Path, width: int, findings: dict[str, Any]) -> None:
    """Seal the arrays in a folder with their hashes; `findings` are kept beside them."""
    hashes = {name: sha256_file(array_path(folder, name)) for name in ARRAYS}
    manifest = {"layout": LAYOUT, "width": width, "sha256": hashes, "findings": findings}
    atomic_write(folder / _MANIFEST, json.dumps(manifest, ensure_ascii=False).encode("utf-8"))


def read_cache(folder: Path, files: Sequence[str]) -> tuple[TokenTable, dict[str, Any]] | None:
    """The table of a sealed folder, mapped from disk, and its findings; None when it is absent or damaged.

    `files` are the names by which rows are called; they may have moved since.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["layout"] != LAYOUT:
            return None
        for name in ARRAYS:
            if sha256_file(array_path(folder, name)) != manifest["sha256"][name]:
                return None
        with contextlib.suppress(OSError):
            (folder / _MANIFEST).touch()  # when it was used last, for prune_cache
        arrays = {name: _mapped(array_path(folder, name), dtype) for name, dtype in ARRAYS.items()}
        return TokenTable(arrays, files, int(manifest["width"])), dict(manifest["findings"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mapped(path: Path, dtype: str) -> npt.NDArray[Any]:
    """An array that the system reads from disk as it is used; an empty file cannot be mapped."""
    if path.stat().st_size == 0:
        return np.zeros(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r")


def prune_cache(folder: Path, keep: str, most_bytes: int = MOST_BYTES) -> list[str]:
    """Delete the caches that were not used for longest until all together take at most `most_bytes`.

    `keep` is never deleted, nor is anything that is no cache. A run that has one mapped keeps what it has.

    Returns:
        The names that were deleted.
    """
    caches = []
    for place in sorted(folder.iterdir()):
        try:
            if _NAME.fullmatch(place.name) and place.name != keep and not place.is_symlink():
                size = sum(file.stat().st_size for file in place.iterdir())
                caches.append(((place / _MANIFEST).stat().st_mtime, size, place))
        except OSError:  # no cache, or another process has just deleted it
            continue
    room = most_bytes - sum(file.stat().st_size for file in (folder / keep).iterdir())
    deleted = []
    for _, size, place in sorted(caches, reverse=True):
        room -= size
        if room < 0:
            shutil.rmtree(place, ignore_errors=True)
            deleted.append(place.name)
    return deleted
