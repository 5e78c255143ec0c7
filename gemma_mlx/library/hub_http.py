"""Speaks with the Hub: where it is, whether it may be asked, who asks, and what its refusals mean.

httpx2 is what huggingface_hub stands on. Its own client is not used: it reads the endpoint and the offline
switch once, at import, and a window must be able to change both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx2

from gemma_mlx.errors import GemmaError

ENDPOINT = "https://huggingface.co"
KEYRING_SERVICE = "Gemma MLX"
KEYRING_NAME = "hugging-face-token"
_OFFLINE = ("GEMMA_MLX_OFFLINE", "HF_HUB_OFFLINE")
_REPOSITORY = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$", re.ASCII)
_REVISION = re.compile(r"^[A-Za-z0-9][\w./-]{0,199}$", re.ASCII)
_TOKEN_FIX = (
    "Make a token with read access in your account's settings ({endpoint}/settings/tokens), then give it: "
    "`gemma-mlx download --save-token`, or HF_TOKEN in the environment."
)


def offline() -> bool:
    """Whether the user forbade any connection (GEMMA_MLX_OFFLINE or HF_HUB_OFFLINE in the environment)."""
    return any(os.environ.get(name, "").strip().lower() not in ("", "0", "no", "false") for name in _OFFLINE)


def endpoint_url(endpoint: str | None = None) -> str:
    """The Hub's address: `endpoint`, else HF_ENDPOINT (a mirror), else huggingface.co.

    Raises:
        GemmaError: `bad-endpoint`: it is no http or https address.
    """
    chosen = (endpoint or os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
    try:
        url = httpx2.URL(chosen)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise GemmaError(
            "bad-endpoint", f"This is no address of a Hub: {chosen!r}.", where="HF_ENDPOINT",
            fix="Give an address such as https://huggingface.co, or take the variable away.",
        )  # fmt: skip
    return chosen


def repository_name(text: str) -> str:
    """`owner/name` from a name or from the address of a model's page.

    Raises:
        GemmaError: `bad-repository`.
    """
    name = re.sub(r"^(https?://[^/]+/|hf:)", "", text.strip()).split("?")[0].rstrip("/")
    name = "/".join(name.split("/")[:2])
    if not _REPOSITORY.match(name) or ".." in name:
        raise GemmaError(
            "bad-repository", f"This is no name of a repository on the Hub: {text!r}.",
            fix="Give owner/name, such as google/gemma-2-2b-it, or the address of the model's page.",
        )  # fmt: skip
    return name


def revision_path(revision: str) -> str:
    """A branch, tag or commit as it stands in an address. Raises GemmaError `bad-revision`."""
    if not _REVISION.match(revision) or ".." in revision:
        raise GemmaError(
            "bad-revision", f"This is no name of a revision: {revision!r}.",
            fix="Give a branch (main), a tag or a commit.",
        )  # fmt: skip
    return quote(revision, safe="")


def saved_token() -> str | None:
    """The user's token: HF_TOKEN, else the Keychain's, else the one that `hf auth login` left."""
    from_environment = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    if from_environment:
        return from_environment.strip() or None
    # Imported here: both take time, and a public model needs neither.
    import keyring
    from keyring.errors import KeyringError

    try:
        token = keyring.get_password(KEYRING_SERVICE, KEYRING_NAME)
    except KeyringError:  # no keyring on this system, or it is locked
        token = None
    if token:
        return token
    from huggingface_hub import get_token

    return get_token()


def save_token(token: str) -> None:
    """Keep a token in the system's Keychain; an empty one is taken away.

    Raises:
        GemmaError: `bad-token`: it has no token's form; `no-keyring`: this system keeps no secrets.
    """
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    token = token.strip()
    if token and not re.fullmatch(r"[\w.-]{8,500}", token, re.ASCII):
        raise GemmaError("bad-token", "This does not look like a token.", fix="Copy the whole of it: hf_...")
    try:
        if token:
            keyring.set_password(KEYRING_SERVICE, KEYRING_NAME, token)
            return
        keyring.delete_password(KEYRING_SERVICE, KEYRING_NAME)
    except PasswordDeleteError:
        return
    except KeyringError as problem:
        raise GemmaError(
            "no-keyring", f"This system's keyring cannot be used: {problem}",
            fix="Put the token into HF_TOKEN in the environment instead.",
        ) from None  # fmt: skip


class Hub:
    """One conversation with a Hub. Offline it refuses to be made."""

    def __init__(self, endpoint: str | None = None, token: str | None = None) -> None:
        """`token`: None looks for the user's own; "" asks without any.

        Raises:
            GemmaError: `offline`, `bad-endpoint`.
        """
        if offline():
            raise GemmaError(
                "offline", "The offline switch is on, so nothing was asked of the Hub.",
                where=" or ".join(_OFFLINE),
                fix="Turn it off in the settings, or leave --offline or the variable away.",
            )  # fmt: skip
        self.endpoint = endpoint_url(endpoint)
        self.token = saved_token() if token is None else token
        self._client = httpx2.Client(
            follow_redirects=True,
            max_redirects=10,
            # Bytes are asked for as they are: a range of compressed bytes would be another range.
            headers={"User-Agent": "gemma-mlx", "Accept-Encoding": "identity"},
            # A connection that stands still is taken up again where it stood.
            timeout=httpx2.Timeout(20.0, connect=15.0),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextmanager
    def stream(self, path: str, **headers: str) -> Iterator[httpx2.Response]:
        """Ask for a path below the endpoint. A token goes only to the endpoint's own host.

        Raises:
            httpx2.TransportError, httpx2.TooManyRedirects: the connection failed.
        """
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        with self._client.stream("GET", f"{self.endpoint}{path}", headers=headers) as response:
            secure = self.endpoint.startswith("https:")
            if secure and response.url.scheme != "https":
                raise GemmaError(
                    "unsafe-redirect", "The Hub sent this download to an address without encryption.",
                    where=str(response.url.host), fix="Choose another mirror (HF_ENDPOINT).",
                )  # fmt: skip
            yield response

    def moved(self, response: httpx2.Response) -> bool:
        """Whether the answer came from another host than the endpoint (its store of large files)."""
        return response.url.netloc != httpx2.URL(self.endpoint).netloc

    def refusal(self, response: httpx2.Response, repository: str, revision: str = "main") -> GemmaError:
        """The error for an answer that is none: 401, 403, 404, 429 and the rest, in words."""
        status = response.status_code
        said = response.headers.get("X-Error-Code", "")
        page = f"{self.endpoint}/{repository}"
        kind = "dataset" if repository.startswith("datasets/") else "model"
        repository = repository.removeprefix("datasets/")
        kept = "What was downloaded so far is kept; the same command goes on from there."
        give_token = _TOKEN_FIX.format(endpoint=self.endpoint)
        if said == "RevisionNotFound":
            return GemmaError(
                "no-revision", f"{repository} has no revision {revision!r}.", where=page,
                fix="Leave --revision out, or look at the model's page for its branches and commits.",
            )  # fmt: skip
        if said == "GatedRepo" or (status == 403 and self.token):
            what = f"{repository} is gated: its licence has to be accepted first."
            fix = f"Open {page}, log in and accept the licence."
            if self.token:
                what += " The account of your token has not done so, or the token may not read gated models."
            else:
                fix += f" {give_token}"
            return GemmaError("gated-model", what, where=page, fix=fix, kept=kept)
        if status == 401 and self.token and said != "RepoNotFound":
            return GemmaError("bad-token", "The Hub does not know your token (it may be revoked or expired).",
                              where=page, fix=give_token, kept=kept)  # fmt: skip
        if status == 404 or said == "RepoNotFound" or status == 401:
            more = "" if self.token else f" If it is private or gated: {give_token}"
            return GemmaError(
                "no-repository", f"The Hub shows no {kind} {repository!r} to "
                + ("your account." if self.token else "people without a token."),
                where=page, fix=f"Look at the name, capitals too.{more}",
            )  # fmt: skip
        if status == 429:
            return GemmaError("rate-limited", "The Hub asks for a pause: too many requests from here.",
                              where=page, fix="Try again in some minutes; a token gives more room.",
                              kept=kept)  # fmt: skip
        if status == 403:
            return GemmaError("gated-model", f"The Hub refuses {repository} without a token.", where=page,
                              fix=f"Open {page} and accept its licence. {give_token}", kept=kept)  # fmt: skip
        return GemmaError("hub-refused", f"The Hub answered with status {status}.", where=str(response.url),
                          fix="Try again later, or choose a mirror (HF_ENDPOINT).", kept=kept)  # fmt: skip


def unreachable(hub: Hub, problem: object) -> GemmaError:
    """The error for a Hub that cannot be spoken with."""
    words = str(problem) or type(problem).__name__
    return GemmaError(
        "hub-unreachable", f"The connection to the Hub fails: {words}.", where=hub.endpoint,
        fix="Look at your connection and try again; HF_ENDPOINT names a mirror.",
        kept="What was downloaded so far is kept; the same command goes on from there.",
    )  # fmt: skip


def bad_answer(where: str, why: Any) -> GemmaError:
    """The error for an answer of the Hub (or of something that stands in its place) that makes no sense."""
    return GemmaError(
        "bad-answer", f"The answer is not one of a Hub: {why}.", where=where,
        fix="A login page of the network or a broken mirror may answer instead: look at HF_ENDPOINT.",
    )  # fmt: skip
