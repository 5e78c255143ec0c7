"""Pictures of the Models page."""

from __future__ import annotations

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


SCENES = (
    Scene("models-empty", "models", "empty", _listed),
    Scene("models", "models", "normal", _busy),
    Scene("models-trouble", "models", "normal", _trouble),
    Scene("models-quantize", "models", "normal", _quantize),
)
