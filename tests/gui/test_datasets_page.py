"""The Datasets page: what a row shows, what is counted, how columns are mapped, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication

from gemma_mlx.worker.results import Piece, Problem, RowPreview
from gui.datasets_page.formats import FIELDS, is_optional
from gui.datasets_page.presenter import PAGE_ROWS, PAGES_KEPT, DatasetsPresenter
from gui.datasets_page.problems_model import ProblemsModel
from gui.datasets_page.rows_model import LOSS, NOTE, TEXT, TOKENS, snippet
from gui.datasets_page.view import DatasetsPage
from gui.services import Services
from tests.gui.helpers import build_services, end_workers


@pytest.fixture
def make_page(
    qtbot: Any, make_services: Callable[..., Services], tmp_path: Path
) -> Callable[..., DatasetsPage]:
    def make(scenario: str = "normal") -> DatasetsPage:
        services = make_services(scenario)
        page = DatasetsPage(services, DatasetsPresenter(services))
        qtbot.addWidget(page)
        page.resize(1000, 700)
        page.show()
        page.shown()
        return page

    return make


@pytest.fixture
def page(qtbot: Any, make_page: Callable[..., DatasetsPage], tmp_path: Path) -> DatasetsPage:
    """A page with a dataset that was looked through."""
    page = make_page()
    qtbot.waitUntil(lambda: bool(page.presenter.model), timeout=20_000)
    path = tmp_path / "orders.jsonl"
    path.write_text("{}")
    page.presenter.open(str(path))
    wait_until_complete(qtbot, page)
    qtbot.waitUntil(lambda: page.presenter.row(0) is not None, timeout=20_000)
    return page


@pytest.fixture(scope="module")
def seen(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatasetsPage]:
    """The same for tests that only look: one worker for all of them."""
    services = build_services(qapp, tmp_path_factory.mktemp("seen"), "normal")
    page = DatasetsPage(services, DatasetsPresenter(services))
    page.resize(1000, 700)
    page.show()
    page.shown()
    presenter = page.presenter
    turn_until(qapp, lambda: bool(presenter.model))
    presenter.open("orders.jsonl")
    turn_until(qapp, lambda: bool(presenter.row(0) and presenter.overview and presenter.overview.complete))
    yield page
    end_workers(services)
    page.deleteLater()


def turn_until(qapp: QApplication, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        qapp.processEvents()
        time.sleep(0.01)


def wait_until_complete(qtbot: Any, page: DatasetsPage) -> None:
    def complete() -> bool:
        overview = page.presenter.overview
        return overview is not None and overview.complete

    qtbot.waitUntil(complete, timeout=20_000)


def cell(page: DatasetsPage, row: int, column: int) -> str:
    return str(page.rows_model.index(row, column).data())


def test_an_empty_page_says_what_to_do(make_page: Callable[..., DatasetsPage]) -> None:
    page = make_page()
    assert page.drop.isVisible()
    assert page.empty.buttons[0].text() == "Open a File…"
    assert not page.train_button.isVisible()


def test_rows_are_listed_with_their_tokens_and_what_is_learned(seen: DatasetsPage) -> None:
    assert seen.rows_model.rowCount() == 2000
    assert cell(seen, 0, TEXT).startswith("Write order 1 as JSON")
    assert (cell(seen, 0, TOKENS), cell(seen, 0, LOSS)) == ("64\u2002", "30\u2002")
    assert cell(seen, 3, NOTE) == "Validation"
    assert cell(seen, 6, NOTE) == "Cut"
    assert cell(seen, 10, NOTE) == "the answer is empty"


def test_rows_are_fetched_when_they_are_looked_at_and_not_before(qtbot: Any, seen: DatasetsPage) -> None:
    assert cell(seen, 1500, TEXT) == "…"
    qtbot.waitUntil(lambda: cell(seen, 1500, TEXT).startswith("Write order 1501"), timeout=20_000)
    held = sum(len(rows) for rows in seen.presenter._rows.values())
    assert held <= 2 * PAGE_ROWS + PAGE_ROWS


def test_of_a_long_scroll_only_some_pages_are_kept(qtbot: Any, seen: DatasetsPage) -> None:
    for first in range(0, 2000, PAGE_ROWS):
        seen.presenter.row(first)
    qtbot.waitUntil(lambda: cell(seen, 1990, TEXT) != "…", timeout=20_000)
    assert len(seen.presenter._rows) <= PAGES_KEPT


def colors_of(page: DatasetsPage, text: str) -> tuple[str, str, bool]:
    """Foreground, background and strike-out of a text in the row view."""
    document = page.row_view.text.document()
    cursor = document.find(text)
    assert not cursor.isNull(), page.row_view.text.toPlainText()
    cursor.setPosition(cursor.selectionStart() + 1, QTextCursor.MoveMode.KeepAnchor)
    shown = cursor.charFormat()
    ground = shown.background().color().name() if shown.background().style() != Qt.BrushStyle.NoBrush else ""
    return shown.foreground().color().name(), ground, shown.fontStrikeOut()


def test_the_chosen_row_shows_what_is_learned_and_what_is_cut(seen: DatasetsPage) -> None:
    tokens = seen._services.theme.tokens
    seen.table.setCurrentIndex(seen.rows_model.index(6, TEXT))
    assert colors_of(seen, '{"order": 7')[:2] == (tokens.loss, tokens.loss_soft)
    assert colors_of(seen, "three apples") == (tokens.text, "", False)
    assert colors_of(seen, "<start_of_turn>user")[0] == tokens.control
    assert colors_of(seen, "and so on")[2]
    assert "32 cut off" in seen.row_view.figures.text()


def test_a_bad_row_shows_its_reason_and_its_text(seen: DatasetsPage) -> None:
    seen.table.setCurrentIndex(seen.rows_model.index(10, TEXT))
    text = seen.row_view.text.toPlainText()
    assert text.startswith("the answer is empty")
    assert '"question": "Order 11"' in text


def test_markup_in_a_row_stays_text(seen: DatasetsPage) -> None:
    nasty = '<img src="file:///etc/passwd"><b>bold</b> &amp;'
    seen.row_view.show_row([RowPreview(index=0, pieces=(Piece(text=nasty),))])
    assert seen.row_view.text.toPlainText() == nasty


def test_figures_and_histogram(seen: DatasetsPage) -> None:
    inspector = seen.inspector
    assert inspector.rows.text() == "1,897 rows to train, 100 to validate"
    assert "Median 164" in inspector.tokens.text()
    assert "40 rows are cut at 1,024" in inspector.tokens.text()
    assert "5 rows are copies" in inspector.tokens.text()
    assert "median 164" in inspector.histogram.accessibleName()


def test_all_problems_stand_in_one_list_with_their_lines(seen: DatasetsPage) -> None:
    assert seen.tabs.tabText(1) == "Problems (3)"
    model = seen.problems_model
    rows = [[model.index(row, column).data() for column in range(3)] for row in range(model.rowCount())]
    assert rows[1] == ["208", "the answer is empty", "orders.jsonl"]
    assert rows[2][0] == "1,044"


def test_bad_rows_forbid_training_until_they_are_left_out(qtbot: Any, page: DatasetsPage) -> None:
    assert not page.train_button.isEnabled()
    assert page.banner.title.text() == "3 rows cannot be used"
    qtbot.mouseClick(page.banner.buttons()[0], Qt.MouseButton.LeftButton)
    assert page.presenter.settings.bad_rows == "leave_out"
    qtbot.waitUntil(page.train_button.isEnabled, timeout=20_000)


def test_training_takes_the_dataset_along(qtbot: Any, page: DatasetsPage) -> None:
    page.presenter.change(bad_rows="leave_out", max_length=512)
    qtbot.waitUntil(page.train_button.isEnabled, timeout=20_000)
    with qtbot.waitSignal(page._services.session.train_with) as blocker:
        qtbot.mouseClick(page.train_button, Qt.MouseButton.LeftButton)
    model, settings = blocker.args
    assert model == ""
    assert settings.max_length == 512
    assert settings.dataset.endswith("orders.jsonl")


def test_a_column_can_be_mapped_anew(qtbot: Any, page: DatasetsPage) -> None:
    with qtbot.waitSignal(page.presenter.opened, timeout=20_000):
        page.presenter.map_column("prompt", "topic")
        assert page.presenter.settings.columns == {"prompt": "topic", "completion": "answer"}
    wait_until_complete(qtbot, page)
    assert page.presenter.overview is not None
    assert page.presenter.overview.mapping["prompt"] == "topic"


def test_another_format_forgets_the_mapping(page: DatasetsPage) -> None:
    page.presenter.map_column("prompt", "topic")
    page.presenter.choose_format("alpaca")
    assert page.presenter.settings.format == "alpaca"
    assert page.presenter.settings.columns == {}


def test_a_wrong_setting_is_told_beside_its_field_and_changes_nothing(page: DatasetsPage) -> None:
    page.inspector.form.field("validation_split").set_value("0.9")
    assert "at most 0.5" in page.inspector.form.error_of("validation_split")
    assert page.presenter.settings.validation_split == 0.05


def test_settings_of_a_dataset_are_remembered(qtbot: Any, page: DatasetsPage) -> None:
    path = page.presenter.settings.dataset
    with qtbot.waitSignal(page.presenter.opened, timeout=20_000):
        page.presenter.change(max_length=256)
    other = DatasetsPresenter(page._services)
    other.open(path)
    assert other.settings.max_length == 256
    assert page.presenter.recent() == [path]
    other.close()


@pytest.mark.parametrize(
    ("name", "taken"),
    [("a.jsonl", True), ("a.JSON", True), ("a.csv.gz", True), ("a.parquet", True), ("a.txt", True),
     ("a.safetensors", False), ("a.png", False), ("a", False)],
)  # fmt: skip
def test_which_files_can_be_dropped(services: Services, name: str, taken: bool, tmp_path: Path) -> None:
    assert DatasetsPresenter(services).accepts(tmp_path / name) is taken


@pytest.mark.parametrize("scenario", ["crash", "segfault", "garbage", "long-line"])
def test_a_worker_that_dies_is_told_and_the_dataset_can_be_opened_again(
    qtbot: Any, make_page: Callable[..., DatasetsPage], tmp_path: Path, scenario: str
) -> None:
    page = make_page(scenario)
    with qtbot.waitSignal(page.presenter.failed, timeout=30_000):
        page.presenter.open(str(tmp_path / "orders.jsonl"))
    assert page.banner.isVisible()
    assert page.banner.title.text()
    assert page.drop.isVisible()
    assert page.banner.buttons()[0].text() == "Try Again"


def test_a_worker_that_falls_silent_is_called_by_name(
    qtbot: Any, make_page: Callable[..., DatasetsPage], tmp_path: Path
) -> None:
    page = make_page("quiet")
    page.presenter.open(str(tmp_path / "orders.jsonl"))
    qtbot.waitUntil(lambda: "does not answer" in page.banner.title.text(), timeout=20_000)


def test_the_list_of_problems_keeps_its_selection_while_it_grows(qtbot: Any) -> None:
    model = ProblemsModel()
    first = tuple(Problem(file="f", line=line, reason="bad") for line in range(3))
    model.set_problems(first)
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    model.set_problems((*first, Problem(file="f", line=9, reason="worse")))
    assert model.rowCount() == 4
    assert not resets


def test_the_snippet_leaves_out_the_marks_of_turns() -> None:
    pieces = (Piece(text="<bos>user\n", control=True), Piece(text="two\n lines"), Piece(text=" more"))
    assert snippet(RowPreview(index=0, pieces=pieces)) == "two lines more"


def test_the_columns_of_the_forms_are_those_of_the_engine() -> None:
    from gemma_mlx.data.columns import OPTIONAL, REQUIRED

    assert set(FIELDS) == set(REQUIRED)
    for name, fields in FIELDS.items():
        assert set(fields) == {*REQUIRED[name], *OPTIONAL[name]}
        assert {field for field in fields if is_optional(name, field)} == set(OPTIONAL[name])
