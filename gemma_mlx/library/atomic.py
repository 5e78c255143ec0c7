"""Publishing files and folders whole or not at all: temporary sibling, synchronize, rename, synchronize.

A crash, a kill or a full disk at any moment leaves either the old content or the new one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gemma_mlx.errors import GemmaError

_PARTIAL = ".partial"
_PREVIOUS = ".previous"
_MLX_WRITES = ("[write]", "[save_safetensors]")
"""How MLX begins the errors of its own writing, which are no OSErrors: a disk that fills up, as a rule."""


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that `path` always holds all of the old or all of the new bytes.

    Missing parent folders are made; a symbolic link is kept and its target written.

    Raises:
        GemmaError: `cannot-write`, with the reason (disk full, no permission); the old file is intact.
    """
    path = Path(os.path.realpath(path))
    temporary = _temporary_sibling(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(data)
            file.flush()
            _synchronize(file.fileno())
        temporary.rename(path)
        _synchronize_folder(path.parent)
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def atomic_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Fill a temporary folder that becomes `path` when the block ends without an exception.

    With `replace` a folder that stands there is exchanged for the new one in one step.

    Raises:
        GemmaError: `folder-exists` (without `replace`), or `cannot-write`; what stood there is intact.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not (replace and path.is_dir()):
        raise _folder_exists(path)
    temporary = _temporary_sibling(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        recover_folder(path)
        _sweep(path)
        temporary.mkdir()
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    try:
        yield temporary
        _synchronize_tree(temporary)
        _publish(temporary, path, replace)
        _synchronize_folder(path.parent)
    except OSError as problem:
        ours = problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES)
        if problem.errno in (errno.EEXIST, errno.ENOTEMPTY) and path.exists():
            raise _folder_exists(path) from problem
        if ours or _PARTIAL in str(problem.filename):
            raise cannot_write(path, problem) from problem
        raise
    except RuntimeError as problem:
        if not str(problem).startswith(_MLX_WRITES):
            raise
        full = str(problem).startswith("[write]")
        raise cannot_write(path, OSError(errno.ENOSPC if full else errno.EIO, str(problem))) from problem
    finally:
        # After an exchange the temporary name holds the old folder; after a plain rename nothing.
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold a folder that is there against other processes; it is free again when this one is gone.

    Raises:
        BlockingIOError: another process holds it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def recover_folder(path: Path) -> None:
    """Bring back a folder whose replacement was cut short between two renames (where none can exchange)."""
    previous = _previous(path)
    if not previous.is_dir():
        return
    if path.exists():
        shutil.rmtree(previous, ignore_errors=True)
    else:
        previous.rename(path)


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_regular(path: Path, limit: int = 256 * 2**20) -> bytes:
    """The bytes of a regular file. A FIFO or device is refused instead of waited for.

    Raises:
        OSError: missing, not a regular file, a loop of links, no permission, or longer than `limit` bytes.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise OSError(errno.EFBIG, f"longer than {limit} bytes", str(path))
        return file.read()


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, with the errors of `read_regular`. The caller closes it."""
    # Without O_NONBLOCK opening a FIFO waits for a writer that never comes.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def cannot_write(path: Path, problem: OSError) -> GemmaError:
    """The error for a file or folder that the system does not let us write."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        fix = "Free some space on this disk, or choose another folder."
    else:
        fix = "Choose a folder that you may write to."
    return GemmaError(
        "cannot-write",
        f"This cannot be written: {problem.strerror or problem}.",
        where=str(path),
        fix=fix,
        kept="What was there before is untouched.",
    )


def process_alive(process: int) -> bool:
    """Whether a process of this number runs on this machine."""
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _folder_exists(path: Path) -> GemmaError:
    return GemmaError(
        "folder-exists",
        "Something of this name is there already.",
        where=str(path),
        fix="Choose another name, or move what is there away.",
        kept="What was there before is untouched.",
    )


def _temporary_sibling(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{_PARTIAL}")


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}{_PREVIOUS}")


def _sweep(path: Path) -> None:
    """Remove what killed processes left of this same target."""
    start = f".{path.name}."
    for entry in path.parent.iterdir():
        if not (entry.name.startswith(start) and entry.name.endswith(_PARTIAL)):
            continue
        owner = entry.name.removeprefix(start).partition("-")[0]
        if not owner.isdigit() or process_alive(int(owner)):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path, replace: bool) -> None:
    if not (replace and path.exists()):
        temporary.rename(path)
    elif not _exchange(temporary, path):
        previous = _previous(path)
        path.rename(previous)
        _synchronize_folder(path.parent)
        try:
            temporary.rename(path)
        except OSError:
            previous.rename(path)
            raise
        shutil.rmtree(previous, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names in one step (Linux renameat2, macOS renamex_np). False: not possible here."""
    system = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    if sys.platform == "darwin" and hasattr(system, "renamex_np"):
        failed = system.renamex_np(names[0], names[1], ctypes.c_uint(2))  # RENAME_SWAP
    elif sys.platform == "linux" and hasattr(system, "renameat2"):
        here = -100  # AT_FDCWD
        failed = system.renameat2(here, names[0], here, names[1], ctypes.c_uint(2))  # RENAME_EXCHANGE
    else:
        return False
    return not failed


def _synchronize(descriptor: int) -> None:
    """Make written data last. On macOS fsync alone leaves it in the drive's cache."""
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # network file systems do not know it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def _synchronize_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _synchronize(descriptor)
    except OSError as problem:
        # Some file systems cannot synchronize a folder; its files are safe.
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _synchronize_tree(folder: Path) -> None:
    """Synchronize every file and folder below; the last, full one flushes the drive's cache for all."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink():
                continue
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _synchronize_folder(Path(parent))
