"""The Datasets page: a place to drop files, rows with the chosen one in full below, problems, inspector."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHeaderView,
    QMenu,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.events import Warning
from gemma_mlx.worker.results import DatasetOverview
from gui.datasets_page.formats import SUFFIXES
from gui.datasets_page.inspector import Inspector
from gui.datasets_page.presenter import DatasetsPresenter
from gui.datasets_page.problems_model import ProblemsModel
from gui.datasets_page.row_view import RowView
from gui.datasets_page.rows_model import LOSS, NOTE, ROW, TEXT, TOKENS, RowsModel
from gui.services import Page, Services
from gui.theme import SPACE
from gui.widgets.banner import Banner
from gui.widgets.drop import FileDrop
from gui.widgets.empty_state import EmptyState
from gui.widgets.header import PageHeader
from gui.widgets.labels import Card, label, set_role
from gui.widgets.panes import Panes
from gui.widgets.plain_table import PlainTable
from gui.widgets.scrolling import scroll_page
from gui.wording import count_text, path_text, size_text
from gui.worker_client import Failure


def build_page(services: Services) -> Page:
    """The page, ready to be shown."""
    return DatasetsPage(services, DatasetsPresenter(services))


class DatasetsPage(Page):
    """Layout and signals; every decision is the presenter's."""

    def __init__(self, services: Services, presenter: DatasetsPresenter) -> None:
        super().__init__()
        self._services, self.presenter = services, presenter
        presenter.setParent(self)
        self.banner = Banner(services.theme)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setMaximumHeight(6)
        self.progress.setAccessibleName(self.tr("Looking through the dataset"))
        self.progress.hide()
        self.content = QStackedWidget()
        self.content.addWidget(self._build_empty())
        self.content.addWidget(Panes(self._build_rows(), self._build_inspector(), share=0.66))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE + SPACE // 2, 3 * SPACE, 3 * SPACE)
        layout.setSpacing(2 * SPACE)
        self.header = self._build_header()
        layout.addWidget(self.header)
        layout.addWidget(self.progress)
        layout.addWidget(self.banner)
        layout.addWidget(self.content, 1)
        FileDrop(self, presenter.accepts, lambda paths: presenter.open(str(paths[0])), self._hover)
        presenter.opened.connect(self._on_opened)
        presenter.closed.connect(self._on_closed)
        presenter.overview_changed.connect(self._show_overview)
        presenter.progress.connect(self._show_progress)
        presenter.rows_changed.connect(self._on_rows)
        presenter.failed.connect(self._show_failure)
        presenter.warned.connect(self._show_warning)
        presenter.quiet.connect(self._show_quiet)
        services.session.open_dataset.connect(presenter.open)
        self._on_closed()

    def shown(self) -> None:
        self._services.library.ensure()

    def new(self) -> None:
        patterns = " ".join(f"*{suffix} *{suffix}.gz" for suffix in SUFFIXES)
        path, _filter = QFileDialog.getOpenFileName(
            self, self.tr("Open a Dataset"), "", self.tr("Datasets ({patterns})").format(patterns=patterns)
        )
        if path:
            self.presenter.open(path)

    def _build_header(self) -> PageHeader:
        self.open_button = QPushButton(self.tr("Open…"))
        self.open_button.clicked.connect(self.new)
        self.recent_menu = QMenu(self)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.recent_button = QPushButton(self.tr("Recent"))
        self.recent_button.setMenu(self.recent_menu)
        self.train_button = QPushButton(self.tr("Fine-Tune with This"))
        self.train_button.setDefault(True)
        self.train_button.clicked.connect(self.presenter.train)
        header = PageHeader(self.tr("Datasets"))
        for button in (self.open_button, self.recent_button, self.train_button):
            header.add(button)
        return header

    def _build_empty(self) -> QWidget:
        self.drop = Card(role="drop")
        text = self.tr(
            "Drop a file here: JSON lines, JSON, CSV, Parquet or plain text. You will see every row as the "
            "model sees it, and which of its words are learned."
        )
        actions = [(self.tr("Open a File…"), self.new)]
        if self.presenter.has_demo():
            actions.append((self.tr("Open the Demo Dataset"), self.presenter.open_demo))
        title = self.tr("No dataset is open")
        self.empty = EmptyState(self._services.theme, "datasets", title, text, actions)
        self.drop.body.addWidget(self.empty)
        return self.drop

    def _build_rows(self) -> QWidget:
        self.rows_model = RowsModel(self.presenter, self._services.theme, self)
        self.table = PlainTable(self.tr("Rows of the dataset"), hides=((LOSS, 56), (NOTE, 66)))
        self.table.setModel(self.rows_model)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(TEXT, QHeaderView.ResizeMode.Stretch)
        digits = self.fontMetrics().horizontalAdvance("0,000,000") + SPACE
        header.resizeSection(ROW, digits)
        for column, least in ((TOKENS, self.tr("Tokens")), (LOSS, self.tr("Learned"))):
            header.resizeSection(column, self.fontMetrics().horizontalAdvance(least) + 3 * SPACE)
        header.resizeSection(NOTE, self.fontMetrics().averageCharWidth() * 18)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.row_view = RowView(self._services.theme)
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setHandleWidth(2 * SPACE)
        rows.setChildrenCollapsible(False)
        rows.addWidget(self.table)
        rows.addWidget(self.row_view)
        rows.setSizes([300, 240])
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.addTab(self.tr("Rows"))
        self.tabs.addTab(self.tr("Problems"))
        self.stack = QStackedWidget()
        self.stack.addWidget(rows)
        self.stack.addWidget(self._build_problems())
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        card = Card(margin=SPACE + SPACE // 2)
        card.body.addWidget(self.tabs)
        card.body.addWidget(self.stack, 1)
        card.setMinimumWidth(260)
        return card

    def _build_problems(self) -> QWidget:
        self.problems_model = ProblemsModel()
        self.problems = PlainTable(self.tr("Rows that cannot be used"), hides=((2, 46),))
        self.problems.setModel(self.problems_model)
        self.problems.setWordWrap(True)
        header = self.problems.horizontalHeader()
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(0, self.fontMetrics().horizontalAdvance("0,000,000"))
        header.resizeSection(2, self.fontMetrics().averageCharWidth() * 18)
        self.problems_text = label("", "secondary")
        self.leave_out = QCheckBox(self.tr("Leave these rows out and use the rest"))
        self.leave_out.toggled.connect(
            lambda on: self.presenter.change(bad_rows="leave_out" if on else "refuse")
        )
        self.no_problems = EmptyState(
            self._services.theme, "check", self.tr("No problems"),
            self.tr("Every row that was looked at can be used."), [],
        )  # fmt: skip
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        for widget in (self.problems_text, self.leave_out):
            layout.addWidget(widget)
        layout.addWidget(self.problems, 1)
        layout.addWidget(self.no_problems, 1)
        return page

    def _build_inspector(self) -> QWidget:
        self.inspector = Inspector(self._services, self.presenter)
        area = scroll_page(self.inspector)
        area.setMinimumWidth(270)
        return area

    def _on_opened(self, path: str) -> None:
        self.banner.clear()
        self.content.setCurrentIndex(1)
        self.train_button.show()
        self.header.refit()
        self.train_button.setEnabled(False)
        self.header.subtitle.set_whole(path_text(path))
        self.row_view.show_row(None)
        self.tabs.setCurrentIndex(0)
        self._show_problems(DatasetOverview(path=path))

    def _on_closed(self) -> None:
        self.content.setCurrentIndex(0)
        self.train_button.hide()
        self.recent_button.setVisible(bool(self.presenter.recent()))
        self.header.refit()
        self.header.subtitle.set_whole(self.tr("What the model learns from"))

    def _show_overview(self, overview: DatasetOverview) -> None:
        text = self.tr("{path} · {size} · {rows} rows")
        self.header.subtitle.set_whole(
            text.format(
                path=path_text(overview.path),
                size=size_text(overview.size_bytes),
                rows=count_text(overview.rows),
            )
        )
        self.recent_button.show()
        self.header.refit()
        self.train_button.setEnabled(self.presenter.may_train())
        self._show_problems(overview)
        if overview.trouble:
            title = self.tr("It is not clear what the columns mean")
            fix = self.tr("Choose a format and say which column is what, beside the rows.")
            self.banner.show_message("warning", title, f"{overview.trouble}\n{fix}", closable=False)
        elif self.presenter.refused():
            title = self.tr("{count} rows cannot be used").format(count=count_text(overview.problem_count))
            fix = self.tr("Mend them in the file and open it again, or leave them out of the training.")
            actions = [
                (self.tr("Leave Them Out"), self._leave_out),
                (self.tr("Show Them"), self._show_bad_rows),
            ]
            self.banner.show_message("warning", title, fix, actions)
        elif overview.complete and not overview.usable:
            title = self.tr("There is nothing to learn in this dataset")
            fix = self.tr("See the problems, or choose another format or other columns.")
            self.banner.show_message("warning", title, fix)

    def _leave_out(self) -> None:
        self.leave_out.setChecked(True)

    def _show_bad_rows(self) -> None:
        self.tabs.setCurrentIndex(1)

    def _show_problems(self, overview: DatasetOverview) -> None:
        count = overview.problem_count
        self.tabs.setTabText(0, self.tr("Rows ({count})").format(count=count_text(overview.rows)))
        self.tabs.setTabText(1, self.tr("Problems ({count})").format(count=count_text(count)))
        self.problems_model.set_problems(overview.problems)
        for widget in (self.problems, self.problems_text, self.leave_out):
            widget.setVisible(bool(count))
        self.no_problems.setVisible(not count)
        shown = len(overview.problems)
        text = self.tr("{count} rows cannot be used.").format(count=count_text(count))
        if count > shown:
            text += " " + self.tr("The first {count} are listed.").format(count=count_text(shown))
        self.problems_text.setText(text)
        self.leave_out.blockSignals(True)
        self.leave_out.setChecked(self.presenter.settings.bad_rows == "leave_out")
        self.leave_out.blockSignals(False)

    def _show_progress(self, done: int, total: int) -> None:
        self.progress.setVisible(bool(total))
        if total:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * done / total))

    def _on_rows(self, first: int, last: int) -> None:
        current = self.table.currentIndex()
        if not current.isValid():
            self.table.setCurrentIndex(self.rows_model.index(0, TEXT))
        elif first <= current.row() <= last:
            self._on_row(current, current)

    def _on_row(self, index: QModelIndex, _before: QModelIndex) -> None:
        self.row_view.show_row(self.presenter.row(index.row()) if index.isValid() else None)

    def _show_failure(self, failure: Failure) -> None:
        again = self.presenter.settings.dataset
        actions = [(self.tr("Try Again"), lambda: self.presenter.open(again))] if again else []
        self.banner.show_failure(failure, actions)

    def _show_warning(self, event: Warning) -> None:
        self.banner.show_message("warning", event.what, event.fix)

    def _show_quiet(self, quiet: bool) -> None:
        if quiet:
            title = self.tr("The dataset’s worker does not answer")
            text = self.tr("It may be swapping memory. Wait, or open the dataset again.")
            self.banner.show_message("warning", title, text)
        elif self.banner.title.text() == self.tr("The dataset’s worker does not answer"):
            self.banner.clear()

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in self.presenter.recent():
            action = self.recent_menu.addAction(Path(path).name)
            action.setToolTip(path)
            action.triggered.connect(lambda _checked=False, path=path: self.presenter.open(path))

    def _hover(self, over: bool) -> None:
        set_role(self.drop, "active", "true" if over else "false")
