"""The secret that clients show: made at the first start, kept where only its owner can read it."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.atomic import cannot_write, open_regular

_FORM = re.compile(r"[\x21-\x7e]{16,200}")


def read_or_make(path: Path, *, anew: bool = False) -> tuple[str, bool]:
    """The token, and whether it was made now. `anew` makes another in its place.

    Raises:
        GemmaError: the file cannot be written or read, or holds no token.
    """
    if anew:
        path.unlink(missing_ok=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise cannot_write(path, problem) from None
    try:
        return _make(path), True
    except FileExistsError:
        return _read(path), False
    except OSError as problem:
        raise cannot_write(path, problem) from None


def _make(path: Path) -> str:
    token = secrets.token_urlsafe(32)
    # Readable by its owner alone from the first moment on: no other mode is ever set.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def _read(path: Path) -> str:
    try:
        with open_regular(path) as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                os.fchmod(file.fileno(), 0o600)
            token = file.read(1000).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise _unusable(path, f"it cannot be read ({problem})") from None
    if not _FORM.fullmatch(token):
        raise _unusable(path, "it holds no token of 16 to 200 characters without blanks")
    return token


def _unusable(path: Path, why: str) -> GemmaError:
    return GemmaError(
        "bad-token-file", f"The server's token cannot be used: {why}.", where=str(path),
        fix="Start once with --new-token, which makes another.", kept="Nothing was started.",
    )  # fmt: skip
