"""Downloads against a Hub that fails in every way: what arrives is whole and right, or says why not."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done, Progress, Warning
from gemma_mlx.library import hub as hub_module
from gemma_mlx.library.hub import clean_partials, download, download_queue, list_partials
from gemma_mlx.library.hub_transfer import CHUNK_BYTES
from gemma_mlx.library.store import hub_cache, list_models, models_root
from tests.library.fake_hub import COMMIT, REPOSITORY, FakeHub, kill_on_the_way, model_files, serve

BIG = "model-00002-of-00002.safetensors"
WANTED = {
    "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors.index.json",
    "model-00001-of-00002.safetensors", BIG,
}  # fmt: skip


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in ("HF_HUB_OFFLINE", "GEMMA_MLX_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve(FakeHub(model_files())) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


def no_wait(_seconds: float) -> None:
    pass


def bring(**more: Any) -> Done:
    *_, last = download(REPOSITORY, token="", **{"wait": no_wait, **more})
    assert isinstance(last, Done)
    return last


def whole(hub: FakeHub, folder: Path | None = None) -> bool:
    folder = folder or models_root() / REPOSITORY
    return all((folder / name).read_bytes() == hub.files[name] for name in WANTED)


def test_a_model_arrives_whole_with_only_what_it_needs(hub: FakeHub) -> None:
    events = list(download(REPOSITORY, token="", wait=no_wait))
    done = events[-1]
    assert isinstance(done, Done) and done.outcome == "finished"
    assert whole(hub)
    assert {path.name for path in Path(done.result["folder"]).iterdir()} == WANTED | {"hub.json"}
    assert done.result["commit"] == COMMIT and done.result["licence"] == "gemma"
    assert done.result["bytes"] == done.result["received"] == sum(len(hub.files[name]) for name in WANTED)
    progress = [event for event in events if isinstance(event, Progress) and event.total]
    assert progress[-1].done == progress[-1].total == done.result["bytes"]
    assert not list_partials()
    assert [model.name for model in list_models()] == [REPOSITORY]
    # Everything was asked for at the commit, never at a branch that may move meanwhile.
    assert all(COMMIT in path for path, _ in hub.requests if "/resolve/" in path)


def test_asked_again_nothing_is_sent(hub: FakeHub) -> None:
    bring()
    before = dict(hub.served)
    assert bring().result["received"] == 0
    assert hub.served == before


@pytest.mark.parametrize(
    ("faults", "most_times"),
    [
        (["cut"], 1.5),
        (["drop"], 1.1),
        (["drop", "drop", "500"], 1.2),
        (["garble"], 2.0),
        (["500", "503"], 1.0),
        (["429"], 1.0),
        (["redirect"], 1.0),
        (["redirect", "drop"], 1.1),
        (["drop", "ignore-range"], 1.5),
        (["drop", "416"], 1.5),
        (["drop", "wrong-part"], 1.6),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_every_fault_is_got_over(hub: FakeHub, faults: list[str], most_times: float) -> None:
    hub.faults[BIG] = list(faults)
    assert bring().outcome == "finished"
    assert whole(hub)
    assert not hub.faults[BIG]
    assert hub.served[BIG] <= most_times * len(hub.files[BIG]) + CHUNK_BYTES


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (["500"] * 6, "hub-refused"),
        (["429"] * 6, "rate-limited"),
        (["garble"] * 2, "corrupt-download"),
        (["416"] * 6, "hub-refused"),
        (["404"], "no-repository"),
    ],
)
def test_a_fault_that_stays_is_told_and_what_came_is_kept(hub: FakeHub, faults: list[str], code: str) -> None:
    hub.faults[BIG] = list(faults)
    with pytest.raises(GemmaError) as caught:
        bring()
    assert caught.value.code == code and caught.value.fix
    assert not (models_root() / REPOSITORY).exists()
    (partial,) = list_partials()
    assert (partial.repository, partial.commit) == (REPOSITORY, COMMIT)
    hub.faults.clear()
    small = hub.served["tokenizer.json"]
    assert bring().outcome == "finished" and whole(hub)
    assert hub.served["tokenizer.json"] == small


def test_the_pause_that_the_hub_asks_for_is_kept(hub: FakeHub) -> None:
    waited: list[float] = []
    hub.faults[BIG] = ["429"]
    bring(wait=waited.append)
    assert sum(waited) == pytest.approx(7)


KILLED = """
import sys
from gemma_mlx.library.hub import download
for event in download(sys.argv[1], token=""):
    pass
"""


def test_after_a_kill_at_half_at_most_one_chunk_is_sent_again(hub: FakeHub) -> None:
    size = len(hub.files[BIG])
    hub.stop_after = size // 2
    kill_on_the_way(hub, KILLED, REPOSITORY)
    (partial,) = list_partials()
    kept = (partial.path / BIG).stat().st_size
    assert kept > size // 2 - 2 * CHUNK_BYTES
    done = bring()
    assert whole(hub)
    again = done.result["received"] - (size - size // 2)
    print(f"{again} bytes came twice after a kill at half of {size}")
    assert again <= CHUNK_BYTES
    assert done.result["received"] == size - kept
    assert hub.served["tokenizer.json"] == len(hub.files["tokenizer.json"])


def test_stopped_it_keeps_what_is_there_and_goes_on(hub: FakeHub) -> None:
    done = bring(cancelled=lambda: hub.served.get(BIG, 0) > 0)
    assert done.outcome == "stopped"
    assert done.result["kept"] > 0
    assert not (models_root() / REPOSITORY).exists()
    assert bring().result["received"] < sum(len(hub.files[name]) for name in WANTED)
    assert whole(hub)


def test_a_spoiled_beginning_is_fetched_anew(hub: FakeHub) -> None:
    hub.faults[BIG] = ["drop", *["500"] * 5]
    with pytest.raises(GemmaError):
        bring()
    (partial,) = list_partials()
    part = partial.path / BIG
    part.write_bytes(bytes(part.stat().st_size))  # zeros, as a power cut leaves them
    hub.faults.clear()
    bring()
    assert whole(hub)


def test_a_file_that_is_too_long_is_fetched_anew(hub: FakeHub) -> None:
    draft = models_root() / "google" / f".tiny-gemma.{COMMIT[:12]}.download"
    draft.mkdir(parents=True)
    (draft / "config.json").write_bytes(b"x" * 1000)
    bring()
    assert whole(hub)


@pytest.mark.parametrize(
    ("token", "accepted", "code", "words"),
    [
        ("", True, "gated-model", ["accept", "token", "HF_TOKEN"]),
        ("hf_other", True, "bad-token", ["token"]),
        ("hf_right", False, "gated-model", ["accept the licence"]),
    ],
)
def test_a_gated_model_says_what_to_do(
    hub: FakeHub, token: str, accepted: bool, code: str, words: list[str]
) -> None:
    hub.needs_token, hub.accepted = "hf_right", accepted
    with pytest.raises(GemmaError) as caught:
        list(download(REPOSITORY, token=token, wait=no_wait))
    assert caught.value.code == code
    assert all(word in str(caught.value) for word in words)
    assert f"{hub.address}/{REPOSITORY}" in caught.value.where
    if token:
        assert token not in str(caught.value)


def test_a_token_opens_a_gated_model_and_goes_to_no_other_host(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.needs_token = "hf_right"
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    hub.faults[BIG] = ["redirect"]
    list(download(REPOSITORY, wait=no_wait))
    assert whole(hub)
    stored = [headers for path, headers in hub.requests if path.startswith("/store/")]
    assert stored and not any("Authorization" in headers for headers in stored)


def test_a_signed_address_that_ran_out_is_asked_for_anew(hub: FakeHub) -> None:
    hub.faults[BIG] = ["redirect", "expired"]
    bring()
    assert whole(hub)


@pytest.mark.parametrize(
    ("repository", "revision", "code"),
    [
        ("google/other", "main", "no-repository"),
        (REPOSITORY, "no-such", "no-revision"),
        ("../../etc", "main", "bad-repository"),
        ("gemma", "main", "bad-repository"),
        (REPOSITORY, "../../x", "bad-revision"),
    ],
)
def test_wrong_names_are_told(hub: FakeHub, repository: str, revision: str, code: str) -> None:
    with pytest.raises(GemmaError) as caught:
        list(download(repository, revision, token="", wait=no_wait))
    assert caught.value.code == code


def test_a_commit_can_be_named(hub: FakeHub) -> None:
    *_, done = download(f"https://huggingface.co/{REPOSITORY}/tree/main", COMMIT, token="", wait=no_wait)
    assert isinstance(done, Done) and whole(hub)


def test_the_offline_switch_opens_no_socket(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    class Counted(socket.socket):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            opened.append(arguments)
            super().__init__(*arguments, **named)

    monkeypatch.setattr(socket, "socket", Counted)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked: opened.append(asked))
    for name in ("GEMMA_MLX_OFFLINE", "HF_HUB_OFFLINE"):
        with monkeypatch.context() as switch:
            switch.setenv(name, "1")
            with pytest.raises(GemmaError) as caught:
                list(download(REPOSITORY, wait=no_wait))
            assert caught.value.code == "offline"
    assert opened == []


def test_the_switch_off_opens_sockets(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above can fail."""
    opened: list[Any] = []
    create = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda *a, **n: (opened.append(a), create(*a, **n))[1])
    bring()
    assert opened


def test_no_room_is_said_before_the_first_byte(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(models_root().parent.parent)._replace(free=2_000_000)
    monkeypatch.setattr(hub_module, "SPARE_BYTES", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(GemmaError) as caught:
        bring()
    assert caught.value.code == "no-room"
    assert BIG not in hub.served


def test_a_disk_that_fills_up_keeps_what_came(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_open = Path.open

    class Full:
        def __init__(self, stream: Any) -> None:
            self.stream, self.room = stream, 1_000_000

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.stream.close()

        def write(self, data: memoryview) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = self.stream.write(data[: self.room])
            self.room -= written
            return int(written)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

    def limited(path: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        stream = whole_open(path, mode, *arguments, **named)
        return Full(stream) if path.name == BIG and mode in ("wb", "r+b") else stream

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", limited)
        with pytest.raises(GemmaError) as caught:
            bring()
    assert caught.value.code == "disk-full"
    assert not (models_root() / REPOSITORY).exists()
    received = bring().result["received"]
    assert whole(hub)
    assert received == len(hub.files[BIG]) - 1_000_000


def test_another_folder_of_that_name_is_left_alone(hub: FakeHub) -> None:
    folder = models_root() / REPOSITORY
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(GemmaError) as caught:
        bring()
    assert caught.value.code == "folder-exists"
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_folder_of_ones_own(hub: FakeHub, tmp_path: Path) -> None:
    done = bring(destination=tmp_path / "here" / "it")
    assert Path(done.result["folder"]) == tmp_path / "here" / "it"
    assert whole(hub, tmp_path / "here" / "it")


def test_the_shared_cache_is_used_checked_and_not_changed(hub: FakeHub) -> None:
    snapshot = hub_cache() / "models--google--tiny-gemma" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / BIG).write_bytes(hub.files[BIG])
    damaged = b"x" * len(hub.files["tokenizer.json"])
    (snapshot / "tokenizer.json").write_bytes(damaged)
    done = bring()
    assert whole(hub)
    assert BIG not in hub.served and "tokenizer.json" in hub.served
    (Path(done.result["folder"]) / BIG).write_bytes(b"changed")
    assert (snapshot / BIG).read_bytes() == hub.files[BIG]
    assert (snapshot / "tokenizer.json").read_bytes() == damaged


def test_two_downloads_of_one_model_do_not_meet(hub: FakeHub) -> None:
    running = download(REPOSITORY, token="", wait=no_wait)
    for event in running:
        if isinstance(event, Progress) and event.done:
            break
    with pytest.raises(GemmaError) as caught:
        bring()
    assert caught.value.code == "download-runs"
    assert isinstance(list(running)[-1], Done)
    assert whole(hub)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: files.pop("config.json"), "config.json"),
        (lambda files: [files.pop(name) for name in list(files) if name.endswith("safetensors")], ".bin"),
        (lambda files: files.pop(BIG), BIG),
        (lambda files: files.update({"model.safetensors.index.json": b"[]"}), "index"),
        (
            lambda files: files.update(
                {"model.safetensors.index.json": json.dumps({"weight_map": {"a": "../../evil"}}).encode()}
            ),
            "evil",
        ),
    ],
)
def test_a_repository_that_holds_no_model_is_refused(hub: FakeHub, change: Any, words: str) -> None:
    change(hub.files)
    with pytest.raises(GemmaError) as caught:
        bring()
    assert caught.value.code == "not-a-model"
    assert words in caught.value.what


def test_a_queue_goes_on_after_one_that_fails(hub: FakeHub) -> None:
    wishes = [("google/other", "main"), (REPOSITORY, "main")]
    events = list(download_queue(wishes, token="", wait=no_wait))
    done = events[-1]
    assert isinstance(done, Done)
    assert [model["repository"] for model in done.result["models"]] == [REPOSITORY]
    assert [failed["code"] for failed in done.result["failed"]] == ["no-repository"]
    assert any(isinstance(event, Warning) for event in events)
    with pytest.raises(GemmaError):
        list(download_queue([("google/other", "main")], token="", wait=no_wait))


def test_orphans_are_cleaned_and_fresh_ones_kept(hub: FakeHub) -> None:
    hub.faults[BIG] = ["drop", *["500"] * 5]
    with pytest.raises(GemmaError):
        bring()
    (partial,) = list_partials()
    assert clean_partials() == 0
    old = time.time() - 20 * 86_400
    for path in partial.path.iterdir():
        os.utime(path, (old, old))
    assert clean_partials() == partial.size
    assert not list_partials()


def test_the_rest_of_an_older_commit_goes_when_a_newer_one_comes(hub: FakeHub) -> None:
    old = models_root() / "google" / f".tiny-gemma.{'b' * 12}.download"
    old.mkdir(parents=True)
    (old / BIG).write_bytes(b"old")
    bring()
    assert not old.exists()
