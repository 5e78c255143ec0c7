"""Models and datasets with the real worker: what the pages show is what the engine found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from gemma_mlx.settings import QuantizeSettings
from gui.app import App, build, worker_program
from gui.datasets_page.rows_model import NOTE, TEXT
from gui.datasets_page.view import DatasetsPage
from gui.models_page.view import ModelsPage
from gui.widgets.export_dialog import ExportDialog
from tests.tiny import write_tiny_model


@pytest.fixture
def app(qapp: QApplication, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    home = tmp_path / "home"
    monkeypatch.setenv("GEMMA_MLX_HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    write_tiny_model(home / "models" / "tiny", "gemma2", tokenizer=True)
    state = QSettings(str(tmp_path / "state.ini"), QSettings.Format.IniFormat)
    state.setValue("app/language", "en")
    built = build(qapp, state=state, worker=worker_program(), root=home)
    qtbot.addWidget(built.window)
    built.window.show()
    yield built
    built.close()


def test_a_model_is_quantized_from_the_list(qtbot: Any, app: App) -> None:
    app.window.sidebar.select("models")
    page = app.window.page_of("models")
    assert isinstance(page, ModelsPage)
    qtbot.waitUntil(lambda: page.list_model.rowCount() > 0, timeout=30_000)
    tiny = next(model for model in page.presenter.models if model.name == "tiny")
    assert tiny.verdict == "fits" and not tiny.problem
    page.presenter.quantize(tiny, QuantizeSettings(group_size=32), "tiny-4bit")
    qtbot.waitUntil(lambda: any(model.name == "tiny-4bit" for model in page.presenter.models), timeout=60_000)
    item, _base = page.selected()
    assert item is not None and item.name == "tiny-4bit"
    assert "4 bit" in page.list.currentIndex().data(page.list.itemDelegate()._roles.line)


def test_a_model_is_exported_for_other_programs(qtbot: Any, app: App, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    app.window.sidebar.select("models")
    page = app.window.page_of("models")
    assert isinstance(page, ModelsPage)
    qtbot.waitUntil(lambda: page.list_model.rowCount() > 0, timeout=30_000)
    tiny = next(model for model in page.presenter.models if model.name == "tiny")
    page.list.setCurrentIndex(page.list_model.find(tiny.path))
    page.details.export.click()
    dialog = page.findChild(ExportDialog)
    assert dialog is not None
    dialog.set_folder(tmp_path)
    dialog.make.click()
    qtbot.waitUntil(lambda: app.window.toast.text == "tiny is written", timeout=60_000)
    assert (tmp_path / "tiny" / "tiny-Q8_0.gguf").read_bytes()[:4] == b"GGUF"
    assert "FROM ./tiny-Q8_0.gguf" in (tmp_path / "tiny" / "Modelfile").read_text()


def test_a_dataset_shows_rows_counts_and_problems_of_the_engine(qtbot: Any, app: App, tmp_path: Path) -> None:
    rows = [json.dumps({"question": f"order {row}", "answer": f"apples {row}"}) for row in range(120)]
    rows[40] = "{not json"
    rows[41] = json.dumps({"question": "much", "answer": "word " * 3000})
    path = tmp_path / "orders.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8")
    app.window.sidebar.select("datasets")
    page = app.window.page_of("datasets")
    assert isinstance(page, DatasetsPage)
    qtbot.waitUntil(lambda: bool(app.services.library.models), timeout=30_000)
    tiny = next(model.path for model in app.services.library.usable if model.name == "tiny")
    page.presenter.choose_model(tiny)
    page.presenter.open(str(path))

    def complete() -> bool:
        overview = page.presenter.overview
        return overview is not None and overview.complete

    qtbot.waitUntil(complete, timeout=60_000)
    qtbot.waitUntil(lambda: page.presenter.row(0) is not None, timeout=30_000)
    overview = page.presenter.overview
    assert overview is not None
    assert (overview.rows, overview.usable, overview.problem_count) == (120, 119, 1)
    assert overview.mapping == {"prompt": "question", "completion": "answer"}
    assert not overview.estimated
    assert page.problems_model.index(0, 0).data() == "41"
    assert page.rows_model.index(0, TEXT).data().startswith("order 0")
    assert page.rows_model.index(41, NOTE).data() == "Cut"
    page.table.setCurrentIndex(page.rows_model.index(0, TEXT))
    assert "<start_of_turn>model" in page.row_view.text.toPlainText()
    assert not page.train_button.isEnabled()
    page.leave_out.setChecked(True)
    qtbot.waitUntil(page.train_button.isEnabled, timeout=60_000)


def test_a_file_that_is_no_dataset_is_refused_in_words(qtbot: Any, app: App, tmp_path: Path) -> None:
    path = tmp_path / "picture.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00" * 100)
    page = app.window.page_of("datasets")
    assert isinstance(page, DatasetsPage)
    with qtbot.waitSignal(page.presenter.failed, timeout=60_000) as blocker:
        page.presenter.open(str(path))
    assert blocker.args[0].fix
    assert "picture.jsonl" in page.banner.details.text()


def test_columns_that_are_not_understood_are_mapped_by_hand(qtbot: Any, app: App, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(
        "alpha,beta,gamma\n" + "\n".join(f"a {row},b {row},c" for row in range(30)), encoding="utf-8"
    )
    page = app.window.page_of("datasets")
    assert isinstance(page, DatasetsPage)
    page.presenter.open(str(path))
    qtbot.waitUntil(
        lambda: bool(page.presenter.overview and page.presenter.overview.complete), timeout=60_000
    )
    assert page.presenter.overview.trouble  # type: ignore[union-attr]
    assert "not clear" in page.banner.title.text()
    page.presenter.change(format="completion", columns={"prompt": "alpha", "completion": "beta"})
    qtbot.waitUntil(
        lambda: bool(page.presenter.overview and page.presenter.overview.usable == 30), timeout=60_000
    )
    assert page.presenter.may_train()
