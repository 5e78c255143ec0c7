"""One file over the line: stopping is heard while it waits, and what is there is never asked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.hub_http import Hub
from gemma_mlx.library.hub_listing import Listing, RemoteFile
from gemma_mlx.library.hub_transfer import CHUNK_BYTES, Transfer
from tests.library.fake_hub import COMMIT, REPOSITORY, FakeHub, data_of, serve

DATA = data_of(3 * CHUNK_BYTES + 5)
NAME = "model.safetensors"
FILE = RemoteFile(NAME, len(DATA), hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve(FakeHub({NAME: DATA, "empty": b""})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


@pytest.fixture
def transfer(hub: FakeHub) -> Iterator[Transfer]:
    client = Hub(token="")
    yield Transfer(client, Listing(REPOSITORY, COMMIT, {}), wait=lambda _seconds: None)
    client.close()


def test_each_chunk_is_told(transfer: Transfer, tmp_path: Path) -> None:
    told = list(transfer.bring(FILE, tmp_path / "file"))
    assert told == [CHUNK_BYTES, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES, len(DATA), len(DATA)]
    assert (tmp_path / "file").read_bytes() == DATA


def test_a_file_that_is_there_is_only_checked(hub: FakeHub, transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    assert list(transfer.bring(FILE, tmp_path / "file")) == [len(DATA)]
    assert hub.requests == []


def test_an_empty_file(transfer: Transfer, tmp_path: Path) -> None:
    empty = RemoteFile("empty", 0, git_sha1=hashlib.sha1(b"blob 0\0").hexdigest())
    assert list(transfer.bring(empty, tmp_path / "file")) == [0]
    assert (tmp_path / "file").read_bytes() == b""


def test_a_link_in_the_draft_is_not_written_through(transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "file").symlink_to(tmp_path / "other")
    with pytest.raises(GemmaError) as caught:
        list(transfer.bring(FILE, tmp_path / "file"))
    assert caught.value.code == "cannot-write"
    assert not (tmp_path / "other").exists()


def test_stopping_is_heard_while_it_waits(hub: FakeHub, transfer: Transfer, tmp_path: Path) -> None:
    hub.faults[NAME] = ["500"] * 6
    waited: list[float] = []
    transfer.wait = waited.append
    transfer.cancelled = lambda: len(waited) == 2
    assert list(transfer.bring(FILE, tmp_path / "file")) == []
    assert sum(waited) <= 0.5
