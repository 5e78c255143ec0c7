"""The Models page: what is listed, what may be done with it, and that nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel

from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.worker.results import AdapterSummary, ModelSummary
from gui.models_page import presenter as presenter_module
from gui.models_page.presenter import ModelsPresenter, folder_to_delete
from gui.models_page.quantize_dialog import QuantizeDialog
from gui.models_page.view import ModelsPage
from gui.services import Services
from gui.wording import verdict_text


@pytest.fixture
def page(qtbot: Any, services: Services) -> ModelsPage:
    return opened(qtbot, services)


def opened(qtbot: Any, services: Services) -> ModelsPage:
    page = ModelsPage(services, ModelsPresenter(services))
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    with qtbot.waitSignal(page.presenter.listed, timeout=20_000):
        page.shown()
    return page


def select(page: ModelsPage, path: str) -> None:
    page.list.setCurrentIndex(page.list_model.find(path))


def test_models_are_listed_with_their_adapters_below_them(page: ModelsPage) -> None:
    model = page.list_model
    assert [model.index(row, 0).data() for row in range(model.rowCount())] == [
        "Demo Gemma", "gemma-2-2b-it-4bit", "google/gemma-3-4b-it", "google/gemma-2-9b-it", "half-a-model",
    ]  # fmt: skip
    base = model.index(1, 0)
    assert [model.index(row, 0, base).data() for row in range(model.rowCount(base))] == [
        "Pirate answers", "Orders to JSON",
    ]  # fmt: skip
    assert model.parent(model.index(1, 0, base)) == base


def test_a_model_that_was_compared_with_pytorch_says_so(page: ModelsPage) -> None:
    def facts() -> str:
        return " ".join(label.text() for label in page.details.findChildren(QLabel))

    select(page, "/models/gemma-2-2b-it-4bit")
    assert "Verified against PyTorch 2.13.0 on NVIDIA H200, 11/2/26" in facts()
    select(page, "/hub/gemma-3-4b-it")
    assert "Verified" not in facts()


def test_each_row_says_whether_it_fits(page: ModelsPage) -> None:
    read = [page.list_model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(5)]
    assert read[0].endswith("Fits")
    assert read[2].endswith("Tight")
    assert "Needs 21.5 GB" in read[3] and "allows 12.9 GB" in read[3]
    assert read[4].endswith("Cannot be used")


def test_a_broken_model_says_why_and_offers_no_chat(page: ModelsPage) -> None:
    select(page, "/models/half-a-model")
    assert "model-00002-of-00002.safetensors is missing" in page.details.trouble.title.text()
    assert "Download the model again" in page.details.trouble.details.text()
    assert not page.details.chat.isEnabled()
    assert not page.details.quantize.isEnabled()
    assert page.details.delete.isEnabled()


def test_chat_hands_model_and_adapter_to_the_chat_page(
    qtbot: Any, page: ModelsPage, services: Services
) -> None:
    select(page, "/runs/pirate/adapter")
    with qtbot.waitSignal(services.session.chat_with) as blocker:
        qtbot.mouseClick(page.details.chat, Qt.MouseButton.LeftButton)
    assert blocker.args == ["/models/gemma-2-2b-it-4bit", "/runs/pirate/adapter"]


def test_fine_tune_hands_the_model_over(qtbot: Any, page: ModelsPage, services: Services) -> None:
    select(page, "/models/gemma-demo")
    with qtbot.waitSignal(services.session.train_with) as blocker:
        qtbot.mouseClick(page.details.train, Qt.MouseButton.LeftButton)
    assert blocker.args == ["/models/gemma-demo", None]


def test_an_empty_library_says_what_to_do(qtbot: Any, make_services: Callable[..., Services]) -> None:
    page = opened(qtbot, make_services("empty"))
    assert page.content.currentIndex() == 1
    assert page.drop.isVisible()


def test_a_crash_while_listing_is_told_and_can_be_tried_again(
    qtbot: Any, make_services: Callable[..., Services]
) -> None:
    page = ModelsPage(make_services("crash"), ModelsPresenter(make_services("crash")))
    qtbot.addWidget(page)
    page.show()
    with qtbot.waitSignal(page.presenter.failed, timeout=20_000):
        page.shown()
    assert "ended before" in page.banner.title.text()
    assert page.drop.isVisible()


def test_the_demo_model_cannot_be_deleted(page: ModelsPage) -> None:
    select(page, "/models/gemma-demo")
    assert not page.details.delete.isEnabled()


def test_deleting_can_be_undone(
    qtbot: Any, page: ModelsPage, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, trash = tmp_path / "a model", tmp_path / "trash"
    folder.mkdir()
    (folder / "config.json").write_text("{}")

    def to_trash(path: Path) -> Path:
        path.rename(trash)
        return trash

    monkeypatch.setattr(presenter_module, "to_trash", to_trash)
    item = ModelSummary(path=str(folder), name="a model")
    with qtbot.waitSignal(services.session.undo_offered) as blocker:
        page.presenter.delete(item)
    assert not folder.exists()
    text, undo = blocker.args
    assert "a model" in text
    undo()
    assert (folder / "config.json").read_text() == "{}"


def test_where_there_is_no_trash_nothing_is_deleted(
    qtbot: Any, page: ModelsPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenter_module, "to_trash", lambda path: None)
    folder = tmp_path / "model"
    folder.mkdir()
    page.presenter.delete(ModelSummary(path=str(folder), name="model"))
    assert folder.exists()
    assert "cannot be moved" in page.banner.title.text()


def test_of_the_hugging_face_cache_the_whole_entry_goes() -> None:
    path = "/home/me/.cache/huggingface/hub/models--google--gemma/snapshots/abc"
    item = ModelSummary(path=path, name="google/gemma", origin="huggingface")
    assert folder_to_delete(item).name == "models--google--gemma"
    adapter = AdapterSummary(path="/runs/one/adapter", name="one")
    assert folder_to_delete(adapter) == Path("/runs/one/adapter")


def drop(page: ModelsPage, path: Path) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(page, QDragEnterEvent(QPoint(50, 50), copy, data, left, plain))
    event = QDropEvent(QPointF(50, 50), copy, data, left, plain)
    QApplication.sendEvent(page, event)
    return event.isAccepted()


def test_a_dropped_model_folder_is_imported(qtbot: Any, page: ModelsPage, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gemma2"}))
    seen: list[int] = []
    page.presenter.working.connect(lambda text, done, total: seen.append(done))
    with qtbot.waitSignal(page.presenter.listed, timeout=20_000):
        assert drop(page, tmp_path)
    assert max(seen) > 0
    assert not page.work.isVisible()


def test_a_folder_without_a_model_is_refused_with_words(page: ModelsPage, tmp_path: Path) -> None:
    page.presenter.import_folder(tmp_path)
    assert "no config.json" in page.banner.title.text()


def test_the_quantize_sheet_shows_size_and_error_before_anything_is_made(
    qtbot: Any, page: ModelsPage, services: Services
) -> None:
    model = page.presenter.models[2]
    dialog = QuantizeDialog(services, page.presenter, model, page)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.name.text() == "gemma-3-4b-it-4bit"
    qtbot.waitUntil(lambda: "4.50 bits" in dialog.sizes.text(), timeout=20_000)
    assert "9.1 %" in dialog.error.text()
    dialog.form.field("bits").set_value(8)
    assert dialog.name.text() == "gemma-3-4b-it-8bit"
    qtbot.waitUntil(lambda: "8.50 bits" in dialog.sizes.text(), timeout=20_000)
    dialog.form.field("group_size").set_value(16)
    assert not dialog.make.isEnabled()


def test_quantizing_shows_progress_and_lists_again(qtbot: Any, page: ModelsPage) -> None:
    with qtbot.waitSignal(page.presenter.listed, timeout=20_000):
        page.presenter.quantize(page.presenter.models[2], QuantizeSettings(), "four")
        assert page.work.isVisible()
        assert page.running()
    assert not page.work.isVisible()
    assert not page.running()


def test_a_name_that_is_taken_gets_a_number(page: ModelsPage) -> None:
    assert page.presenter.free_name("gemma-2-2b-it-4bit") == "gemma-2-2b-it-4bit-2"
    assert page.presenter.free_name("new") == "new"


def test_verdicts_in_words() -> None:
    assert verdict_text("fits", 1, 2) == "Fits"
    assert verdict_text("too-large", 20 * 10**9, 12 * 10**9).startswith("Needs 20.0 GB")
