"""Models from the Hub: what is offered, what fits, the licence's token, and a download that is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from gui.models_page.download_dialog import DownloadDialog
from gui.models_page.view import ModelsPage
from gui.services import Services
from tests.gui.test_models_page import page

__all__ = ["page"]


@pytest.fixture
def sheet(qtbot: Any, page: ModelsPage) -> DownloadDialog:
    qtbot.mouseClick(page.download_button, Qt.MouseButton.LeftButton)
    dialog = page.findChild(DownloadDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.model.rowCount() == 7, timeout=20_000)
    return dialog


def names(sheet: DownloadDialog) -> list[str]:
    return [sheet.model.index(row).data() for row in range(sheet.model.rowCount())]


def test_each_offer_says_its_size_and_whether_it_fits(sheet: DownloadDialog) -> None:
    read = [sheet.model.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(7)]
    assert read[0] == (
        "google/gemma-3-270m-it, Gemma 3 · 270 million parameters · 16 bit · 540 MB · licence to accept, Fits"
    )
    assert "Needs 54.4 GB" in read[6]


def test_typing_narrows_the_list_and_a_whole_name_can_be_fetched(sheet: DownloadDialog) -> None:
    sheet.search.setText("2b 4bit")
    assert names(sheet) == ["mlx-community/gemma-2-2b-it-4bit"]
    assert sheet.repository == "mlx-community/gemma-2-2b-it-4bit"
    sheet.search.setText("nothing like it")
    assert names(sheet) == [] and sheet.nothing.isVisible() and not sheet.fetch.isEnabled()
    sheet.search.setText("owner/their-gemma")
    assert sheet.repository == "owner/their-gemma" and sheet.fetch.isEnabled()


def test_the_hub_is_asked_only_when_wanted_and_the_catalogue_comes_back(
    qtbot: Any, sheet: DownloadDialog
) -> None:
    assert not sheet.ask_hub.isEnabled()
    sheet.search.setText("polish")
    sheet.ask_hub.click()
    qtbot.waitUntil(lambda: names(sheet) == ["someone/polish-gemma"], timeout=20_000)
    sheet.search.clear()
    qtbot.waitUntil(lambda: len(names(sheet)) == 7, timeout=20_000)


def test_a_model_with_a_licence_asks_for_a_token_that_nobody_can_read(
    qtbot: Any, sheet: DownloadDialog
) -> None:
    assert sheet.licence.isVisible()
    assert sheet.token.echoMode() == QLineEdit.EchoMode.Password
    sheet.token.setText("not a token")
    sheet.keep.click()
    assert sheet.token.text() == ""
    qtbot.waitUntil(sheet.banner.isVisible, timeout=20_000)
    assert "does not look like a token" in sheet.banner.title.text()
    sheet.token.setText("hf_right")
    sheet.keep.click()
    qtbot.waitUntil(lambda: "is kept" in sheet.banner.title.text(), timeout=20_000)
    sheet.search.setText("mlx-community")
    assert not sheet.licence.isVisible()


def test_a_download_shows_its_pace_and_can_be_stopped(
    qtbot: Any, page: ModelsPage, sheet: DownloadDialog, services: Services
) -> None:
    said: list[str] = []
    services.session.toast.connect(said.append)
    sheet.fetch.click()
    qtbot.waitUntil(lambda: page.work_bar.value() > 50, timeout=20_000)
    assert "google/gemma-3-270m-it" in page.work_text.text()
    assert "MB/s" in page.work_note.whole()
    page.work_stop.click()
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert "goes on from there" in said[0]
    assert not page.work.isVisible()


def test_downloads_come_one_after_the_other(qtbot: Any, page: ModelsPage, services: Services) -> None:
    """A second one waits its turn, is named, and begins when the first is stopped or done."""
    said: list[str] = []
    services.session.toast.connect(said.append)
    for name in ("google/one", "google/two", "google/three", "google/two"):
        page.presenter.download(name)
    assert page.presenter.waiting == ("google/two", "google/three")
    qtbot.waitUntil(lambda: "MB/s" in page.work_note.whole(), timeout=20_000)
    assert page.work_note.whole().endswith("next: two, three") and page.download_button.isEnabled()
    page.work_stop.click()
    qtbot.waitUntil(lambda: "google/two" in page.work_text.text(), timeout=20_000)
    assert "goes on from there" in said[0] and page.presenter.waiting == ("google/three",)
    qtbot.waitUntil(lambda: "google/three" in page.work_text.text(), timeout=20_000)
    assert said[1] == "two is written" and not page.presenter.waiting
    page.work_stop.click()
    qtbot.waitUntil(lambda: not page.work.isVisible(), timeout=20_000)


def test_a_download_that_ends_lists_the_models_again(
    qtbot: Any, page: ModelsPage, sheet: DownloadDialog, services: Services, tmp_path: Path
) -> None:
    sheet.search.setText("mlx-community/gemma-2-2b-it-4bit")
    with qtbot.waitSignal(services.session.models_changed, timeout=20_000):
        sheet.fetch.click()
    assert not page.banner.isVisible()
