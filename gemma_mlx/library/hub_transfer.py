"""Brings one file of the Hub into place: resumed by range, checked by hash, tried again where it falters."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.hub_http import Hub, unreachable
from gemma_mlx.library.hub_listing import Listing, RemoteFile

CHUNK_BYTES = 2**18
"""Bytes that are written at once; the most that a killed download asks for again."""

ATTEMPTS = 6
_LONGEST_PAUSE = 120.0


class _Part:
    """The beginning of a file that is on the disk: its length and what is hashed so far."""

    def __init__(self, file: RemoteFile) -> None:
        self.begin_anew(file)

    def begin_anew(self, file: RemoteFile) -> None:
        """Nothing is there. Small files carry git's hash: SHA-1 over their kind, size and bytes."""
        self.here = 0
        self.digest: Any = hashlib.sha256()
        if not file.sha256:
            self.digest = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)


@dataclass
class Transfer:
    """How a file is brought: whose it is, who may stop it, how it waits."""

    hub: Hub
    listing: Listing
    cancelled: Callable[[], object] = lambda: False
    wait: Callable[[float], None] = time.sleep
    received: dict[str, int] = field(default_factory=dict)
    """Bytes that came over the line, by file."""

    def bring(self, file: RemoteFile, path: Path, cached: Path | None = None) -> Iterator[int]:
        """Fill `path` with the file and yield how many of its bytes are there, from time to time.

        What `path` holds already is taken for its beginning. `cached` is a copy that may be used
        instead. Ends early, with `path` incomplete, when cancelled; else size and hash are right.

        Raises:
            GemmaError: the Hub refuses or cannot be reached, the file stays damaged, or the disk is full.
        """
        try:
            yield from self._bring(file, path, cached)
        except OSError as problem:
            raise _disk_problem(path, problem) from problem

    def _bring(self, file: RemoteFile, path: Path, cached: Path | None) -> Iterator[int]:
        if cached is not None and cached.is_file() and cached.stat().st_size == file.size:
            # A copy, never a link: the shared cache is others' to change.
            shutil.copyfile(cached, path)
        for _ in range(2):
            part = _resume(path, file)
            if part.here < file.size or not path.exists():
                yield from self._fetch(file, path, part)
                if part.here < file.size:
                    return  # cancelled
            if part.digest.hexdigest() == (file.sha256 or file.git_sha1):
                yield file.size
                return
            # A beginning that a power cut spoiled, or a damaged answer: only all of it anew can mend that.
            path.unlink()
            yield 0
        raise GemmaError(
            "corrupt-download", f"{file.name} came twice with other bytes than the Hub's hash says.",
            where=f"{self.hub.endpoint}/{self.listing.repository}",
            fix="Try another mirror or network (HF_ENDPOINT); something on the way changes the file.",
            kept="The damaged file was removed; the others are kept.",
        )  # fmt: skip

    def _fetch(self, file: RemoteFile, path: Path, part: _Part) -> Iterator[int]:
        """Append the missing bytes; each failure is followed by a pause, a success begins to count anew."""
        failures = 0
        while True:
            before, pause = part.here, 0.0
            try:
                with self.hub.stream(self._path(file), **_range(part.here)) as response:
                    problem, pause = self._judge(response, file, part.here)
                    if response.status_code in (200, 416) and part.here:
                        part.begin_anew(file)  # the range was ignored, or is not to be had
                    if problem is None:
                        yield from self._append(response, file, path, part)
                        if part.here == file.size or self.cancelled():
                            return
                        problem = unreachable(self.hub, f"{file.name} ended early")
            except (httpx2.TransportError, httpx2.TooManyRedirects) as failure:
                # The part is that of the file: its bytes are written, hashed and counted at once.
                problem = unreachable(self.hub, failure)
            failures = 1 if part.here > before else failures + 1
            if failures >= ATTEMPTS:
                raise problem
            self._pause(pause or min(2.0 ** (failures - 1), 30.0))
            if self.cancelled():
                return

    def _judge(
        self, response: httpx2.Response, file: RemoteFile, here: int
    ) -> tuple[GemmaError | None, float]:
        """(None, 0) for an answer with the wanted bytes, else the error and a pause before the next attempt.

        Raises:
            GemmaError: a refusal that no waiting changes.
        """
        status = response.status_code
        if status == 200 or (status == 206 and _starts_at(response, here, file.size)):
            length = response.headers.get("Content-Length", "")
            whole = here if status == 206 else 0
            if not length.isdigit() or int(length) == file.size - whole:
                return None, 0.0
            return unreachable(self.hub, f"{file.name} is announced with a wrong length"), 0.0
        problem = self.hub.refusal(response, self.listing.repository, self.listing.commit)
        # A signed address of the store of large files runs out; the Hub gives a new one.
        expired = self.hub.moved(response) and status in (400, 401, 403, 404)
        if not (expired or status in (206, 408, 416, 429) or status >= 500):
            raise problem
        asked = response.headers.get("Retry-After", "")
        return problem, min(float(asked), _LONGEST_PAUSE) if asked.isdigit() else 0.0

    def _append(self, response: httpx2.Response, file: RemoteFile, path: Path, part: _Part) -> Iterator[int]:
        with path.open("r+b" if part.here else "wb", buffering=0) as stream:
            stream.seek(part.here)
            stream.truncate()
            for block in response.iter_raw(CHUNK_BYTES):
                self.received[file.name] = self.received.get(file.name, 0) + len(block)
                view = memoryview(block)[: file.size - part.here]
                part.digest.update(view)
                part.here += len(view)
                while view:
                    view = view[stream.write(view) :]
                yield part.here
                if self.cancelled() or part.here == file.size:
                    return

    def _path(self, file: RemoteFile) -> str:
        usual = f"/{self.listing.repository}/resolve/{self.listing.commit}/{quote(file.name)}"
        return file.address or usual

    def _pause(self, seconds: float) -> None:
        """Wait in small steps, so that a person who stops is heard."""
        while seconds > 0 and not self.cancelled():
            self.wait(min(seconds, 0.25))
            seconds -= 0.25


def _range(here: int) -> dict[str, str]:
    return {"Range": f"bytes={here}-"} if here else {}


def _starts_at(response: httpx2.Response, here: int, size: int) -> bool:
    """Whether a partial answer is the part that was asked for."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    return found is not None and int(found[1]) == here and found[3] in ("*", str(size))


def _resume(path: Path, file: RemoteFile) -> _Part:
    """What is there of the file, hashed. A file that is too long is removed."""
    part = _Part(file)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    if not path.exists():
        return part
    if path.stat().st_size > file.size:
        path.unlink()
        return part
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            part.digest.update(block)
            part.here += len(block)
    return part


def _disk_problem(path: Path, problem: OSError) -> GemmaError:
    full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
    return GemmaError(
        "disk-full" if full else "cannot-write",
        "The disk is full." if full else f"This cannot be written: {problem.strerror or problem}.",
        where=os.fspath(path),
        fix="Make room and start the download again." if full else "Choose a folder that you may write to.",
        kept="What was downloaded so far is kept; the download goes on from there.",
    )
