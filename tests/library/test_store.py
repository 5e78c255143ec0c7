"""What the library lists, and that listing needs neither MLX nor the Hub's library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.library import store
from tests.tiny import write_json, write_tiny_model


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEMMA_MLX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "home"


def _cached(root: Path, name: str, generation: str = "gemma2") -> Path:
    """A model as huggingface_hub stores it: blobs, and a snapshot of links to them."""
    folder = root / f"models--{name.replace('/', '--')}"
    snapshot = folder / "snapshots" / "abc123"
    real = write_tiny_model(folder / "blobs", generation)
    snapshot.mkdir(parents=True)
    for file in real.iterdir():
        (snapshot / file.name).symlink_to(f"../../blobs/{file.name}")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc123")
    return snapshot


def _adapter(folder: Path, base: str) -> Path:
    folder.mkdir(parents=True)
    write_json(folder / "adapter_config.json", {"base_model_name_or_path": base, "r": 8})
    (folder / "adapter_model.safetensors").write_bytes(b"12345678")
    return folder


def test_data_root_follows_the_environment_and_else_the_system(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.data_root() == home
    monkeypatch.delenv("GEMMA_MLX_HOME")
    assert store.data_root().is_absolute()
    assert "Gemma MLX" in str(store.data_root())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HF_HUB_CACHE": "/a"}, "/a"),
        ({"HUGGINGFACE_HUB_CACHE": "/b"}, "/b"),
        ({"HF_HOME": "/c"}, "/c/hub"),
        ({"XDG_CACHE_HOME": "/d"}, "/d/huggingface/hub"),
    ],
)
def test_hub_cache_is_where_the_hub_puts_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert store.hub_cache() == Path(expected)


def test_nothing_there_is_an_empty_library() -> None:
    assert store.list_models() == []
    assert store.list_runs() == []
    assert store.list_adapters() == []


def test_models_of_the_library_and_of_the_cache(home: Path, tmp_path: Path) -> None:
    plain = write_tiny_model(home / "models" / "my model [1]", "gemma", dtype="bfloat16")
    write_tiny_model(home / "models" / "google" / "gemma-2", "gemma2", shards=2)
    multimodal = _cached(tmp_path / "cache", "google/gemma-3-4b-it", "gemma3")
    other = tmp_path / "cache" / "models--openai--whisper" / "snapshots" / "1"
    other.mkdir(parents=True)
    write_json(other / "config.json", {"model_type": "whisper"})

    models = {model.name: model for model in store.list_models()}
    assert list(models) == ["google/gemma-2", "my model [1]", "google/gemma-3-4b-it"]
    assert models["my model [1]"].generation == "Gemma 1"
    assert models["my model [1]"].dtype == "bfloat16"
    assert models["my model [1]"].size == sum(file.stat().st_size for file in plain.iterdir())
    assert models["google/gemma-3-4b-it"].path == multimodal
    assert models["google/gemma-3-4b-it"].generation == "Gemma 3"
    assert models["google/gemma-3-4b-it"].source == "hub-cache"
    assert all(model.problem == "" for model in models.values())
    json.dumps([model.as_dict() for model in models.values()])


def test_what_is_wrong_with_a_model_is_said(home: Path) -> None:
    models = home / "models"
    half = write_tiny_model(models / "half", shards=2)
    (half / "model-00002-of-00002.safetensors").unlink()
    bare = write_tiny_model(models / "bare")
    (bare / "model.safetensors").unlink()
    broken = write_tiny_model(models / "broken")
    (broken / "config.json").write_text("{")
    os.mkfifo(models / "fifo")
    problems = {model.name: model.problem for model in store.list_models()}
    assert problems == {
        "bare": "the weights are missing",
        "broken": "config.json cannot be read",
        "half": "missing: model-00002-of-00002.safetensors",
    }


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"quantization": {"group_size": 64, "bits": 4}}, "4 bit"),
        ({"quantization": {"group_size": 32, "bits": 4, "mode": "mxfp4"}}, "mxfp4"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "nf4"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "4 bit"),
        ({}, ""),
    ],
)
def test_quantization_by_name(home: Path, field: dict[str, Any], expected: str) -> None:
    write_tiny_model(home / "models" / "model", **field)
    assert store.list_models()[0].quantization == expected


def test_adapters_stand_with_their_base(home: Path, tmp_path: Path) -> None:
    base = write_tiny_model(home / "models" / "base")
    _cached(tmp_path / "cache", "google/gemma-2-2b")
    _adapter(home / "runs" / "pirate" / "adapter", str(base))
    _adapter(home / "adapters" / "imported", "google/gemma-2-2b")
    _adapter(home / "adapters" / "orphan", "google/another")
    (home / "adapters" / "empty").mkdir()
    children = {model.name: [adapter.name for adapter in model.adapters] for model in store.list_models()}
    assert children == {"base": ["pirate"], "google/gemma-2-2b": ["imported"]}
    assert [adapter.name for adapter in store.list_adapters()] == ["pirate", "imported", "orphan"]
    assert store.list_adapters()[0].run == "pirate"
    assert store.list_adapters()[0].rank == 8


def test_find_model_by_path_and_by_name(home: Path, tmp_path: Path) -> None:
    folder = write_tiny_model(home / "models" / "google" / "gemma")
    assert store.find_model(str(folder)) == folder
    assert store.find_model("google/gemma") == folder
    with pytest.raises(ModelError) as caught:
        store.find_model("google/gemini")
    assert caught.value.code == "no-model"
    assert "google/gemma" in caught.value.fix


def test_runs_with_their_states(home: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    settings = {"model": "/models/base", "data": {"dataset": "data.jsonl"}}
    for name, about in {
        "a": {"state": "finished", "created": "2026-01-02", "step": 50, "total_steps": 50},
        "b": {"state": "running", "process": os.getpid(), "created": "2026-01-03"},
        "c": {"state": "running", "process": dead.pid, "created": "2026-01-01"},
    }.items():
        (home / "runs" / name).mkdir(parents=True)
        write_json(home / "runs" / name / "run.json", {**about, "settings": settings})
    (home / "runs" / "d").mkdir()
    (home / "runs" / "e").mkdir()
    (home / "runs" / "e" / "run.json").write_text("[]")
    _adapter(home / "runs" / "a" / "adapter", "/models/base")
    runs = store.list_runs()
    assert [(run.name, run.state) for run in runs] == [
        ("b", "running"), ("a", "finished"), ("c", "interrupted"), ("e", "unreadable"), ("d", "new"),
    ]  # fmt: skip
    finished = runs[1]
    assert (finished.step, finished.steps) == (50, 50)
    assert finished.model == "/models/base"
    assert finished.dataset == "data.jsonl"
    assert finished.adapter == home / "runs" / "a" / "adapter"
    json.dumps([run.as_dict() for run in runs])


def test_an_adapter_lost_between_two_renames_comes_back(home: Path) -> None:
    run = home / "runs" / "run"
    _adapter(run / ".adapter.previous", "base")
    write_json(run / "run.json", {"state": "failed"})
    assert store.list_runs()[0].adapter == run / "adapter"


def test_new_run_folders_never_collide(home: Path) -> None:
    names = [store.new_run_folder("my/../run: 1").name for _ in range(3)]
    assert names == ["my-..-run- 1", "my-..-run- 1-2", "my-..-run- 1-3"]
    assert all((home / "runs" / name).is_dir() for name in names)


def test_a_run_folder_that_cannot_be_made_is_a_clear_error(home: Path) -> None:
    home.mkdir()
    (home / "runs").write_text("a file")
    with pytest.raises(GemmaError) as caught:
        store.new_run_folder("run")
    assert caught.value.code == "cannot-write"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("../../etc", "etc"), ("", "unnamed"), ("..", "unnamed"), ("a" * 99, "a" * 80), ("é 你", "é 你")],
)
def test_names_stay_in_their_folder(name: str, expected: str) -> None:
    assert store.safe_name(name) == expected


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"a":' * 20_000])
def test_unreadable_json_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(GemmaError) as caught:
        store.read_json(tmp_path / "file.json")
    assert caught.value.code == "unreadable-file"
    assert "file.json" in caught.value.where


def test_listing_imports_no_mlx_and_no_hub(home: Path) -> None:
    write_tiny_model(home / "models" / "model")
    program = (
        "import sys; from gemma_mlx.library import store; assert store.list_models(); store.list_runs();"
        "print([name for name in ('mlx', 'numpy', 'huggingface_hub', 'transformers') if name in sys.modules])"
    )
    root = Path(store.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
