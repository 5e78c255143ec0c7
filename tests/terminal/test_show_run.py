"""Tests of a run's picture, made from its folder alone, whatever state the run is in."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gemma_mlx.errors import TrainingError
from gemma_mlx.settings import RunSettings
from gemma_mlx.terminal import show_run
from gemma_mlx.terminal.output import Output


def write_run(folder: Path, **about: object) -> Path:
    folder.mkdir()
    settings = RunSettings(model="base").model_dump(mode="json")
    settings["training"]["steps"] = 3
    entry = {"name": "run", "state": "running", "created": "today", "step": 2, "total_steps": 3}
    (folder / "run.json").write_text(json.dumps({**entry, "settings": settings, "identity": {}, **about}))
    lines = [
        {"step": step, "train_loss": 3.0 - step, "tokens": 10.0, "tokens_per_second": 5.0} for step in (1, 2)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"step": 3, "train_lo'
    (folder / "metrics.jsonl").write_text(text)
    samples = [{"step": step, "prompt": "Who?", "text": f"answer {step}"} for step in (0, 1, 2)]
    (folder / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    (folder / "checkpoints" / "step-000002").mkdir(parents=True)
    return folder


def picture(folder: Path) -> str:
    stream = StringIO()
    show_run.draw(show_run.describe(folder), Output(stdout=Console(file=stream, width=200)))
    return stream.getvalue()


def test_curves_time_and_settings(tmp_path: Path) -> None:
    document = show_run.describe(write_run(tmp_path / "run"))
    assert document["curves"]["train_loss"] == [[1, 2.0], [2, 1.0]]
    assert document["seconds"] == pytest.approx(4.0)
    assert document["changed_settings"] == {"model": "base", "training.steps": 3}
    assert document["checkpoints"] == ["step-000002"] and document["adapter"] is None


def test_people_see_first_and_last_answers(tmp_path: Path) -> None:
    said = picture(write_run(tmp_path / "run"))
    assert "answer 0" in said and "answer 2" in said and "answer 1" not in said
    assert "training loss" in said and "running, step 2 of 3" in said


def test_a_long_curve_is_shown_whole_in_a_narrow_terminal(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    lines = [{"step": step, "train_loss": 500.0 - step, "tokens_per_second": 123.45} for step in range(200)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    stream = StringIO()
    show_run.draw(show_run.describe(folder), Output(stdout=Console(file=stream, width=80)))
    curve = next(line for line in stream.getvalue().splitlines() if line.startswith("training loss"))
    assert "█" in curve and "▁" in curve and "…" not in curve


def test_a_run_that_has_only_begun(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    (folder / "metrics.jsonl").unlink()
    (folder / "samples.jsonl").unlink()
    assert "step 2 of 3" in picture(folder)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_run_is_named(tmp_path: Path, text: str) -> None:
    folder = write_run(tmp_path / "run")
    (folder / "run.json").write_text(text)
    with pytest.raises(TrainingError) as refused:
        show_run.describe(folder)
    assert str(folder / "run.json") in refused.value.where
