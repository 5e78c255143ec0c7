"""Names, addresses and tokens: what may go into an address, and where a token comes from."""

from __future__ import annotations

from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.hub_http import (
    ENDPOINT,
    endpoint_url,
    offline,
    repository_name,
    revision_path,
    save_token,
    saved_token,
)


class Memory(KeyringBackend):
    """A keyring that forgets."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Any:
    before = keyring.get_keyring()
    kept = Memory()
    keyring.set_keyring(kept)
    yield kept
    keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("google/gemma-2-2b-it", "google/gemma-2-2b-it"),
        ("https://huggingface.co/google/gemma-3-1b-it/tree/main?x=1", "google/gemma-3-1b-it"),
        ("hf:mlx-community/gemma-2-2b-it-4bit", "mlx-community/gemma-2-2b-it-4bit"),
    ],
)
def test_names_are_read_from_addresses(text: str, name: str) -> None:
    assert repository_name(text) == name


@pytest.mark.parametrize("text", ["", "gemma", "/etc/passwd", "a/../b", "a/b c", "-a/b", "google/..", "ä/b"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(GemmaError, match="repository"):
        repository_name(text)


def test_a_revision_cannot_leave_its_place() -> None:
    assert revision_path("refs/pr/3") == "refs%2Fpr%2F3"
    for text in ("", "..", "a?b", "a b", "-x"):
        with pytest.raises(GemmaError):
            revision_path(text)


def test_the_endpoint_is_the_mirror_that_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint_url() == ENDPOINT
    monkeypatch.setenv("HF_ENDPOINT", "https://hf-mirror.com/")
    assert endpoint_url() == "https://hf-mirror.com"
    assert endpoint_url("http://here:80") == "http://here:80"
    for text in ("file:///etc", "hf-mirror.com", "http://", "http://[::1"):
        with pytest.raises(GemmaError) as caught:
            endpoint_url(text)
        assert caught.value.code == "bad-endpoint"


@pytest.mark.parametrize(("value", "switched"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_offline_switch(monkeypatch: pytest.MonkeyPatch, value: str, switched: bool) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("GEMMA_MLX_OFFLINE", value)
    assert offline() is switched


def test_a_token_is_kept_in_the_keyring_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved_token() is None
    save_token(" hf_abcdefgh ")
    assert saved_token() == "hf_abcdefgh"
    monkeypatch.setenv("HF_TOKEN", "hf_environment")
    assert saved_token() == "hf_environment"
    monkeypatch.delenv("HF_TOKEN")
    save_token("")
    save_token("")
    assert saved_token() is None


def test_what_is_no_token_is_refused() -> None:
    with pytest.raises(GemmaError) as caught:
        save_token("two words")
    assert caught.value.code == "bad-token"


def test_without_a_keyring_the_environment_is_named(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: str) -> None:
        raise keyring.errors.KeyringLocked("locked")

    monkeypatch.setattr(memory, "set_password", locked)
    monkeypatch.setattr(memory, "get_password", locked)
    assert saved_token() is None
    with pytest.raises(GemmaError) as caught:
        save_token("hf_abcdefgh")
    assert "HF_TOKEN" in caught.value.fix
