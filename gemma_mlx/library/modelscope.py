"""ModelScope, where models come from too: its listing and addresses as the Hub's transfer needs them.

Its API (modelscope/hub/api.py and file_download.py of its client): /api/v1/models/NAME/repo/files lists a
branch with the SHA-256 and the commit of each file, /api/v1/models/NAME/repo gives one file at a commit and
honours ranges. A listing has no commit of its own, so it is named by what it holds.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from urllib.parse import urlencode

import httpx2

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.hub_http import Hub, bad_answer, revision_path
from gemma_mlx.library.hub_listing import SAFE_NAME, Listing, RemoteFile, ask, checked_file

SOURCES = ("huggingface", "modelscope")
ENDPOINT = "https://modelscope.cn"


def chosen_source(source: str | None = None) -> str:
    """Where models come from: `source`, else GEMMA_MLX_SOURCE, else Hugging Face.

    Raises:
        GemmaError: `bad-source`.
    """
    chosen = (source or os.environ.get("GEMMA_MLX_SOURCE") or SOURCES[0]).strip().lower()
    if chosen not in SOURCES:
        raise GemmaError(
            "bad-source", f"Models do not come from {chosen!r}.", where="--source or GEMMA_MLX_SOURCE",
            fix=f"Choose {' or '.join(SOURCES)}.",
        )  # fmt: skip
    return chosen


class ModelScope(Hub):
    """One conversation with ModelScope. No token goes there: the user's is Hugging Face's."""

    def __init__(self, endpoint: str | None = None) -> None:
        """`endpoint`: None takes MODELSCOPE_ENDPOINT, else modelscope.cn.

        Raises:
            GemmaError: `offline`, `bad-endpoint`.
        """
        super().__init__(endpoint or os.environ.get("MODELSCOPE_ENDPOINT") or ENDPOINT, "")

    def refusal(self, response: httpx2.Response, repository: str, revision: str = "main") -> GemmaError:
        """The error for an answer that is none, in words."""
        status = response.status_code
        page = f"{self.endpoint}/models/{repository}"
        kept = "What was downloaded so far is kept; the same command goes on from there."
        if status in (401, 403, 404):
            return GemmaError(
                "no-repository", f"ModelScope shows no model {repository!r} with a revision {revision!r}.",
                where=page, kept=kept,
                fix="Look at the name there: models often have another owner than on Hugging Face "
                "(LLM-Research/gemma-2-2b-it).",
            )  # fmt: skip
        if status == 429:
            return GemmaError("rate-limited", "ModelScope asks for a pause: too many requests from here.",
                              where=page, fix="Try again in some minutes.", kept=kept)  # fmt: skip
        return GemmaError("hub-refused", f"ModelScope answered with status {status}.", where=page,
                          fix="Try again later, or take --source huggingface.", kept=kept)  # fmt: skip


def list_modelscope(
    hub: Hub, repository: str, revision: str = "main", wait: Callable[[float], None] = time.sleep
) -> Listing:
    """What a repository of ModelScope holds at a branch or tag, each file pinned to its commit.

    ModelScope's main branch is called master. Raises GemmaError as `hub_listing.list_repository` does.
    """
    branch = "master" if revision == "main" else revision
    path = f"/api/v1/models/{repository}/repo/files?Revision={revision_path(branch)}&Recursive=True"
    answer = ask(hub, path, repository, branch, wait)
    where = hub.endpoint + path
    data = answer.get("Data") if isinstance(answer, dict) else None
    entries = data.get("Files") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise bad_answer(where, "it lists no files")
    files: dict[str, RemoteFile] = {}
    pinned = hashlib.sha1(usedforsecurity=False)
    for entry in sorted(
        (each for each in entries if isinstance(each, dict)), key=lambda e: str(e.get("Path"))
    ):
        name = str(entry.get("Path"))
        if entry.get("Type") == "tree" or not SAFE_NAME.match(name):
            continue
        commit = str(entry.get("Revision") or branch)
        address = f"/api/v1/models/{repository}/repo?{urlencode({'Revision': commit, 'FilePath': name})}"
        size = entry.get("Size")
        file = RemoteFile(name, size, str(entry.get("Sha256") or ""), address=address)  # type: ignore[arg-type]
        files[name] = checked_file(file, where)
        pinned.update(f"{name} {file.sha256}\n".encode())
    return Listing(repository, pinned.hexdigest(), files)
