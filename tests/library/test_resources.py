"""Tests of where the program's own files are found: in a checkout, in a bundle, nowhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.library import resources


def test_in_a_checkout(project: Path) -> None:
    assert resources.resources_folder() == project / "resources"
    assert resources.resource("demo", "model").is_dir()


def test_in_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resources" / "demo").mkdir(parents=True)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resources.resource("demo") == tmp_path / "resources" / "demo"


def test_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    for wanted in (resources.resources_folder, lambda: resources.resource("demo")):
        with pytest.raises(GemmaError) as refused:
            wanted()
        assert refused.value.code == "no-resources" and str(tmp_path) in refused.value.where


def test_a_file_that_was_removed() -> None:
    with pytest.raises(GemmaError) as refused:
        resources.resource("demo", "nothing.json")
    assert "demo/nothing.json" in refused.value.what
