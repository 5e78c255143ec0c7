"""Pictures of the Datasets page."""

from __future__ import annotations

from gui.datasets_page.rows_model import TEXT
from gui.datasets_page.view import DatasetsPage
from gui.scenes import Scene, Wait


def _empty(page: DatasetsPage, wait: Wait) -> None:
    page.presenter.close()


def _open(page: DatasetsPage, wait: Wait) -> None:
    page.presenter.choose_default_model()
    page.presenter.open("/Users/you/Documents/orders.jsonl")
    presenter = page.presenter
    wait(lambda: presenter.overview is not None and presenter.overview.complete)
    wait(lambda: presenter.row(0) is not None)


def _rows(page: DatasetsPage, wait: Wait) -> None:
    _open(page, wait)
    page.presenter.change(bad_rows="leave_out")
    wait(lambda: page.train_button.isEnabled() and page.presenter.row(0) is not None)
    page.banner.clear()
    page.table.setCurrentIndex(page.rows_model.index(6, TEXT))


def _problems(page: DatasetsPage, wait: Wait) -> None:
    _open(page, wait)
    page.tabs.setCurrentIndex(1)


def _reading(page: DatasetsPage, wait: Wait) -> None:
    page.presenter.choose_default_model()
    page.presenter.open("/Users/you/Documents/orders.jsonl")
    wait(lambda: page.presenter.row(0) is not None)


SCENES = (
    Scene("datasets-empty", "datasets", "normal", _empty),
    Scene("datasets", "datasets", "normal", _rows),
    Scene("datasets-reading", "datasets", "busy", _reading),
    Scene("datasets-problems", "datasets", "normal", _problems),
)
