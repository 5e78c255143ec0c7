"""Datasets of the Hub: which files a name means, fetched once, resumed, checked, pinned, read offline."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gemma_mlx.data.folder import find_files
from gemma_mlx.errors import DatasetError, GemmaError
from gemma_mlx.events import Done
from gemma_mlx.library.hub import datasets_root, list_partials
from gemma_mlx.library.hub_datasets import (
    choose_files,
    download_dataset,
    find_dataset,
    is_hub_name,
    parse_name,
    pinned,
)
from gemma_mlx.library.hub_transfer import CHUNK_BYTES
from tests.command_line import gemma
from tests.library.fake_hub import FakeHub, data_of, kill_on_the_way, serve
from tests.library.fake_hub_datasets import DatasetHandler
from tests.library.test_hub import no_wait


def jsonl(count: int, word: str = "row") -> bytes:
    rows = [{"prompt": f"What is {word} {i}?", "completion": f"It is {i}."} for i in range(count)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(count: int) -> bytes:
    stream = io.BytesIO()
    table = pa.table({"text": [f"### Human: {i}?### Assistant: {i}." for i in range(count)]})
    pq.write_table(table, stream)
    return stream.getvalue()


def repositories() -> dict[str, dict[str, Any]]:
    """The seeds' four, laid out as they are on the Hub, and others."""
    shards = {f"data/train-0000{i}-of-00002.parquet": parquet(5 + i) for i in range(2)}
    return {
        "Abirate/english_quotes": {
            "files": {"quotes.jsonl": jsonl(9), "README.md": b"words", ".gitattributes": b""}
        },
        "timdettmers/openassistant-guanaco": {
            "files": {
                "openassistant_best_replies_train.jsonl": jsonl(9, "train"),
                "openassistant_best_replies_eval.jsonl": jsonl(4, "eval"),
            }
        },
        "OpenAssistant/oasst_top1_2023-08-25": {
            "files": {**shards, "data/test-00000-of-00001.parquet": parquet(3)},
            "card": {
                "configs": [
                    {
                        "config_name": "default",
                        "data_files": [
                            {"split": "train", "path": "data/train-*"},
                            {"split": "test", "path": "data/test-*"},
                        ],
                    }
                ]
            },
        },
        "Hello-SimpleAI/HC3-Chinese": {
            "files": {"all.jsonl": jsonl(9), "baike.jsonl": jsonl(5, "baike"), "open_qa.jsonl": jsonl(3)}
        },
        "someone/scripted": {
            "files": {"scripted.py": b"import os"},
            "branches": {
                "refs/convert/parquet": {
                    "one/train/0000.parquet": parquet(4),
                    "one/test/0000.parquet": parquet(1),
                    "two/train/0000.parquet": parquet(6),
                }
            },
        },
        "someone/large": {"files": {"train.jsonl": data_of(3_000_000)}},
        "someone/pictures": {"files": {"a.png": b"x", "model.safetensors": b"y"}},
    }


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in ("HF_HUB_OFFLINE", "GEMMA_MLX_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(DatasetHandler, "repositories", repositories(), raising=False)
    with serve(FakeHub({}), DatasetHandler) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


def bring(text: str) -> Done:
    *_, last = download_dataset(parse_name(text), token="", wait=no_wait)
    assert isinstance(last, Done)
    return last


def refused(text: str) -> GemmaError:
    with pytest.raises(GemmaError) as caught:
        bring(text)
    return caught.value


SEEDS = {
    "hf:Abirate/english_quotes": ({"quotes.jsonl"}, set()),
    "hf:timdettmers/openassistant-guanaco": (
        {"openassistant_best_replies_train.jsonl"}, {"openassistant_best_replies_eval.jsonl"},
    ),
    "hf:OpenAssistant/oasst_top1_2023-08-25": (
        {"data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"}, set(),
    ),
    "hf:OpenAssistant/oasst_top1_2023-08-25:test": ({"data/test-00000-of-00001.parquet"}, set()),
    "hf:Hello-SimpleAI/HC3-Chinese:baike": ({"baike.jsonl"}, set()),
    "hf:someone/scripted:one": ({"one/train/0000.parquet"}, set()),
    "hf:someone/scripted:one:test": ({"one/test/0000.parquet"}, set()),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_a_name_brings_its_train_and_validation_files(hub: FakeHub, name: str) -> None:
    done = bring(name)
    files = find_files(name)
    held = repositories()[parse_name(name).repository]
    everything = held["files"] | held.get("branches", {}).get("refs/convert/parquet", {})
    for found, wanted in zip((files.train, files.valid), SEEDS[name], strict=True):
        assert sorted(path.read_bytes() for path in found) == sorted(everything[path] for path in wanted)
    assert done.result["received"] == done.result["bytes"] > 0
    assert Path(done.result["folder"]).is_relative_to(datasets_root())
    assert len(str(done.result["commit"])) == 40 and not list_partials()


def test_fetched_once_it_is_used_without_asking_anybody(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bring("hf:Abirate/english_quotes")
    asked = len(hub.requests)
    DatasetHandler.repositories["Abirate/english_quotes"]["files"]["quotes.jsonl"] = jsonl(30)
    again = bring("hf:Abirate/english_quotes")
    assert again.result["received"] == 0 and again.result["folder"] == first.result["folder"]
    assert len(hub.requests) == asked
    monkeypatch.setenv("GEMMA_MLX_OFFLINE", "1")
    assert bring("hf:Abirate/english_quotes").result["commit"] == first.result["commit"]
    assert refused("hf:timdettmers/openassistant-guanaco").code == "offline"
    assert len(hub.requests) == asked


def test_a_commit_stays_what_it_is_when_the_branch_moves_on(hub: FakeHub) -> None:
    name = parse_name("hf:Abirate/english_quotes")
    old = bring(str(name))
    kept = pinned(name, old.result["commit"])
    files = DatasetHandler.repositories["Abirate/english_quotes"]
    files["branches"] = {"next": {"quotes.jsonl": jsonl(30)}}
    new = bring("hf:Abirate/english_quotes@next")
    assert new.result["commit"] != old.result["commit"]
    assert find_files(str(kept)).train[0].read_bytes() == jsonl(9)
    assert find_files("hf:Abirate/english_quotes@next").train[0].read_bytes() == jsonl(30)
    assert find_dataset(parse_name("hf:Abirate/english_quotes@" + "0" * 40)) is None


@pytest.mark.parametrize("faults", [["cut"], ["drop"], ["garble"], ["500"], ["429"], ["ignore-range"]])
def test_every_fault_is_got_over(hub: FakeHub, faults: list[str]) -> None:
    hub.faults["train.jsonl"] = list(faults)
    folder = Path(bring("hf:someone/large").result["folder"])
    assert (folder / "train.jsonl").read_bytes() == data_of(3_000_000)


KILLED = """
import sys
from gemma_mlx.library.hub_datasets import download_dataset, parse_name
for event in download_dataset(parse_name(sys.argv[1]), token=""):
    pass
"""


def test_after_a_kill_at_half_at_most_one_chunk_is_sent_again(hub: FakeHub) -> None:
    hub.stop_in, hub.stop_after = "train", 1_500_000
    kill_on_the_way(hub, KILLED, "hf:someone/large")
    (partial,) = list_partials()
    kept = (partial.path / "train.jsonl").stat().st_size
    assert partial.repository == "datasets/someone/large"
    received = bring("hf:someone/large").result["received"]
    assert received == 3_000_000 - kept and received - 1_500_000 <= CHUNK_BYTES


def test_stopped_it_goes_on_where_it_was(hub: FakeHub) -> None:
    *_, last = download_dataset(
        parse_name("hf:someone/large"), token="", cancelled=lambda: hub.served.get("train.jsonl", 0) > 0
    )
    assert isinstance(last, Done) and last.outcome == "stopped"
    assert find_dataset(parse_name("hf:someone/large")) is None
    assert bring("hf:someone/large").result["received"] < 3_000_000


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("hf:Hello-SimpleAI/HC3-Chinese", "which-subset", "all, baike, open_qa"),
        ("hf:Hello-SimpleAI/HC3-Chinese:finance", "no-such-subset", "baike"),
        ("hf:someone/scripted", "which-subset", "one, two"),
        ("hf:OpenAssistant/oasst_top1_2023-08-25:default:validation", "no-such-split", "test, train"),
        ("hf:OpenAssistant/oasst_top1_2023-08-25:other", "no-such-subset", "default"),
        ("hf:someone/pictures", "no-rows-file", "a.png"),
        ("hf:nobody/nothing", "no-repository", "no dataset 'nobody/nothing'"),
        ("hf:Abirate/english_quotes@v9", "no-revision", "v9"),
        ("hf:quotes", "bad-repository", "quotes"),
        ("hf:a/b:c:d:e", "bad-dataset-name", "a/b"),
        ("hf:a/b:../c", "bad-dataset-name", "a/b"),
        ("hf:a/b@", "bad-dataset-name", "a/b"),
        ("hf:a/b@../x", "bad-revision", "x"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(hub: FakeHub, name: str, code: str, words: str) -> None:
    problem = refused(name)
    assert problem.code == code and words in problem.what
    assert not list(datasets_root().rglob("*.jsonl"))


def test_names_from_outside_stay_in_the_folder(hub: FakeHub) -> None:
    evil = {"../../evil.jsonl": b"{}", "train/../../x.jsonl": b"{}", ".hidden/train.jsonl": b"{}"}
    DatasetHandler.repositories["someone/evil"] = {"files": {**evil, "train set (1).jsonl": jsonl(3)}}
    assert refused("hf:someone/evil").code == "no-rows-file"
    DatasetHandler.repositories["someone/evil"] = {"files": {**evil, "my train set.jsonl": jsonl(3)}}
    folder = Path(bring("hf:someone/evil").result["folder"])
    assert {path.name for path in folder.iterdir()} == {"hub.json", "train-my-train-set.jsonl"}


def test_the_card_counts_before_names() -> None:
    card = {
        "configs": [
            {"config_name": "small", "data_files": "a/*.csv", "default": True},
            {"config_name": "big", "data_files": [{"split": "train", "path": ["b/x.csv", "b/**/y.csv"]},
                                                  {"split": "validation", "path": "b/v.csv"}]},
        ]
    }  # fmt: skip
    paths = ["a/1.csv", "a/2.csv", "b/x.csv", "b/c/y.csv", "b/v.csv", "train.csv"]
    small = choose_files(parse_name("hf:o/n"), paths, card)
    assert small == {"a/1.csv": "train", "a/2.csv": "train"}
    big = choose_files(parse_name("hf:o/n:big"), paths, card)
    assert big == {"b/x.csv": "train", "b/c/y.csv": "train", "b/v.csv": "valid"}
    assert choose_files(parse_name("hf:o/n:big:validation"), paths, card) == {"b/v.csv": "train"}


def test_the_same_rows_in_two_formats_are_taken_once() -> None:
    paths = ["train.csv", "train.parquet", "validation.parquet"]
    chosen = choose_files(parse_name("hf:o/n"), paths, {})
    assert chosen == {"train.parquet": "train", "validation.parquet": "valid"}


def test_reading_what_was_never_fetched_says_how() -> None:
    with pytest.raises(DatasetError) as caught:
        find_files("hf:Abirate/english_quotes")
    assert caught.value.code == "not-downloaded"
    assert "gemma-mlx download hf:Abirate/english_quotes" in caught.value.fix
    with pytest.raises(DatasetError):
        find_files("hf:quotes")


def test_names_are_read_and_written() -> None:
    assert is_hub_name(" hf:a/b") and not is_hub_name("hf/a.jsonl") and not is_hub_name("C:a")
    for text in ("hf:a/b", "hf:a/b:c", "hf:a/b:c:train", "hf:a/b@main:c", "hf:a/b:test"):
        assert str(parse_name(text)) == text
    assert (parse_name("hf:a/b:test").subset, parse_name("hf:a/b:test").split) == ("", "test")


def test_training_fetches_pins_and_then_needs_no_hub(
    hub: FakeHub, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--steps", "2", "--batch-size", "2", "--warmup-steps", "0", "--json")
    name = "hf:timdettmers/openassistant-guanaco"
    document = gemma("train", tiny_model, "--dataset", name, *options).document
    run = json.loads((Path(document["run"]) / "run.json").read_text())
    dataset = run["settings"]["data"]["dataset"]
    assert dataset.startswith(f"{name}@") and len(dataset) == len(name) + 41
    monkeypatch.setenv("GEMMA_MLX_OFFLINE", "1")
    asked = len(hub.requests)
    again = gemma("train", tiny_model, "--dataset", dataset, *options).document
    assert again["best_loss"] == document["best_loss"]
    assert gemma("inspect", name, "--model", tiny_model, "--json").document["rows"] == 13
    assert gemma("evaluate", tiny_model, name, "--json").status == 0
    assert gemma("download", name, "--json").document["datasets"][0]["dataset"] == dataset
    assert len(hub.requests) == asked


def test_models_and_datasets_are_not_mixed(hub: FakeHub) -> None:
    assert gemma("download", "hf:a/b", "google/gemma-2b", "--json").error["code"] == "bad-settings"
    assert not hub.requests


def test_a_run_whose_dataset_is_not_there_leaves_no_folder(
    hub: FakeHub, tiny_model: Path, gemma_home: Path
) -> None:
    assert gemma("train", tiny_model, "--dataset", "hf:a/b", "--json").error["code"] == "no-repository"
    assert not list((gemma_home / "runs").glob("*"))


def test_the_windows_worker_fetches_too(hub: FakeHub, tiny_model: Path, tmp_path: Path) -> None:
    from gemma_mlx.settings import DataSettings, RunSettings, TrainSettings
    from gemma_mlx.worker import protocol, training_handlers

    class Context:
        def wish(self) -> str:
            return ""

    settings = RunSettings(
        model=str(tiny_model),
        data=DataSettings(dataset="hf:Abirate/english_quotes"),
        training=TrainSettings(steps=1, batch_size=2),
    )
    command = protocol.StartTraining(job="1", settings=settings, run_folder=str(tmp_path / "run"))
    events = list(training_handlers.start(Context(), command))  # type: ignore[arg-type]
    assert isinstance(events[-1], Done) and events[-1].result["step"] == 1
    assert "english_quotes@" in (tmp_path / "run" / "run.json").read_text()
