"""Datasets of the Hub as `hf:owner/name[@revision][:subset][:split]`: found, fetched once, pinned, kept.

What is here is used without asking anybody, so that a run can be repeated and resumed offline. Rows files are
taken, scripts never; which of them belong to a subset and a split the dataset's card says, else their names.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done, Event, Progress
from gemma_mlx.library.hub import (
    Meter,
    bring_all,
    check_room,
    datasets_root,
    draft_folder,
    is_complete,
    publish,
)
from gemma_mlx.library.hub_http import Hub, repository_name, revision_path
from gemma_mlx.library.hub_listing import Listing, RemoteFile, list_files
from gemma_mlx.library.hub_transfer import Transfer
from gemma_mlx.library.store import cannot_write, read_json

PREFIX = "hf:"
RECORD = "hub.json"
CONVERTED = "refs/convert/parquet"
"""The branch on which the Hub keeps a dataset's rows as parquet where its owner gave a script alone."""

_KINDS = (".parquet", ".jsonl", ".json", ".csv", ".tsv", ".txt")
_SPLITS = {
    "train": ("train", "training"),
    "valid": ("valid", "validation", "val", "dev", "eval"),
    "test": ("test", "testing"),
}
_PART = re.compile(r"^[A-Za-z0-9_][\w.+-]{0,99}$", re.ASCII)
_LATEST = ("", "main")
_BESIDE = ("readme", "dataset_info", "dataset_infos", "license")


@dataclass(frozen=True)
class DatasetName:
    """What `hf:owner/name@revision:subset:split` names; what is not said is empty."""

    repository: str
    revision: str = ""
    subset: str = ""
    split: str = ""

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        parts = [part for part in (self.subset, self.split) if part]
        return ":".join([f"{PREFIX}{self.repository}{revision}", *parts])

    @property
    def folder(self) -> Path:
        """Where its versions are kept, a folder for each commit."""
        choice = "-".join(part for part in (self.subset, self.split) if part) or "all"
        return datasets_root() / self.repository / choice


def is_hub_name(dataset: str) -> bool:
    """Whether a dataset is named by its place on the Hub."""
    return dataset.strip().lower().startswith(PREFIX)


def parse_name(text: str) -> DatasetName:
    """`hf:owner/name[@revision][:subset][:split]`; one word behind the name may be either of the two.

    Raises:
        GemmaError: `bad-dataset-name`, `bad-repository`, `bad-revision`.
    """
    place, *choice = text.strip()[len(PREFIX) :].split(":")
    name, _, revision = place.partition("@")
    if len(choice) > 2 or not all(_PART.match(part) for part in choice) or (revision == "" and "@" in place):
        raise GemmaError(
            "bad-dataset-name", f"This is no name of a dataset on the Hub: {text!r}.", where="data.dataset",
            fix="Give hf:owner/name, then if need be :subset and :split, such as "
            "hf:OpenAssistant/oasst_top1_2023-08-25:train.",
        )  # fmt: skip
    if revision:
        revision_path(revision)
    if len(choice) == 1:
        choice = ["", choice[0]] if _split_of(choice[0]) else [choice[0], ""]
    subset, split = choice or ("", "")
    return DatasetName(repository_name(name), revision, subset, split)


def find_dataset(name: DatasetName) -> Path | None:
    """The folder with the dataset's files on this machine, the newest one; None where there is none.

    Where a revision is named it has to be that commit, or what that branch was when it was fetched.
    """
    folders = [path for path in name.folder.glob("[0-9a-f]*") if (path / RECORD).is_file()]
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            record = read_json(folder / RECORD)
        except GemmaError:
            continue
        same = name.revision in ("", record.get("revision")) or str(record.get("commit")) == name.revision
        files = record.get("files")
        if same and isinstance(files, dict) and all((folder / file).is_file() for file in files):
            return folder
    return None


def pinned(name: DatasetName, commit: str) -> DatasetName:
    """The name of just this commit, so that a run which keeps it can be repeated."""
    return replace(name, revision=commit)


def download_dataset(
    name: DatasetName,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    cancelled: Callable[[], object] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Bring a dataset's files, unless they are here.

    Yields Progress in bytes and Done with {"dataset", "commit", "folder", "bytes", "received"}; stopped, its
    outcome is "stopped" and the same call goes on from there.

    Raises:
        GemmaError: as `hub.download`; `no-rows-file`, `which-subset`, `no-such-split`.
    """
    if found := find_dataset(name):
        record = read_json(found / RECORD)
        size = sum(path.stat().st_size for path in found.iterdir())
        yield Done(_result(name, str(record.get("commit")), found, size, 0))
        return
    hub = Hub(endpoint, token)
    try:
        yield Progress(f"Asking for {name}", 0, 0, "bytes")
        listing = _listing(hub, name, wait)
        target = name.folder / listing.commit[:12]
        transfer = Transfer(hub, listing, cancelled, wait)
        files = list(listing.files.values())
        try:
            with draft_folder(target, listing) as draft:
                check_room(draft, files, target)
                meter = Meter(listing, sum(file.size for file in files))
                yield from bring_all(transfer, files, draft, meter)
                if not all(is_complete(draft / file.name, file) for file in files):
                    yield Done({"dataset": str(name), "commit": listing.commit}, "stopped")
                    return
                publish(draft, target, listing, files, revision=name.revision or "main")
        except OSError as problem:
            raise cannot_write(target, problem) from problem
        received = sum(transfer.received.values())
        yield Done(_result(name, listing.commit, target, meter.total, received))
    finally:
        hub.close()


def _result(name: DatasetName, commit: str, folder: Path, size: int, received: int) -> dict[str, Any]:
    found = {"dataset": str(name), "commit": commit, "folder": str(folder)}
    return {**found, "bytes": size, "received": received}


def _listing(hub: Hub, name: DatasetName, wait: Callable[[float], None]) -> Listing:
    """The chosen files, called by their split and their own name, so that a folder reads as a dataset."""
    revision = name.revision or "main"
    repository = f"datasets/{name.repository}"
    commit, found, answer = list_files(hub, repository, repository, revision, wait)
    files = [file for file in found if _is_rows(file.name)]
    if not files and name.revision in _LATEST and any(file.name.endswith(".py") for file in found):
        # A script made the rows: it is never run, but the Hub keeps what it gave.
        return _listing(hub, replace(name, revision=CONVERTED), wait)
    if not files:
        others = ", ".join(sorted(file.name for file in found)[:12]) or "nothing"
        raise GemmaError(
            "no-rows-file", f"{name} holds no file of rows that can be read here. It holds: {others}.",
            where=f"{hub.endpoint}/{repository}", fix=f"Choose a dataset with {', '.join(_KINDS)} files.",
            kept="Nothing was downloaded.",
        )  # fmt: skip
    card = answer.get("cardData")
    chosen = choose_files(name, [file.name for file in files], card if isinstance(card, dict) else {})
    remote = {file.name: file for file in files}
    local: dict[str, RemoteFile] = {}
    for path, split in chosen.items():
        own = re.sub(r"[^\w.+-]", "-", path)
        called = own if own.startswith(f"{split}-") or own.startswith(f"{split}.") else f"{split}-{own}"
        address = f"/{repository}/resolve/{commit}/{quote(path)}"
        local[called] = replace(remote[path], name=called, address=address)
    return Listing(repository, commit, local, str(answer.get("gated") or ""))


def choose_files(name: DatasetName, paths: list[str], card: Mapping[str, Any]) -> dict[str, str]:
    """The files that a name means, each with "train" or "valid": by the card, else by what they are called.

    A named split is what is trained on. Without one the train files are, and validation files are held out;
    test files stay away.

    Raises:
        GemmaError: `which-subset`, `no-such-subset`, `no-such-split`.
    """
    splits = _by_card(name, paths, card)
    if splits is None:
        splits = _by_names(name, paths)
    if not splits:
        return {}
    if name.split:
        wanted = _split_of(name.split) or name.split
        found = [path for path, split in splits.items() if wanted in (split, _split_of(split))]
        if not found:
            raise _unknown("no-such-split", name, f"no split {name.split!r}", set(splits.values()))
        return dict.fromkeys(found, "train")
    named = {path: _split_of(split) or split for path, split in splits.items()}
    chosen = {path: split for path, split in named.items() if split in ("train", "valid")}
    if "train" not in chosen.values():
        if len(set(named.values())) > 1:
            raise _unknown("no-such-split", name, "no train split", set(splits.values()))
        return dict.fromkeys(named, "train")
    return chosen


def _by_card(name: DatasetName, paths: list[str], card: Mapping[str, Any]) -> dict[str, str] | None:
    """Paths to split by the `configs` of a dataset's card; None where it has none."""
    configs = card.get("configs")
    if not isinstance(configs, list):
        return None
    known = {
        str(entry["config_name"]): entry
        for entry in configs
        if isinstance(entry, dict) and "config_name" in entry and entry.get("data_files")
    }
    if not known:
        return None
    subset = name.subset or next((key for key, entry in known.items() if entry.get("default")), "")
    if not subset:
        subset = next(iter(known)) if len(known) == 1 else "default"
    if subset not in known:
        code = "no-such-subset" if name.subset else "which-subset"
        what = f"no subset {name.subset!r}" if name.subset else "several subsets"
        raise _unknown(code, name, what, set(known))
    entries = known[subset]["data_files"]
    splits: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        patterns, split = entry, ""
        if isinstance(entry, dict):
            patterns, split = entry.get("path"), str(entry.get("split", "train"))
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            for path in paths:
                if _matches(path, str(pattern)):
                    splits.setdefault(path, split or _split_of(path) or "train")
    return splits


def _by_names(name: DatasetName, paths: list[str]) -> dict[str, str]:
    """Paths to split by their words: data/train-00000-of-00001.parquet, baike.jsonl, ..._eval.jsonl."""
    if name.subset:
        mine = [path for path in paths if name.subset in (*Path(path).parts[:-1], _stem(path))]
        mine = mine or [
            path for path in paths if re.match(rf"{re.escape(name.subset)}[-_.]", Path(path).name)
        ]
        if not mine:
            raise _unknown("no-such-subset", name, f"no subset {name.subset!r}", _subsets(paths))
        paths = mine
    splits = {path: _split_of(path) or "" for path in paths}
    unnamed = [path for path, split in splits.items() if not split]
    if "train" not in splits.values() and len(unnamed) > 1 and not name.subset:
        raise _unknown(
            "which-subset", name, "several files without a split", {_stem(path) for path in unnamed}
        )
    if "train" in splits.values():
        splits = {path: split for path, split in splits.items() if split}
        folders = {str(Path(path).parent) for path, split in splits.items() if split == "train"}
        # The converted branch and others lay a folder for each subset, each with its train files.
        tops = {Path(folder).parts[0] for folder in folders if folder != "."} - {"data", "train"}
        if len(folders) > 1 and len(tops) > 1:
            raise _unknown("which-subset", name, "several subsets", tops)
    return _of_one_kind({path: split or "train" for path, split in splits.items()})


def _of_one_kind(splits: dict[str, str]) -> dict[str, str]:
    """Where the same rows are there in several formats, those of the first that is known best."""
    kinds = {path: Path(path.lower().removesuffix(".gz")).suffix for path in splits}
    best = min(kinds.values(), key=_KINDS.index, default="")
    return {path: split for path, split in splits.items() if kinds[path] == best}


def _subsets(paths: list[str]) -> set[str]:
    return {_stem(path) if len(Path(path).parts) == 1 else Path(path).parts[0] for path in paths}


def _unknown(code: str, name: DatasetName, what: str, known: set[str]) -> GemmaError:
    choices = sorted(known)
    part = "split" if "split" in code else "subset"
    example = replace(name, **{part: choices[0]})
    return GemmaError(
        code, f"{PREFIX}{name.repository} has {what}. There are: {', '.join(choices[:20])}.",
        where="data.dataset", fix=f"Name one, such as {example}.", kept="Nothing was downloaded.",
    )  # fmt: skip


def _matches(path: str, pattern: str) -> bool:
    """The Hub's globs: ** goes through folders, which fnmatch's * does anyway; a plain name is a file."""
    pattern = pattern.removeprefix("./")
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.replace("**/", ""))


def _is_rows(path: str) -> bool:
    parts = path.split("/")
    safe = all(re.match(r"^[\w.+ -]{1,200}$", part) and not part.startswith(".") for part in parts)
    return safe and path.lower().removesuffix(".gz").endswith(_KINDS) and _stem(path).lower() not in _BESIDE


def _stem(path: str) -> str:
    return Path(path).name.split(".")[0]


def _split_of(text: str) -> str | None:
    """The split whose word stands last in a path: names go from the whole to the part."""
    words = re.split(r"[^a-z]+", text.lower())
    for word in reversed(words):
        for split, names in _SPLITS.items():
            if word in names:
                return split
    return None
