"""What a bug report needs, as text: versions, machine, memory, last errors; no home folder, no tokens."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import qVersion

from gemma_mlx import __version__
from gui.worker_client import Outcome

_PACKAGES = (
    "mlx",
    "mlx-lm",
    "PySide6-Essentials",
    "numpy",
    "tokenizers",
    "sentencepiece",
    "pyarrow",
)
_TOKEN = re.compile(r"\b(hf_|sk-|ghp_|github_pat_)[A-Za-z0-9_\-]{6,}")
_HOMES = re.compile(r"(/Users/|/home/|[A-Z]:\\Users\\)(\w[\w.-]*(?: [\w.-]+){1,2}(?=/)|[^/\\\s:\"']+)")
"""A home folder; its name may be two or three words where a path goes on behind them."""
_VOLUMES = re.compile(r"/(Volumes|media/[^/\s]+|mnt)/[^/\n:\"']+")
_LINES_OF_A_LOG = 25


def diagnostics(outcomes: Sequence[Outcome]) -> str:
    """The report. `outcomes` are the last workers that did not end well."""
    lines = [f"Gemma MLX {__version__}, diagnostics", ""]
    lines += [f"{name} {_version(name)}" for name in _PACKAGES]
    lines += [
        f"Qt {qVersion()}, Python {platform.python_version()}, frozen: {bool(getattr(sys, 'frozen', False))}",
        f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} cores, {_memory()}",
        f"language {os.environ.get('LANG', '')}",
    ]
    for outcome in outcomes:
        detail = f" ({outcome.detail})" if outcome.detail else ""
        lines += ["", f"Worker {outcome.kind}, status {outcome.exit_code}{detail}"]
        lines += outcome.log.strip().splitlines()[-_LINES_OF_A_LOG:]
    return anonymous("\n".join(lines))


def anonymous(text: str) -> str:
    """The text without access tokens, and with home folders as ~."""
    text = _TOKEN.sub(lambda match: f"{match.group(1)}…", text)
    text = text.replace(str(Path.home()), "~") if str(Path.home()) != "/" else text
    return _VOLUMES.sub(lambda match: f"/{match.group(1).split('/')[0]}/…", _HOMES.sub("~", text))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f} GB of memory"
    except (ValueError, OSError):
        return "memory unknown"
