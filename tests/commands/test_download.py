"""Tests of `download`: a model comes into the library, and each mode says what it did."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from tests.command_line import gemma
from tests.library.fake_hub import REPOSITORY, FakeHub, model_files, serve


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_anything")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve(FakeHub(model_files(1000))) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


def test_a_model_comes_into_the_library(hub: FakeHub) -> None:
    document = gemma("download", REPOSITORY, "--json").document
    assert document["outcome"] == "finished" and document["repository"] == REPOSITORY
    said = gemma("download", REPOSITORY)
    assert said.status == 0 and "gemma-mlx chat" in said.stdout


def test_what_fails_is_told(hub: FakeHub) -> None:
    assert gemma("download", "google/other", "--json").error["code"] == "no-repository"
    assert gemma("download", REPOSITORY, "--revision", "x", "--json").error["code"] == "no-revision"
    assert gemma("download", REPOSITORY, REPOSITORY, "--out", "x", "--json").error["code"] == "one-folder"


def test_several_models(hub: FakeHub) -> None:
    document = gemma("download", "google/other", REPOSITORY, "--json").document
    assert [model["repository"] for model in document["models"]] == [REPOSITORY]
    assert document["failed"][0]["code"] == "no-repository"


def test_search(hub: FakeHub) -> None:
    assert gemma("download", "--search", "gemma", "--json").document["models"][0]["repository"] == REPOSITORY


def test_offline_it_says_so() -> None:
    assert gemma("download", REPOSITORY, "--json").error["code"] == "offline"


def test_without_a_name_it_shows_what_there_is() -> None:
    said = gemma("download", width=200)
    assert "google/gemma-2-2b-it" in said.stdout and "5.2 GB" in said.stdout
    assert len(gemma("download", "--json").document["models"]) > 20


def test_a_token_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    monkeypatch.setattr("gemma_mlx.library.hub_http.save_token", kept.append)
    monkeypatch.setattr("sys.stdin", io.StringIO("hf_secret\n"))
    said = gemma("download", "--save-token", "--json")
    assert said.document == {"kept": True} and kept == ["hf_secret\n"]


def test_what_is_left_is_removed() -> None:
    assert gemma("download", "--clean", "--json").document == {"freed": 0}
