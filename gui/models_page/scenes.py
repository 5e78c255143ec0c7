"""Pictures of the Models page."""

from __future__ import annotations

from pathlib import Path

from gui.main_window import MainWindow
from gui.models_page.view import ModelsPage
from gui.scenes import Scene, Wait


def _listed(page: ModelsPage, wait: Wait) -> None:
    wait(lambda: page.content.currentIndex() != 2)


def _busy(page: ModelsPage, wait: Wait) -> None:
    _listed(page, wait)
    page.list.setCurrentIndex(page.list_model.find("/models/gemma-2-2b-it-4bit"))
    page.presenter.working.emit("Quantizing", 11, 34)


def _trouble(page: ModelsPage, wait: Wait) -> None:
    _listed(page, wait)
    page.list.setCurrentIndex(page.list_model.find("/models/half-a-model"))


def _quantize(page: ModelsPage, wait: Wait) -> None:
    _listed(page, wait)
    page.list.setCurrentIndex(page.list_model.find("/hub/gemma-3-4b-it"))
    dialog = page.open_quantize()
    assert dialog is not None
    wait(lambda: bool(dialog.error.text()))


def _download(page: ModelsPage, wait: Wait) -> None:
    _listed(page, wait)
    dialog = page.open_download()
    wait(lambda: dialog.model.rowCount() > 0)


def _downloading(page: ModelsPage, wait: Wait) -> None:
    _listed(page, wait)
    page.presenter.download("google/gemma-3-270m-it")
    wait(lambda: page.work_bar.value() > 400)


def _export(page: ModelsPage, wait: Wait) -> None:
    _listed(page, wait)
    page.list.setCurrentIndex(page.list_model.find("/hub/gemma-3-4b-it"))
    dialog = page.open_export()
    assert dialog is not None
    dialog.set_folder(Path("/Users/you/Documents"))


def _settings(page: ModelsPage, wait: Wait) -> None:
    _listed(page, wait)
    window = page.window()
    assert isinstance(window, MainWindow)
    window.settings_wanted.emit()


SCENES = (
    Scene("models-empty", "models", "empty", _listed),
    Scene("models", "models", "normal", _busy),
    Scene("models-trouble", "models", "normal", _trouble),
    Scene("models-download", "models", "normal", _download),
    Scene("models-downloading", "models", "normal", _downloading),
    Scene("models-export", "models", "normal", _export),
    Scene("settings", "models", "normal", _settings),
    Scene("models-quantize", "models", "normal", _quantize),
)
