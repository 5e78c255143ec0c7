"""What a repository of the Hub holds at one commit, and which of its files a model needs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.hub_http import Hub, bad_answer, revision_path, unreachable

INDEX = "model.safetensors.index.json"
COMPANIONS = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "chat_template.json",
    "LICENSE", "USE_POLICY.md",
)  # fmt: skip
"""Files beside the weights that this program or its neighbours read."""

SAFE_NAME = re.compile(r"^[A-Za-z0-9_][\w.-]{0,199}$", re.ASCII)
_ANSWER_BYTES = 64 * 2**20
_ATTEMPTS = 4


@dataclass(frozen=True)
class RemoteFile:
    """A file at a commit: bytes, and its SHA-256 (large files) or git's own hash of it (small ones).

    `name` is what it is called here; `address` is where below the endpoint it is, if not where a model's are.
    """

    name: str
    size: int
    sha256: str = ""
    git_sha1: str = ""
    address: str = ""


@dataclass(frozen=True)
class Listing:
    """The files of a repository at `commit`; `gated`: "", "auto" or "manual"."""

    repository: str
    commit: str
    files: dict[str, RemoteFile]
    gated: str = ""
    licence: str = ""


@dataclass(frozen=True)
class FoundModel:
    """One hit of a search on the Hub."""

    repository: str
    downloads: int
    likes: int
    gated: bool
    licence: str
    updated: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def list_repository(
    hub: Hub, repository: str, revision: str = "main", wait: Callable[[float], None] = time.sleep
) -> Listing:
    """What the repository holds at a branch, tag or commit, pinned to its commit.

    Raises:
        GemmaError: the Hub refuses or cannot be reached, or the answer makes no sense.
    """
    commit, found, answer = list_files(hub, f"models/{repository}", repository, revision, wait)
    # Nothing that a model needs lies deeper, and a name from outside must not leave its folder.
    files = {file.name: file for file in found if SAFE_NAME.match(file.name)}
    card = answer.get("cardData")
    licence = str(card.get("license") or "") if isinstance(card, dict) else ""
    return Listing(repository, commit, files, str(answer.get("gated") or ""), licence)


def list_files(
    hub: Hub, place: str, repository: str, revision: str, wait: Callable[[float], None]
) -> tuple[str, list[RemoteFile], dict[str, Any]]:
    """The commit, every file with a size and a hash, and the whole answer for a `place` below /api/.

    Raises:
        GemmaError: as `list_repository`.
    """
    path = f"/api/{place}/revision/{revision_path(revision)}?blobs=true"
    answer = ask(hub, path, repository, revision, wait)
    where = hub.endpoint + path
    commit = answer.get("sha") if isinstance(answer, dict) else None
    if not isinstance(commit, str) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise bad_answer(where, "it names no commit")
    return commit, [_file(entry, where) for entry in answer.get("siblings") or []], answer


def needed_first(listing: Listing) -> list[RemoteFile]:
    """Small files that come first: the configuration, the tokenizer, the index of the weights.

    Raises:
        GemmaError: `not-a-model`.
    """
    weights = [name for name in listing.files if name.endswith(".safetensors")]
    if "config.json" not in listing.files or not weights:
        others = [name for name in listing.files if name.endswith((".gguf", ".bin", ".h5", ".msgpack"))]
        what = "config.json is missing" if weights else "it holds no .safetensors file"
        if "adapter_config.json" in listing.files:
            what = "it holds an adapter, not a model"
        elif others:
            what += f" (but {others[0]})"
        raise GemmaError(
            "not-a-model", f"{listing.repository} cannot be used here: {what}.",
            fix="Choose the model's repository in Hugging Face's format.", kept="Nothing was downloaded.",
        )  # fmt: skip
    names = [name for name in (*COMPANIONS, INDEX) if name in listing.files]
    return [listing.files[name] for name in names]


def needed_weights(listing: Listing, index: bytes | None) -> list[RemoteFile]:
    """The files of weights that the index names; without an index model.safetensors.

    Raises:
        GemmaError: `not-a-model`: the index names files that the repository does not hold.
    """
    if index is None:
        names = ["model.safetensors"]
    else:
        try:
            names = sorted({str(name) for name in json.loads(index)["weight_map"].values()})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            names = [INDEX]
    missing = [name for name in names if name not in listing.files or not name.endswith(".safetensors")]
    if missing:
        raise GemmaError(
            "not-a-model", f"{listing.repository} is not complete: {missing[0]} is missing or unreadable.",
            fix="Choose another revision, or tell the repository's owner.",
        )  # fmt: skip
    return [listing.files[name] for name in names]


def search_models(
    query: str, *, limit: int = 20, endpoint: str | None = None, token: str | None = None
) -> list[FoundModel]:
    """Models of the Hub that hold safetensors and whose name fits, the most downloaded first.

    Raises:
        GemmaError: `offline`, or the Hub refuses or cannot be reached.
    """
    wish = {"search": query, "filter": "safetensors", "sort": "downloads", "direction": -1, "limit": limit}
    hub = Hub(endpoint, token)
    try:
        answer = ask(hub, f"/api/models?{urlencode(wish)}&full=true", "search")
    finally:
        hub.close()
    if not isinstance(answer, list):
        raise bad_answer(hub.endpoint, "the search gives no list")
    found = []
    for entry in answer[:limit]:
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            tags = [str(tag) for tag in entry.get("tags") or []]
            licence = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
            updated = str(entry.get("lastModified") or "")
            counts = _count(entry, "downloads"), _count(entry, "likes")
            found.append(FoundModel(entry["id"], *counts, bool(entry.get("gated")), licence, updated))
    return found


def ask(
    hub: Hub, path: str, repository: str, revision: str = "main", wait: Callable[[float], None] = time.sleep
) -> Any:
    """The JSON that the Hub gives for a path; tried again where the server or the connection falters."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with hub.stream(path) as response:
                if response.status_code == 200:
                    return _json(response, hub.endpoint + path)
                passing = response.status_code in (408, 429) or response.status_code >= 500
                problem = hub.refusal(response, repository, revision)
        except (httpx2.TransportError, httpx2.TooManyRedirects) as failure:
            passing, problem = True, unreachable(hub, failure)
        if not passing or attempt == _ATTEMPTS:
            raise problem
        wait(2.0 ** (attempt - 1))
    raise AssertionError("unreachable")


def _json(response: httpx2.Response, where: str) -> Any:
    text = b""
    for part in response.iter_bytes():
        text += part
        if len(text) > _ANSWER_BYTES:
            raise bad_answer(where, "it is too long")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise bad_answer(where, "it is no JSON") from None


def _count(entry: dict[str, Any], name: str) -> int:
    value = entry.get(name)
    return value if isinstance(value, int) else 0


def _file(entry: Any, where: str) -> RemoteFile:
    """One file of the answer. Every file has a hash: what cannot be checked is not taken."""
    try:
        large = entry.get("lfs") or {}
        size = large.get("size", entry.get("size"))
        file = RemoteFile(
            str(entry["rfilename"]), size, large.get("sha256", ""),
            "" if large else str(entry.get("blobId") or ""),
        )  # fmt: skip
    except (KeyError, AttributeError, TypeError):
        raise bad_answer(where, "a file has no name") from None
    return checked_file(file, where)


def checked_file(file: RemoteFile, where: str) -> RemoteFile:
    """The file, if its size and hash make sense.

    Raises:
        GemmaError: `bad-answer`.
    """
    size = file.size
    hashed = re.fullmatch(r"[0-9a-f]{64}", str(file.sha256)) or re.fullmatch(r"[0-9a-f]{40}", file.git_sha1)
    if not hashed or isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise bad_answer(where, f"{file.name} comes without size or hash")
    return file
