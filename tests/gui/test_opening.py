"""What is opened with the app comes to the page that is for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFileOpenEvent

from gui.opening import Opener
from gui.services import Session


@pytest.fixture
def heard(qapp: Any) -> Any:
    session, told = Session(), []
    session.page_requested.connect(lambda page: told.append(("page", page)))
    session.open_dataset.connect(lambda path: told.append(("dataset", path)))
    session.chat_with.connect(lambda model, adapter: told.append(("chat", model, adapter)))
    opener = Opener(qapp, session)
    yield opener, told
    qapp.removeEventFilter(opener)


def model(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def test_a_dataset_that_the_finder_opens_comes_to_its_page(heard: Any, qapp: Any, tmp_path: Path) -> None:
    _opener, told = heard
    file = tmp_path / "chats.JSONL"
    file.write_text("{}")
    QCoreApplication.sendEvent(qapp, QFileOpenEvent(str(file)))
    assert told == [("page", "datasets"), ("dataset", str(file))]


def test_a_model_folder_is_loaded_for_chat(heard: Any, tmp_path: Path) -> None:
    opener, told = heard
    folder = model(tmp_path / "gemma")
    opener.open(str(folder / "model.safetensors"))
    assert told == [("page", "chat"), ("chat", str(folder), "")]


def test_an_adapter_brings_its_base(heard: Any, tmp_path: Path) -> None:
    opener, told = heard
    base, adapter = model(tmp_path / "gemma"), tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    opener.open(str(adapter))
    assert told == [("page", "chat"), ("chat", str(base), str(adapter))]


@pytest.mark.parametrize("content", ["{", "[]", '{"base_model_name_or_path": 7}', "{}"])
def test_an_adapter_without_its_base_comes_to_the_models(heard: Any, tmp_path: Path, content: str) -> None:
    opener, told = heard
    (tmp_path / "adapter_config.json").write_text(content)
    opener.open(str(tmp_path))
    assert told == [("page", "models")]


def test_flags_are_passed_over(heard: Any, tmp_path: Path) -> None:
    opener, told = heard
    opener.open_all(["--show-and-quit", str(tmp_path)])
    assert told == [("page", "datasets"), ("dataset", str(tmp_path))]
