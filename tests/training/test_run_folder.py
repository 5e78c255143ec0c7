"""A run on disk: what it began with is kept, differences are listed, logs end where the checkpoint does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gemma_mlx.errors import SettingsError, TrainingError
from gemma_mlx.settings import LoraSettings, RunSettings, TrainSettings
from gemma_mlx.training.run_folder import RunFolder, UnwrittenRunFolder, flatten, versions

SETTINGS = RunSettings(model="a", lora=LoraSettings(rank=4), training=TrainSettings(steps=9))
IDENTITY = {"model": "m1", "data": "d1"}


def created(path: Path) -> RunFolder:
    folder = RunFolder(path / "run")
    folder.create(SETTINGS, IDENTITY, 9)
    return folder


def test_a_run_keeps_what_it_began_with(tmp_path: Path) -> None:
    created(tmp_path)
    again = RunFolder(tmp_path / "run")
    assert again.exists and again.open() == SETTINGS
    assert again.about["identity"] == IDENTITY and again.about["total_steps"] == 9
    assert again.about["state"] == "running" and again.about["process"] == os.getpid()
    assert {"mlx", "numpy", "python"} <= versions().keys() & again.about["versions"].keys()


def test_changes_are_on_disk_at_once(tmp_path: Path) -> None:
    created(tmp_path).update(state="paused", step=4)
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (about["state"], about["step"], about["name"]) == ("paused", 4, "run")


def test_a_second_run_does_not_begin_in_the_folder_of_a_first(tmp_path: Path) -> None:
    created(tmp_path)
    with pytest.raises(TrainingError) as caught:
        created(tmp_path)
    assert caught.value.code == "run-exists" and caught.value.kept


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(TrainingError) as caught:
        created(tmp_path)
    assert caught.value.code == "unwritable-run"


@pytest.mark.parametrize("text", [None, "", "[]", "{}", "{"])
def test_what_is_no_run_is_said(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(TrainingError) as caught:
        RunFolder(tmp_path).open()
    assert caught.value.code == "no-run" and "run.json" in caught.value.where


def test_a_refused_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"settings": {"training": {"steps": 0}}}))
    with pytest.raises(SettingsError, match=r"training\.steps"):
        RunFolder(tmp_path).open()


def test_every_difference_is_listed(tmp_path: Path) -> None:
    folder = created(tmp_path)
    folder.check_same(SETTINGS, IDENTITY)
    other = RunSettings(model="b", lora=LoraSettings(rank=8), training=TrainSettings(steps=9))
    with pytest.raises(TrainingError) as caught:
        folder.check_same(other, {"model": "m2", "data": "d1"})
    for part in ("model: was 'a', now 'b'", "lora.rank: was 4, now 8", "identity.model: was 'm1', now 'm2'"):
        assert part in caught.value.what
    assert "identity.data" not in caught.value.what


def test_what_is_only_watched_is_no_difference(tmp_path: Path) -> None:
    folder = created(tmp_path)
    watched = TrainSettings(steps=9, save_every=1, keep_checkpoints=9, sample_prompts=["hi"], loggers=["csv"])
    folder.check_same(SETTINGS.model_copy(update={"training": watched}), IDENTITY)


def test_logs_end_with_the_checkpoint_that_a_run_resumes_from(tmp_path: Path) -> None:
    folder = created(tmp_path)
    for step in range(1, 6):
        folder.append("metrics.jsonl", {"step": step, "train_loss": 1 / step})
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "train_lo')  # what a kill leaves
    assert [entry["step"] for entry in folder.lines("metrics.jsonl")] == [1, 2, 3, 4, 5]
    folder.forget_after(3)
    folder.append("metrics.jsonl", {"step": 4})
    assert [entry["step"] for entry in folder.lines("metrics.jsonl")] == [1, 2, 3, 4]


def test_settings_flatten_to_dotted_names() -> None:
    assert flatten({"a": {"b": 1, "c": {}}, "d": [1]}) == {"a.b": 1, "a.c": {}, "d": [1]}


def test_ranks_other_than_the_first_touch_no_disk(tmp_path: Path) -> None:
    folder = UnwrittenRunFolder(tmp_path / "run")
    folder.create(RunSettings(), {}, 5)
    folder.update(step=3)
    folder.open()
    folder.check_same(RunSettings(), {"model": "other"})
    folder.append("metrics.jsonl", {"step": 1})
    folder.forget_after(0)
    assert list(tmp_path.iterdir()) == []
