"""Tests of `train`: settings from flags and files, runs that go on, and what a wrong input leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gemma_mlx.library.store import runs_root
from tests.command_line import gemma, write_rows


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl")


def test_a_run_from_flags(tiny_model: Path, data: Path) -> None:
    said = gemma("train", tiny_model, "--dataset", data, "--steps", "4", "--rank", "2", "--json")
    document = said.document
    assert said.status == 0 and document["outcome"] == "finished" and document["step"] == 4
    assert Path(document["run"]).parent == runs_root()
    about = json.loads((Path(document["run"]) / "run.json").read_text())
    assert about["settings"]["lora"]["rank"] == 2
    assert about["settings"]["training"]["steps"] == 4
    assert (Path(document["adapter"]) / "adapter_config.json").is_file()


def test_people_read_how_to_go_on(tiny_model: Path, data: Path) -> None:
    said = gemma("train", tiny_model, "--dataset", data, "--steps", "2")
    assert "Finished at step 2 of 2" in said.stdout
    assert f"gemma-mlx chat {tiny_model} --adapter" in said.stdout
    assert "checkpoint:" in said.stderr


def test_a_run_from_a_file_whose_dataset_lies_beside_it(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"model: {tiny_model}\ndata: {{dataset: rows.jsonl}}\nlora: {{rank: 2}}\ntraining: {{steps: 9}}\n"
    )
    document = gemma("train", "--config", recipe, "--steps", "2", "--json").document
    assert document["total_steps"] == 2
    about = json.loads((Path(document["run"]) / "run.json").read_text())
    assert about["settings"]["data"]["dataset"] == str(data)
    assert about["settings"]["lora"]["rank"] == 2


def test_a_run_is_taken_up_by_its_folder_or_name(tiny_model: Path, data: Path) -> None:
    first = gemma("train", tiny_model, "--dataset", data, "--steps", "2", "--json").document
    again = gemma("train", "--resume", first["run"], "--json").document
    by_name = gemma("train", "--resume", Path(first["run"]).name, "--json").document
    assert again["step"] == by_name["step"] == 2
    assert again["run"] == by_name["run"] == first["run"]


def test_a_run_does_not_go_on_with_other_settings(tiny_model: Path, data: Path) -> None:
    first = gemma("train", tiny_model, "--dataset", data, "--steps", "2", "--json").document
    error = gemma("train", "--resume", first["run"], "--rank", "4", "--json").error
    assert error["code"] == "run-differs"
    assert "lora.rank: was 16, now 4" in error["what"]


def test_what_may_differ_may_be_given_anew(tiny_model: Path, data: Path) -> None:
    first = gemma("train", tiny_model, "--dataset", data, "--steps", "2", "--json").document
    assert gemma("train", "--resume", first["run"], "--save-every", "1", "--json").status == 0


@pytest.mark.parametrize(
    ("rows", "code", "where"),
    [
        ("", "empty-dataset", "data.jsonl"),
        ('{"prompt": "a", "completion": "b"}\n' * 6 + "{broken\n", "bad-rows", "line 7"),
        ('{"something": "else", "more": "words"}\n', "unknown-format", "data.jsonl"),
        (None, "no-dataset", "data.jsonl"),
    ],
)
def test_a_bad_dataset_is_named_and_leaves_no_run(
    tiny_model: Path, tmp_path: Path, rows: str | None, code: str, where: str
) -> None:
    path = tmp_path / "data.jsonl"
    if rows is not None:
        path.write_text(rows)
    error = gemma("train", tiny_model, "--dataset", path, "--json").error
    assert error["code"] == code
    assert where in error["where"]
    assert error["fix"]
    assert not list(runs_root().iterdir())


@pytest.mark.parametrize(
    ("tokens", "code"),
    [
        (["--dataset", "x.jsonl"], "nothing-named"),
        (["MODEL"], "nothing-named"),
        (["no-such-model", "--dataset", "x.jsonl"], "no-model"),
        (["--resume", "no-such-run"], "no-run"),
        (["--config", "no-such-file.yaml"], "unreadable-settings"),
        (["MODEL", "--dataset", "x.jsonl"], "no-dataset"),
        (["MODEL", "--dataset", "x.jsonl", "--out", ""], "bad-settings"),
        *((["MODEL", "--rank-patience", text], "bad-command-line") for text in ("nan", "-1", "inf")),
        (["MODEL", "--dataset", "x.jsonl", "--modules", "w_proj"], "bad-settings"),
        (["MODEL", "--dataset", "x.jsonl", "--mode", "mxfp4", "--bits", "8"], "bad-settings"),
    ],
)
def test_wrong_wishes_are_refused_at_once(tiny_model: Path, tokens: list[str], code: str) -> None:
    words = [str(tiny_model) if token == "MODEL" else token for token in tokens]
    assert gemma("train", *words, "--json").error["code"] == code
    assert "learns from" not in gemma("train", *words).stdout
    assert not runs_root().exists() or not list(runs_root().iterdir())


def test_a_folder_that_holds_a_run_is_not_written_over(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    options = ("--dataset", data, "--steps", "1", "--out", tmp_path / "run", "--json")
    assert gemma("train", tiny_model, *options).status == 0
    before = (tmp_path / "run" / "run.json").read_bytes()
    assert gemma("train", tiny_model, *options).error["code"] == "run-exists"
    assert (tmp_path / "run" / "run.json").read_bytes() == before
