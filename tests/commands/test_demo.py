"""Tests of `demo`: what it shows and counts, with a tiny model in the embedded one's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx import demo as demonstration
from gemma_mlx.library.store import runs_root
from gemma_mlx.settings import DataSettings, LoraSettings, RunSettings, TrainSettings
from tests.command_line import gemma, write_rows


@pytest.fixture
def tiny_demo(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same way through with random weights and three steps."""
    settings = RunSettings(
        model=str(tiny_model),
        data=DataSettings(dataset=str(write_rows(tmp_path / "rows.jsonl"))),
        lora=LoraSettings(rank=2),
        training=TrainSettings(steps=3),
    )
    monkeypatch.setattr(demonstration, "recipe", lambda: settings)
    monkeypatch.setattr(demonstration, "GREEDY", demonstration.GREEDY.model_copy(update={"max_tokens": 3}))


@pytest.mark.usefixtures("tiny_demo")
def test_the_document() -> None:
    document = gemma("demo", "--questions", "6", "--json").document
    assert document["questions"] == len(document["answers"]) == 6
    for counts in (document["before"], document["after"]):
        assert counts.keys() == {"right", "in_manner", "right_and_in_manner"}
        assert counts["right_and_in_manner"] <= min(counts["right"], counts["in_manner"])
    assert document["training"]["step"] == 3
    assert Path(document["training"]["adapter"]).parent.parent == runs_root()
    assert document["answers"][0].keys() == {"question", "expected", "before", "after"}


@pytest.mark.usefixtures("tiny_demo")
def test_people_see_both_answers_the_counts_and_how_to_go_on() -> None:
    said = gemma("demo", "--questions", "6", "--shown", "2")
    assert said.status == 0
    shown = demonstration.spread(demonstration.held_out_questions(), 3)
    text = " ".join(said.stdout.split())
    for words in ("Before and after", "right", "like a pirate", "gemma-mlx chat demo --adapter", "make app"):
        assert words in text
    assert shown[0].text.split()[0] in text and "✓" in text + "✓"


@pytest.mark.usefixtures("tiny_demo")
def test_a_second_demo_takes_another_folder() -> None:
    for _ in range(2):
        assert gemma("demo", "--questions", "2", "--json").status == 0
    assert sorted(path.name for path in runs_root().iterdir()) == ["demo", "demo-2"]


def test_without_the_resources_it_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys._MEIPASS", str(tmp_path), raising=False)
    assert gemma("demo", "--json").error["code"] == "no-resources"
    assert not list(runs_root().iterdir())
