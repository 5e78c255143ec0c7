"""gemma-mlx plan: what a run takes, what fits, and what to do where nothing does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemma_mlx.events import Done, Event
from gemma_mlx.settings import RunSettings
from gemma_mlx.training import calibration, time_probe
from tests.command_line import gemma, write_rows


@pytest.fixture(autouse=True)
def quick_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_SIZES", (64,))
    monkeypatch.setattr(time_probe, "LEAST_SECONDS", 0.0)


def test_a_plan_shows_parts_peak_and_what_it_proposes(tiny_model: Path) -> None:
    said = gemma("plan", tiny_model, "--longest", "64", "--batch-size", "2")
    assert said.status == 0, said.stderr
    for words in ("weights", "optimizer", "activations", "peak", "Proposed: batch_size 64"):
        assert words in said.stdout
    document = gemma("plan", tiny_model, "--longest", "64", "--batch-size", "2", "--json").document
    assert document["fits"] and document["changes"] == {"batch_size": 64}
    assert document["asked"]["total"] < document["proposed"]["total"] <= document["allowed_bytes"]
    assert document["asked"]["seconds_per_step"] > 0


def test_the_rows_of_a_dataset_are_measured(tiny_model: Path, tmp_path: Path) -> None:
    """Its own lengths and steps, as the training of it then has them."""
    rows = write_rows(tmp_path / "rows.jsonl")
    words = ("--dataset", rows, "--batch-size", "2", "--validation-split", "0", "--json")
    found = gemma("plan", tiny_model, *words).document
    run = gemma("train", tiny_model, *words).document
    assert found["asked"]["steps"] == run["total_steps"] > found["proposed"]["steps"] >= 1
    assert 2 < found["rows"]["mean"] <= found["rows"]["longest"] < 100
    cut = gemma("plan", tiny_model, *words, "--max-length", "32").document
    assert cut["rows"]["longest"] <= 32 < found["rows"]["longest"]
    assert cut["asked"]["total"] < found["asked"]["total"]


def test_a_settings_file_is_planned_as_it_is_trained(tiny_model: Path, tmp_path: Path) -> None:
    """The dataset lies beside the file that names it."""
    write_rows(tmp_path / "rows.jsonl")
    file = tmp_path / "run.yaml"
    file.write_text(f"model: {tiny_model}\ndata: {{dataset: rows.jsonl}}\ntraining: {{epochs: 1}}\n")
    assert gemma("plan", "--config", file, "--json").document["asked"]["steps"]


def test_what_cannot_fit_is_refused_with_a_way(tiny_model: Path) -> None:
    error = gemma("plan", tiny_model, "--memory", "0.0001", "--json").error
    assert error["code"] == "does-not-fit" and error["fix"]


def test_a_step_is_measured_on_request(tiny_model: Path) -> None:
    """As asked and as proposed: the one beside the other, in words and in JSON."""
    words = ("plan", tiny_model, "--longest", "32", "--batch-size", "1", "--memory", "0.02")
    assert "a step, measured" in gemma(*words, "--measure").stdout
    document = gemma(*words, "--measure", "--json").document
    asked, proposed = (document[name]["measured_seconds_per_step"] for name in ("asked", "proposed"))
    assert document["changes"]["batch_size"] > 1 and asked > 0 and proposed > 0
    untimed = gemma(*words, "--json").document
    assert untimed["asked"]["measured_seconds_per_step"] is None
    assert "a step, measured" not in gemma(*words).stdout


def test_settings_that_need_no_change_are_measured_once(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def probe(shape: object, settings: RunSettings, rows: object, **how: object) -> Iterator[Event]:
        begun.append(settings)
        yield Done({"seconds_per_step": 2.5})

    monkeypatch.setattr(time_probe, "probe", probe)
    words = ("--longest", "32", "--batch-size", "64", "--measure", "--json")
    document = gemma("plan", tiny_model, *words).document
    assert not document["changes"] and len(begun) == 1
    assert document["asked"]["measured_seconds_per_step"] == 2.5
    assert document["proposed"]["measured_seconds_per_step"] == 2.5


def test_where_not_even_some_layers_fit_the_plan_is_made_all_the_same(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_probe, "allowed_memory", lambda: 1000)
    said = gemma("plan", tiny_model, "--longest", "32", "--measure")
    assert said.status == 0 and "Proposed" in said.stdout and "need" in said.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ["--method", "full", "--bits", "4", "--group-size", "32"],
        ["--method", "full", "--objective", "dpo"],
        ["--layers", "99"],
    ],
)
def test_what_training_refuses_is_not_planned(tiny_model: Path, tmp_path: Path, flags: list[str]) -> None:
    """A run was proposed that `train` then refused; now both say the same."""
    rows = tmp_path / "rows.jsonl"
    pair = {"prompt": "Question?", "chosen": "Answer.", "rejected": "Nothing."}
    rows.write_text("".join(json.dumps(pair) + "\n" for _ in range(24)))
    planned = gemma("plan", tiny_model, "--longest", "32", *flags, "--json").error
    trained = gemma("train", tiny_model, "--dataset", rows, *flags, "--json").error
    assert planned["code"] == trained["code"] in ("full-needs-dense", "dpo-needs-adapter", "no-modules")
    assert planned["what"] == trained["what"] and planned["fix"] == trained["fix"]


def test_the_table_needs_no_model() -> None:
    said = gemma("plan", "--table")
    assert said.status == 0 and said.stdout.startswith("| model | 8 GB |")
    assert gemma("plan", "--table", "--json").document["table"][0]["model"]


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["MODEL", "--longest", "2"],
        ["MODEL", "--dataset", "x.jsonl", "--longest", "64"],
        ["MODEL", "--longest", "64", "--mean", "65"],
        ["MODEL", "--longest", "64", "--mean", "0"],
        *(["MODEL", "--memory", text] for text in ("-1", "nan", "inf")),
    ],
)
def test_bad_wishes_are_errors(tiny_model: Path, flags: list[str]) -> None:
    words = [str(tiny_model) if flag == "MODEL" else flag for flag in flags]
    assert gemma("plan", *words, "--json").error["code"] in ("no-model", "bad-settings")
