"""Tests of how models, adapters and runs are found by folder and by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gemma_mlx.errors import AdapterError, Cancelled, ModelError, TrainingError
from gemma_mlx.library.store import models_root, runs_root
from gemma_mlx.terminal import loading
from gemma_mlx.terminal.output import Output
from tests.command_line import gemma


def write_adapter(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 4}))
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def test_a_model_by_folder_by_name_and_the_embedded_one(tiny_model: Path) -> None:
    assert loading.find_base(str(tiny_model)) == tiny_model
    shutil.copytree(tiny_model, models_root() / "mine")
    assert loading.find_base("mine") == models_root() / "mine"
    assert loading.find_base("demo").parts[-3:] == ("resources", "demo", "model")


def test_a_model_that_is_nowhere_lists_those_that_are(tiny_model: Path) -> None:
    shutil.copytree(tiny_model, models_root() / "mine")
    with pytest.raises(ModelError) as refused:
        loading.find_base("yours")
    assert refused.value.code == "no-model" and "mine" in refused.value.fix


def test_a_model_of_the_hub_that_is_not_here_says_how_to_fetch_it() -> None:
    with pytest.raises(ModelError) as refused:
        loading.find_base("google/gemma-3-1b-it")
    assert "gemma-mlx download google/gemma-3-1b-it" in refused.value.fix


def test_a_file_is_no_model_and_neither_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"")
    with pytest.raises(ModelError) as refused:
        loading.find_base(str(tmp_path / "model.gguf"))
    assert refused.value.code == "no-model-folder" and "folder" in refused.value.fix
    with pytest.raises(ModelError) as refused:
        loading.find_base("")
    assert refused.value.what == "No model is named."


def test_an_adapter_by_folder_run_and_name() -> None:
    run = runs_root() / "my-run"
    adapter = write_adapter(run / "adapter")
    (run / "run.json").write_text("{}")
    for name in (str(adapter), str(run), "my-run"):
        assert loading.find_adapter(name) == adapter


def test_an_adapter_that_is_nowhere_lists_those_that_are() -> None:
    write_adapter(runs_root() / "my-run" / "adapter")
    with pytest.raises(AdapterError) as refused:
        loading.find_adapter("your-run")
    assert refused.value.code == "no-adapter" and "my-run" in refused.value.fix


def test_a_run_without_an_adapter_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(AdapterError) as refused:
        loading.find_adapter(str(tmp_path / "run"))
    assert "--resume" in refused.value.fix


def test_a_run_by_folder_and_name(tmp_path: Path) -> None:
    (runs_root() / "my-run").mkdir(parents=True)
    assert loading.find_run("my-run") == runs_root() / "my-run"
    assert loading.find_run(str(tmp_path)) == tmp_path


def test_a_run_that_is_nowhere_lists_those_that_are() -> None:
    folder = runs_root() / "my-run"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"format": 1, "name": "my-run"}))
    with pytest.raises(TrainingError) as refused:
        loading.find_run("nowhere")
    assert refused.value.code == "no-run" and "'nowhere'" in refused.value.what
    assert "my-run" in refused.value.fix


def test_a_model_is_quantized_while_it_loads(tiny_model: Path) -> None:
    options = ("--temperature", "0", "--max-tokens", "4", "--json")
    assert gemma("generate", tiny_model, "Hello", "--bits", "8", *options).status == 0
    said = gemma("generate", tiny_model, "Hello", "--mode", "mxfp4", "--bits", "5", *options)
    assert said.error["code"] == "bad-settings"


def test_loading_ends_at_the_next_module_once_cancelled(tiny_model: Path) -> None:
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(len(asked) == 3)
        return asked[-1]

    with pytest.raises(Cancelled):
        loading.open_model(str(tiny_model), Output(json=True), cancelled=cancelled)
    assert asked == [False, False, False, True]
