"""The page "Fine-tune": the list of runs beside the setup of a new one, a run, or a comparison."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QItemSelectionModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QInputDialog,
    QListView,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.events import Warning
from gemma_mlx.library.store import RunEntry
from gui.finetune_page.compare_view import CompareView
from gui.finetune_page.presenter import FinetunePresenter
from gui.finetune_page.run_view import RunView
from gui.finetune_page.runs_model import BADGE_ROLE, ICON_ROLE, LINE_ROLE, TONE_ROLE, RunsModel
from gui.finetune_page.setup_view import SetupView
from gui.services import Page, Services
from gui.theme import SPACE
from gui.widgets.banner import Banner
from gui.widgets.empty_state import EmptyState
from gui.widgets.export_dialog import ExportDialog
from gui.widgets.header import PageHeader
from gui.widgets.labels import Card, label
from gui.widgets.panes import Panes
from gui.widgets.rows import RowRoles, TwoLineDelegate
from gui.widgets.scrolling import plain_list
from gui.wording import stage_text
from gui.worker_client import Failure


def build_page(services: Services) -> Page:
    """The page, ready to be shown."""
    return FinetunePage(services, FinetunePresenter(services))


class FinetunePage(Page):
    """Layout and signals; every decision is the presenters'."""

    def __init__(self, services: Services, presenter: FinetunePresenter) -> None:
        super().__init__()
        self._services, self.presenter = services, presenter
        presenter.setParent(self)
        self.banner = Banner(services.theme)
        self.header = PageHeader(self.tr("Fine-tune"), self.tr("Teach a model from examples"))
        self.new_button = QPushButton(self.tr("New Run"))
        self.new_button.clicked.connect(self.new)
        self.header.add(self.new_button)
        self.making = QProgressBar()
        self.making.setAccessibleName(self.tr("Writing a model"))
        self.making.hide()
        self.setup = SetupView(services, presenter.setup)
        self.setup.start.clicked.connect(presenter.start)
        self.run_view = RunView(services.theme, presenter)
        self.run_view.merge_wanted.connect(self._merge)
        self.run_view.export_wanted.connect(self.open_export)
        self.compare = CompareView(services.theme, presenter)
        self.stack = QStackedWidget()
        for view in (self.setup, self.run_view, self.compare):
            self.stack.addWidget(view)
        self.stack.setMinimumWidth(320)
        self.panes = Panes(self._build_list(), self.stack, wide=78, share=0.3)
        self.no_models = EmptyState(
            services.theme, "finetune", self.tr("There is no model to teach yet"),
            self.tr("Fine-tuning begins with a Gemma here. Download or import one, then come back."),
            [(self.tr("Go to Models"), self._go_to_models)],
        )  # fmt: skip
        self.content = QStackedWidget()
        self.content.addWidget(self.panes)
        self.content.addWidget(self.no_models)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE + SPACE // 2, 3 * SPACE, 3 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self.header)
        layout.addWidget(self.banner)
        layout.addWidget(self.making)
        layout.addWidget(self.content, 1)
        presenter.runs_changed.connect(self._show_runs)
        presenter.shown_changed.connect(self._show)
        presenter.failed.connect(self._show_failure)
        presenter.warned.connect(self._show_warning)
        presenter.quiet.connect(self._show_quiet)
        presenter.making.connect(self._show_making)
        services.session.train_with.connect(self._on_train_with)
        services.library.listed.connect(self._on_listed)
        presenter.refresh()
        if services.library.known:
            self._on_listed()

    def shown(self) -> None:
        self._services.library.ensure()
        self.presenter.refresh()

    def new(self) -> None:
        self.presenter.show([])

    def stop(self) -> None:
        self.presenter.stop()

    def running(self) -> str:
        live = self.presenter.live
        return self.tr("The run {name} is training.").format(name=live.name) if live is not None else ""

    def _build_list(self) -> QWidget:
        self.model = RunsModel()
        self.model.setParent(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setAccessibleName(self.tr("Runs"))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setUniformItemSizes(True)
        plain_list(self.list)
        roles = RowRoles(LINE_ROLE, BADGE_ROLE, TONE_ROLE, ICON_ROLE)
        self.list.setItemDelegate(TwoLineDelegate(self._services.theme, self.list, roles))
        self.list.selectionModel().selectionChanged.connect(self._on_selection)
        text = self.tr("Select several runs to compare their curves.")
        self.list_hint = label(text, "secondary", scale="small")
        self.list_card = Card(margin=SPACE)
        self.list_card.body.addWidget(self.list, 1)
        self.list_card.body.addWidget(self.list_hint)
        self.list_card.setMinimumWidth(210)
        return self.list_card

    def _on_selection(self) -> None:
        rows = sorted(self.list.selectionModel().selectedIndexes(), key=lambda index: index.row())
        runs = [self.model.run(index) for index in rows]
        paths = [run.path for run in runs if run is not None]
        if paths:
            self.presenter.show(paths)

    def _show_runs(self, runs: list[RunEntry]) -> None:
        self.list_card.setVisible(bool(runs))
        self.list_hint.setVisible(len(runs) > 1)
        self.list.selectionModel().blockSignals(True)
        self.model.set_runs(runs)
        self.list.selectionModel().blockSignals(False)
        self._select()
        self._show(self.presenter.shown)

    def _select(self) -> None:
        """Mark in the list what is looked at."""
        selection = self.list.selectionModel()
        selection.blockSignals(True)
        selection.clearSelection()
        for path in self.presenter.shown:
            index = self.model.find(path)
            selection.select(index, QItemSelectionModel.SelectionFlag.Select)
        selection.blockSignals(False)
        self.list.viewport().update()

    def _show(self, paths: list[Path]) -> None:
        self._select()
        runs = [run for path in paths if (run := self.presenter.run(path)) is not None]
        if not runs:
            self.setup.refresh()
            self.stack.setCurrentWidget(self.setup)
        elif len(runs) == 1:
            self.run_view.show_run(runs[0])
            self.stack.setCurrentWidget(self.run_view)
        else:
            self.compare.show_runs([run.path for run in runs])
            self.stack.setCurrentWidget(self.compare)
        self.new_button.setEnabled(bool(runs))
        self.setup.start.setEnabled(not self.presenter.setup.missing() and self.presenter.live is None)

    def _on_train_with(self, _model: str, _data: object) -> None:
        self.presenter.show([])

    def _on_listed(self) -> None:
        empty = not self._services.library.usable and not self.presenter.runs
        self.content.setCurrentWidget(self.no_models if empty else self.panes)

    def _go_to_models(self) -> None:
        self._services.session.page_requested.emit("models")

    def _show_failure(self, failure: Failure, path: str) -> None:
        run = self.presenter.run(Path(path)) if path else None
        actions = []
        if run is not None and self.presenter.may_resume(run):
            actions.append((self.tr("Resume"), lambda: self._resume(run.path)))
        self.banner.show_failure(failure, actions)

    def _resume(self, path: Path) -> None:
        self.banner.clear()
        self.presenter.resume(path)

    def _show_warning(self, event: Warning) -> None:
        self.banner.show_message("warning", event.what, event.fix)

    def _show_quiet(self, quiet: bool) -> None:
        title = self.tr("The training does not answer")
        if quiet:
            text = self.tr(
                "It may be swapping memory, or stopped. Checkpoints are safe: wait, or end it and resume."
            )
            actions = [(self.tr("End It"), self.presenter.end_worker)]
            self.banner.show_message("warning", title, text, actions)
        elif self.banner.title.text() == title:
            self.banner.clear()

    def _show_making(self, stage: str, done: int, total: int) -> None:
        self.making.setVisible(bool(stage))
        self.making.setFormat(f"{stage_text(stage)}  %p %")
        self.making.setRange(0, total)
        self.making.setValue(done)

    def _merge(self) -> None:
        run = self.presenter.run(self.run_view.path) if self.run_view.path else None
        if run is None:
            return
        suggested = f"{Path(run.model).name}-{run.name}"
        name, wanted = QInputDialog.getText(
            self, self.tr("Merge into Base"), self.tr("Name of the new model:"), text=suggested
        )
        if wanted and name.strip():
            self.presenter.merge(run, name.strip())

    def open_export(self) -> ExportDialog | None:
        """The sheet for the run that is shown."""
        run = self.presenter.run(self.run_view.path) if self.run_view.path else None
        if run is None:
            return None
        name = f"{Path(run.model).name}-{run.name}"
        dialog = ExportDialog(self._services, name, has_adapter=True, parent=self)
        dialog.accepted.connect(lambda: self.presenter.export(run, dialog.format, dialog.target))
        dialog.open()
        return dialog
