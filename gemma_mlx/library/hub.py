"""Models from the Hub: only the files that are needed, pinned to a commit, resumed, checked, published whole.

A download lies in a hidden folder beside its destination until each file's hash is right. Killed or stopped,
it stays there, and the next download of that commit goes on from it. huggingface_hub 2.4 begins anew in
another process, so `hub_transfer` fetches the bytes; its token and the layout of its cache are used.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done, Event, Progress, Warning
from gemma_mlx.library.atomic import locked_folder
from gemma_mlx.library.hub_http import Hub, repository_name
from gemma_mlx.library.hub_listing import (
    INDEX,
    Listing,
    RemoteFile,
    list_repository,
    needed_first,
    needed_weights,
)
from gemma_mlx.library.hub_transfer import Transfer
from gemma_mlx.library.modelscope import ModelScope, chosen_source, list_modelscope
from gemma_mlx.library.store import (
    atomic_folder,
    cannot_write,
    data_root,
    hub_cache,
    models_root,
    read_json,
    write_json,
)

RECORD = "hub.json"
"""The file of a downloaded model that says where it comes from: repository, commit, hashes."""

SPARE_BYTES = 256 * 2**20
"""Room that a download leaves on the disk."""

ORPHAN_DAYS = 14
_DRAFT = ".download"


def datasets_root() -> Path:
    """Where datasets of the Hub are kept."""
    return data_root() / "datasets"


@dataclass(frozen=True)
class Partial:
    """A download that is not complete: `size` bytes of it are there."""

    repository: str
    commit: str
    path: Path
    size: int


def download(
    repository: str,
    revision: str = "main",
    *,
    destination: Path | None = None,
    endpoint: str | None = None,
    token: str | None = None,
    source: str | None = None,
    cancelled: Callable[[], object] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Bring a model into the library, or into the folder `destination`.

    `source`: "huggingface" or "modelscope"; None takes GEMMA_MLX_SOURCE, else Hugging Face.

    Yields Progress in bytes (its note: speed and time left) and Done with {"repository", "commit", "folder",
    "bytes", "received", "licence"}: "bytes" is the model's size, "received" what came over the line. When
    `cancelled()` turns true it ends with Done of outcome "stopped" and {"repository", "commit", "kept"}; the
    same call goes on from there. `token`: None takes the user's own (`hub_http.saved_token`), "" none.

    Raises:
        GemmaError: `offline`, `bad-repository`, `bad-revision`, `no-repository`, `no-revision`,
            `gated-model`, `bad-token`, `rate-limited`, `hub-unreachable`, `hub-refused`, `bad-answer`,
            `not-a-model`, `no-room`, `disk-full`, `cannot-write`, `corrupt-download`, `folder-exists`,
            `download-runs`, `bad-source`.
    """
    repository = repository_name(repository)
    scope = chosen_source(source) == "modelscope"
    hub = ModelScope(endpoint) if scope else Hub(endpoint, token)
    try:
        yield Progress(f"Asking for {repository}", 0, 0, "bytes")
        listing = (list_modelscope if scope else list_repository)(hub, repository, revision, wait)
        target = Path(os.path.realpath(destination or models_root() / repository))
        if is_there(target, listing):
            size = sum(entry.stat().st_size for entry in target.iterdir() if entry.is_file())
            yield _done(listing, target, size, 0)
            return
        if target.exists():
            raise GemmaError(
                "folder-exists", f"Another model, or another revision of {repository}, is there already.",
                where=str(target), fix="Choose another folder (--out), or move this one away.",
                kept="What was there before is untouched.",
            )  # fmt: skip
        transfer = Transfer(hub, listing, cancelled, wait)
        try:
            with draft_folder(target, listing) as draft:
                yield from _fill(transfer, draft, target)
        except OSError as problem:
            raise cannot_write(target, problem) from problem
    finally:
        hub.close()


def download_queue(
    wishes: Sequence[tuple[str, str]],
    *,
    endpoint: str | None = None,
    token: str | None = None,
    source: str | None = None,
    cancelled: Callable[[], object] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Bring several models, (repository, revision) each, one after the other.

    One that fails is told in a Warning and the next begins. Done holds {"models": [...], "failed": [...]},
    the latter as errors' `as_dict()` with "repository". Being stopped ends the queue.

    Raises:
        GemmaError: the only wish of the queue failed, or all did: that of the last.
    """
    models: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    outcome = "finished"
    for place, (repository, revision) in enumerate(wishes, start=1):
        try:
            for event in download(
                repository, revision, endpoint=endpoint, token=token, source=source, cancelled=cancelled,
                wait=wait,
            ):  # fmt: skip
                if isinstance(event, Done):
                    models.append(event.result)
                    outcome = event.outcome
                else:
                    yield event
        except GemmaError as problem:
            if place == len(wishes) and not models:
                raise
            failed.append({"repository": repository, **problem.as_dict()})
            yield Warning(problem.code, f"{repository}: {problem.what}", problem.fix)
        if outcome == "stopped":
            break
    yield Done({"models": models, "failed": failed}, outcome)


def list_partials(root: Path | None = None) -> list[Partial]:
    """Downloads below the library's models and datasets (or `root`) that are not complete."""
    found = []
    roots = [root] if root else [models_root(), datasets_root()]
    for draft in (draft for each in roots for draft in each.rglob(f".*{_DRAFT}")):
        try:
            record = read_json(draft / RECORD)
        except GemmaError:
            record = {}
        size = sum(entry.stat().st_size for entry in draft.iterdir() if entry.is_file())
        found.append(Partial(str(record.get("repository", "")), str(record.get("commit", "")), draft, size))
    return sorted(found, key=lambda partial: str(partial.path))


def clean_partials(root: Path | None = None, *, days: float = ORPHAN_DAYS) -> int:
    """Remove incomplete downloads that nobody touched for `days` and none runs. Returns the bytes freed."""
    freed = 0
    for partial in list_partials(root):
        newest = max((entry.stat().st_mtime for entry in partial.path.iterdir()), default=0.0)
        if time.time() - newest < days * 86_400:
            continue
        with contextlib.suppress(GemmaError, OSError), _locked(partial.path):
            shutil.rmtree(partial.path)
            freed += partial.size
    return freed


def _fill(transfer: Transfer, draft: Path, target: Path) -> Iterator[Event]:
    """Bring every file into the draft, then publish it."""
    listing = transfer.listing
    first = needed_first(listing)
    check_room(draft, first, target)
    meter = Meter(listing, sum(file.size for file in listing.files.values() if _is_needed(file, first)))
    yield from bring_all(transfer, first, draft, meter)
    files = first
    if not transfer.cancelled():
        index = (draft / INDEX).read_bytes() if INDEX in listing.files else None
        weights = needed_weights(listing, index)
        files = [*first, *weights]
        check_room(draft, files, target)
        meter.total = sum(file.size for file in files)
        yield from bring_all(transfer, weights, draft, meter)
    if not all(is_complete(draft / file.name, file) for file in files) or files is first:
        kept = sum(entry.stat().st_size for entry in draft.iterdir())
        yield Done({"repository": listing.repository, "commit": listing.commit, "kept": kept}, "stopped")
        return
    publish(draft, target, listing, files)
    yield _done(listing, target, meter.total, sum(transfer.received.values()))


def _is_needed(file: RemoteFile, first: list[RemoteFile]) -> bool:
    """A guess for the first moments, before the index of the weights is read."""
    return file in first or file.name.endswith(".safetensors")


def bring_all(transfer: Transfer, files: list[RemoteFile], draft: Path, meter: Meter) -> Iterator[Event]:
    """Fill the draft with these files; it is incomplete at the end only when cancelled."""
    owner, _, name = transfer.listing.repository.partition("/")
    snapshot = hub_cache() / f"models--{owner}--{name}" / "snapshots" / transfer.listing.commit
    for file in files:
        path = draft / file.name
        for here in transfer.bring(file, path, None if path.exists() else snapshot / file.name):
            if event := meter.at(file, here):
                yield event
        if not is_complete(path, file):
            return  # cancelled
        meter.done += file.size


def publish(draft: Path, target: Path, listing: Listing, files: list[RemoteFile], revision: str = "") -> None:
    """Give the complete draft its name. The files stay in the draft until the folder stands."""
    with atomic_folder(target) as folder:
        for file in files:
            try:
                os.link(draft / file.name, folder / file.name)
            except OSError as problem:
                if problem.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK):
                    raise
                (draft / file.name).rename(folder / file.name)  # a file system without hard links
        _record(folder, listing, files, revision)
    shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def draft_folder(target: Path, listing: Listing) -> Iterator[Path]:
    """The folder that holds the download until it is complete; no other process works in it meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    name = f".{target.name}.{listing.commit[:12]}{_DRAFT}"
    draft = target.parent / name
    draft.mkdir(exist_ok=True)
    with _locked(draft):
        for other in target.parent.glob(f".{target.name}.*{_DRAFT}"):
            # The Hub has moved on from that commit: nobody asks for the rest of it any more.
            if other.name != name and len(other.name) == len(name):
                with contextlib.suppress(GemmaError, OSError), _locked(other):
                    shutil.rmtree(other)
        _record(draft, listing, [])
        yield draft


@contextlib.contextmanager
def _locked(draft: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(draft))
        except BlockingIOError:
            raise GemmaError(
                "download-runs", "This model is being downloaded already.", where=str(draft),
                fix="Wait for the other download, or stop it.",
            ) from None  # fmt: skip
        yield


def _record(folder: Path, listing: Listing, files: list[RemoteFile], revision: str = "") -> None:
    hashes = {file.name: file.sha256 or f"git:{file.git_sha1}" for file in files}
    record = {"repository": listing.repository, "commit": listing.commit, "licence": listing.licence}
    record |= {"revision": revision} if revision else {}
    write_json(folder / RECORD, {**record, "files": hashes})


def is_there(target: Path, listing: Listing) -> bool:
    """Whether this commit was downloaded to this folder and its files still have their sizes."""
    try:
        record = read_json(target / RECORD)
    except GemmaError:
        return False
    same = (record.get("repository"), record.get("commit")) == (listing.repository, listing.commit)
    names = record.get("files")
    return same and isinstance(names, dict) and all(
        name in listing.files and is_complete(target / name, listing.files[name]) for name in names
    )  # fmt: skip


def is_complete(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size


def check_room(draft: Path, files: list[RemoteFile], target: Path) -> None:
    """Raises GemmaError `no-room` before the first byte of a download that cannot end well."""
    here = sum((draft / file.name).stat().st_size for file in files if (draft / file.name).exists())
    missing = sum(file.size for file in files) - here
    free = shutil.disk_usage(draft).free
    if missing > 0 and missing + SPARE_BYTES > free:
        raise GemmaError(
            "no-room", f"{missing / 1e9:.1f} GB are to come, and this disk has {free / 1e9:.1f} GB free.",
            where=str(target), fix="Make room, or choose a folder on another disk (--out).",
            kept="What was downloaded so far is kept.",
        )  # fmt: skip


def _done(listing: Listing, target: Path, size: int, received: int) -> Done:
    return Done(
        {
            "repository": listing.repository, "commit": listing.commit, "folder": str(target),
            "bytes": size, "received": received, "licence": listing.licence,
        }
    )  # fmt: skip


class Meter:
    """How far a download is, how fast it goes and how long it will take, some five times a second."""

    def __init__(self, listing: Listing, total: int) -> None:
        self.stage = f"Downloading {listing.repository}"
        self.total = total
        self.done = 0
        self._seen: list[tuple[float, int]] = []
        self._told = 0.0

    def at(self, file: RemoteFile, here: int) -> Progress | None:
        """The event for `here` bytes of a file, or None where the last is fresh."""
        now, done = time.monotonic(), self.done + here
        if not self._seen or done < self._seen[-1][1]:
            self._seen = []
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > 10:
            self._seen.pop(0)
        if now - self._told < 0.2 and here < file.size:
            return None
        self._told = now
        return Progress(self.stage, done, self.total, "bytes", f"{file.name}{self._speed(now, done)}")

    def _speed(self, now: float, done: int) -> str:
        then, before = self._seen[0]
        if now - then < 0.5 or done <= before:
            return ""
        speed = (done - before) / (now - then)
        left = (self.total - done) / speed
        words = (
            f"{left:.0f} s"
            if left < 90
            else f"{left / 60:.0f} min"
            if left < 5400
            else f"{left / 3600:.1f} h"
        )
        return f", {speed / 1e6:.1f} MB/s, {words} left"
