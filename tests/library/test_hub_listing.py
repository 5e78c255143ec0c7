"""What the Hub says of a repository, and what is made of answers that are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.hub_http import Hub
from gemma_mlx.library.hub_listing import list_repository, needed_first, search_models
from tests.library.fake_hub import COMMIT, REPOSITORY, FakeHub, model_files, serve


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve(FakeHub(model_files(1000))) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


def listed(waits: list[float] | None = None) -> Any:
    client = Hub(token="")
    try:
        return list_repository(client, REPOSITORY, wait=(waits if waits is not None else []).append)
    finally:
        client.close()


def test_a_listing_is_pinned_and_keeps_no_name_from_outside(hub: FakeHub) -> None:
    listing = listed()
    assert listing.commit == COMMIT and listing.licence == "gemma"
    assert "../evil.safetensors" not in listing.files
    assert "original/consolidated.00.safetensors" not in listing.files
    assert listing.files["config.json"].git_sha1 and not listing.files["config.json"].sha256
    assert {file.name for file in needed_first(listing)} == {
        "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors.index.json",
    }  # fmt: skip


def test_a_server_that_falters_is_asked_again(hub: FakeHub) -> None:
    hub.api_faults = [503, 429]
    waits: list[float] = []
    assert listed(waits).commit == COMMIT
    assert waits == [1.0, 2.0]


def test_a_server_that_is_not_there_is_told(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(GemmaError) as caught:
        listed()
    assert caught.value.code == "hub-unreachable"


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"sha": "main"},
        {"sha": COMMIT, "siblings": ["x"]},
        {"sha": COMMIT, "siblings": [{"rfilename": "config.json"}]},
        {"sha": COMMIT, "siblings": [{"rfilename": "config.json", "size": -1, "blobId": "0" * 40}]},
        {"sha": COMMIT, "siblings": [{"rfilename": "config.json", "size": 5, "blobId": "short"}]},
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(FakeHub, "listing", lambda _hub: answer)
    with pytest.raises(GemmaError) as caught:
        listed()
    assert caught.value.code == "bad-answer"


def test_search(hub: FakeHub) -> None:
    (found,) = search_models("gemma", token="")
    assert (found.repository, found.downloads, found.licence) == (REPOSITORY, 5, "gemma")
    assert "search=gemma" in hub.requests[0][0]
