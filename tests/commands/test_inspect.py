"""Tests of `inspect`: it tells models, adapters, runs and datasets apart, and says what is wrong."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.command_line import gemma, write_rows


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy to break, in a folder with brackets in its name."""
    return Path(shutil.copytree(tiny_model, tmp_path / "a [model]"))


def edit_config(folder: Path, **fields: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_a_model(model: Path) -> None:
    document = gemma("inspect", model, "--json").document
    assert document["kind"] == "model" and document["generation"] == "Gemma 2"
    assert document["parameters"] == sum(
        int.__mul__(*([*module["shape"], 1, 1][:2])) for module in document["modules"]
    )
    assert document["bytes"] == 4 * document["parameters"]
    said = gemma("inspect", model).stdout
    assert str(model) in said
    assert "layers 0 to 3 (2 attend to a window of 16" in said
    assert "mlp.gate_proj  128 x 64  float32, 32.8 kB" in said


def test_a_quantized_model(model: Path, tmp_path: Path) -> None:
    assert gemma("quantize", model, "--out", tmp_path / "q", "--bits", "4").status == 0
    document = gemma("inspect", tmp_path / "q", "--json").document
    assert document["quantization"] == "4 bit, groups of 64"
    stored = (tmp_path / "q" / "model.safetensors").stat().st_size
    assert 0 <= stored - document["bytes"] < 20_000  # the header is no weight


def test_the_cache_of_a_chat_grows_only_in_full_layers(model: Path) -> None:
    sizes = gemma("inspect", model, "--json").document["cache_bytes"]
    token = 2 * 2 * 16 * 2  # keys and values, heads, their size, bytes
    assert sizes["1024"] == 2 * token * 1024 + 2 * token * 16


def test_a_dataset_with_a_histogram_and_each_problem(tiny_model: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    with path.open("a") as file:
        file.write('{"prompt": 7, "completion": "x"}\n')
    error = gemma("inspect", path, "--model", tiny_model, "--json").error
    assert error["code"] == "bad-rows" and error["problems"][0]["line"] == 25
    options = ("--model", tiny_model, "--bad-rows", "leave_out")
    document = gemma("inspect", path, *options, "--json").document
    assert document["kind"] == "dataset" and document["rows"] == 25 and document["bad"] == 1
    assert document["train"]["examples"] + document["valid"]["examples"] == 24
    said = gemma("inspect", path, *options).stdout
    assert "█" in said and "rows.jsonl, line 25 (cannot be used)" in said


def test_a_folder_of_datasets_is_no_model(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_rows(tmp_path / "data" / "train.jsonl")
    write_rows(tmp_path / "data" / "valid.jsonl", 5)
    document = gemma("inspect", tmp_path / "data", "--model", tiny_model, "--json").document
    assert document["valid"]["examples"] == 5


def test_a_run_and_its_adapter(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    run = tmp_path / "run"
    options = ("--out", run, "--steps", "3", "--rank", "2", "--sample-prompts", "Question 1?", "--json")
    assert gemma("train", tiny_model, "--dataset", data, *options).status == 0
    document = gemma("inspect", run, "--json").document
    assert document["kind"] == "run" and document["state"] == "finished" and document["step"] == 3
    assert [step for step, _ in document["curves"]["train_loss"]] == [1, 2, 3]
    assert document["changed_settings"]["lora.rank"] == 2
    said = gemma("inspect", run).stdout
    assert "training loss" in said and "Question 1?" in said and "lora.rank" in said
    adapter = gemma("inspect", run / "adapter", "--json").document
    assert adapter["kind"] == "adapter" and adapter["rank"] == 2
    assert "rank" in gemma("inspect", run / "adapter").stdout


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def fifo(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "code", "where"),
    [
        (truncated, "truncated-weights", "model.safetensors"),
        (fifo, "unreadable-weights", "model.safetensors"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no-weights", "a [model]"),
        (lambda folder: (folder / "config.json").unlink(), "no-config", "a [model]"),
        (lambda folder: (folder / "config.json").write_text("{"), "unreadable-config", "config.json"),
        (
            lambda folder: edit_config(folder, num_hidden_layers=100_000),
            "bad-config",
            "field num_hidden_layers",
        ),
        (lambda folder: edit_config(folder, num_hidden_layers=5), "missing-tensor", "model.layers.4"),
        (lambda folder: edit_config(folder, hidden_size=32), "wrong-shape", "model.safetensors"),
        (lambda folder: edit_config(folder, model_type="whisper"), "unknown-model", "field model_type"),
    ],
)
def test_a_bad_folder_is_a_clear_error(model: Path, spoil: object, code: str, where: str) -> None:
    assert callable(spoil)
    spoil(model)
    error = gemma("inspect", model, "--json").error
    assert error["code"] == code
    assert where in error["where"]
    assert str(model) in error["where"]
    assert error["fix"]


@pytest.mark.parametrize("name", ["nowhere", "nowhere.jsonl"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    error = gemma("inspect", tmp_path / name, "--json").error
    assert str(tmp_path / name) in error["where"]


def test_a_run_by_its_name_in_the_library(tiny_model: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl")
    run = gemma("train", tiny_model, "--dataset", rows, "--steps", "1", "--json").document["run"]
    document = gemma("inspect", Path(run).name, "--json").document
    assert (document["kind"], document["folder"]) == ("run", run)
