"""Tests of `export`: each format is written, and what is missing is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.adapters.peft import save_adapter
from gemma_mlx.settings import LoraSettings
from tests.adapters.test_lora import adapted
from tests.command_line import gemma


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    save_adapter(tmp_path / "adapter", adapted(LoraSettings(rank=4)), LoraSettings(rank=4), "base")
    return tmp_path / "adapter"


def test_gguf(tiny_model: Path, tmp_path: Path, adapter: Path) -> None:
    pytest.importorskip("gguf")
    options = ("--width", "q8_0", "--adapter", adapter, "--out", tmp_path / "out", "--json")
    document = gemma("export", tiny_model, *options).document
    assert Path(document["file"]).stat().st_size == document["bytes"]
    assert (tmp_path / "out" / "Modelfile").is_file()


def test_the_name_of_a_file_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    error = gemma("export", tiny_model, "--out", tmp_path / "model.gguf", "--json").error
    assert error["code"] == "a-folder-is-meant" and str(tmp_path / "model") in error["fix"]
    assert not (tmp_path / "model.gguf").exists()


@pytest.mark.parametrize("kind", ["gguf-adapter", "mlx-lm-adapter"])
def test_adapters(tiny_model: Path, tmp_path: Path, adapter: Path, kind: str) -> None:
    if kind == "gguf-adapter":
        pytest.importorskip("gguf")
    options = ("--format", kind, "--out", tmp_path / "out", "--json")
    assert gemma("export", tiny_model, *options).error["code"] == "nothing-named"
    assert gemma("export", tiny_model, "--adapter", adapter, *options).document["format"] == kind
    assert list((tmp_path / "out").iterdir())


def test_without_the_package_it_says_what_to_install(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gguf", None)
    error = gemma("export", tiny_model, "--out", tmp_path / "out", "--json").error
    assert error["code"] == "missing-package" and "gguf" in error["fix"]
