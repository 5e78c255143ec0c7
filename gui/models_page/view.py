"""The Models page: models with adapters below their base, details beside them, a place to drop folders."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.worker.results import AdapterSummary, ModelList, ModelSummary
from gui.models_page.details import Details
from gui.models_page.download_dialog import DownloadDialog
from gui.models_page.list_model import BADGE_ROLE, ICON_ROLE, LINE_ROLE, TONE_ROLE, ModelListModel
from gui.models_page.presenter import Item, ModelsPresenter
from gui.models_page.quantize_dialog import QuantizeDialog
from gui.services import Page, Services
from gui.system import reveal
from gui.theme import SPACE
from gui.widgets.banner import Banner
from gui.widgets.drop import FileDrop
from gui.widgets.empty_state import EmptyState
from gui.widgets.export_dialog import ExportDialog
from gui.widgets.header import PageHeader
from gui.widgets.labels import Card, ElidedLabel, label, set_role, sized
from gui.widgets.panes import Panes
from gui.widgets.rows import RowRoles, TwoLineDelegate
from gui.widgets.scrolling import plain_list
from gui.wording import memory_text, stage_text


def build_page(services: Services) -> Page:
    """The page, ready to be shown."""
    return ModelsPage(services, ModelsPresenter(services))


class ModelsPage(Page):
    """Layout and signals; every decision is the presenter's."""

    def __init__(self, services: Services, presenter: ModelsPresenter) -> None:
        super().__init__()
        self._services = services
        self.presenter = presenter
        presenter.setParent(self)
        self._listed = False
        self.banner = Banner(services.theme)
        self.import_button = QPushButton(self.tr("Import…"))
        self.import_button.setToolTip(self.tr("Copy a model’s folder into the app"))
        self.import_button.clicked.connect(self.new)
        self.download_button = QPushButton(self.tr("Download…"))
        self.download_button.setToolTip(self.tr("Find a Gemma on the Hub and bring it here"))
        self.download_button.clicked.connect(self.open_download)
        self.header = PageHeader(self.tr("Models"))
        self.header.add(self.download_button)
        self.header.add(self.import_button)
        self.work = self._work_row()
        self.content = QStackedWidget()
        self.content.addWidget(self._build_list())
        self.content.addWidget(self._build_empty())
        self.content.addWidget(QWidget())
        self.content.setCurrentIndex(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE + SPACE // 2, 3 * SPACE, 3 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self.header)
        layout.addWidget(self.banner)
        layout.addWidget(self.work)
        layout.addWidget(self.content, 1)
        FileDrop(self, presenter.accepts, self._dropped, self._hover)
        presenter.listed.connect(self._show_list)
        presenter.failed.connect(self._show_failure)
        presenter.working.connect(self._show_work)
        presenter.noted.connect(self._show_note)

    def shown(self) -> None:
        if not self._listed:
            self.presenter.refresh()

    def new(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Choose a model’s folder"))
        if folder:
            self.presenter.import_folder(Path(folder))

    def stop(self) -> None:
        self.presenter.stop()

    def running(self) -> str:
        return self.tr("A model is being written.") if self.presenter.busy else ""

    def selected(self) -> tuple[Item | None, ModelSummary | None]:
        """What is selected, and the model that it is or belongs to."""
        index = self.list.currentIndex()
        return self.list_model.item(index), self.list_model.base_of(index)

    def _build_list(self) -> QWidget:
        self.list_model = ModelListModel(self)
        self.list = QTreeView()
        self.list.setModel(self.list_model)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(True)
        self.list.setIndentation(2 * SPACE)
        self.list.setUniformRowHeights(True)
        plain_list(self.list)
        self.list.setAccessibleName(self.tr("Models and adapters"))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._context_menu)
        self.list.doubleClicked.connect(lambda _index: self._chat())
        roles = RowRoles(LINE_ROLE, BADGE_ROLE, TONE_ROLE, ICON_ROLE)
        self.list.setItemDelegate(TwoLineDelegate(self._services.theme, self.list, roles))
        self.list.selectionModel().currentChanged.connect(self._show_details)
        self.details = Details(self._services.theme, self.presenter)
        self.details.chat_wanted.connect(self._chat)
        self.details.train_wanted.connect(self._train)
        self.details.quantize_wanted.connect(self.open_quantize)
        self.details.merge_wanted.connect(self._merge)
        self.details.export_wanted.connect(self.open_export)
        self.details.reveal_wanted.connect(self._reveal)
        self.details.delete_wanted.connect(self._delete)
        left, right = Card(margin=SPACE), Card(margin=0)
        left.body.addWidget(self.list)
        right.body.addWidget(self.details)
        right.setMinimumWidth(290)
        left.setMinimumWidth(200)
        return Panes(left, right)

    def _build_empty(self) -> QWidget:
        self.drop = Card(role="drop")
        text = self.tr(
            "Download one, or drop the folder of a Gemma model here: the one that holds config.json and the "
            ".safetensors files. Models in the Hugging Face cache appear by themselves."
        )
        actions = [
            (self.tr("Download…"), self.open_download),
            (self.tr("Import a Folder…"), self.new),
            (self.tr("Look Again"), self.presenter.refresh),
        ]
        empty = EmptyState(self._services.theme, "models", self.tr("No models yet"), text, actions)
        self.drop.body.addWidget(empty)
        return self.drop

    def _work_row(self) -> QWidget:
        row = Card(role="inset", margin=SPACE + SPACE // 2)
        self.work_text = label("")
        self.work_note = ElidedLabel("", "secondary", Qt.TextElideMode.ElideMiddle)
        sized(self.work_note, "small")
        self.work_note.hide()
        self.work_bar = QProgressBar()
        self.work_bar.setTextVisible(False)
        self.work_bar.setAccessibleName(self.tr("Progress"))
        self.work_stop = QPushButton(self.tr("Stop"))
        self.work_stop.clicked.connect(self.presenter.stop)
        line = QHBoxLayout()
        line.setSpacing(2 * SPACE)
        line.addWidget(self.work_text, 1)
        line.addWidget(self.work_bar, 2)
        line.addWidget(self.work_stop)
        row.body.addLayout(line)
        row.body.addWidget(self.work_note)
        row.hide()
        return row

    def _show_list(self, answer: ModelList) -> None:
        self._listed = True
        index = self.list.currentIndex()
        kept = self.list_model.item(index)
        wanted = self.presenter.selection_wanted() or (kept.path if kept else "")
        self.list_model.set_models(answer.models)
        self.list.expandAll()
        self.content.setCurrentIndex(0 if answer.models else 1)
        found = self.list_model.find(wanted)
        self.list.setCurrentIndex(found if found.isValid() else self.list_model.index(0, 0))
        if answer.allowed_bytes:
            self.header.subtitle.set_whole(memory_text(answer.total_bytes, answer.allowed_bytes))

    def _show_details(self, index: QModelIndex, _before: QModelIndex) -> None:
        self.details.show_item(self.list_model.item(index), self.list_model.base_of(index))

    def _show_failure(self, failure: object) -> None:
        self.banner.show_failure(failure)  # type: ignore[arg-type]
        if not self._listed:
            self.content.setCurrentIndex(1)

    def _show_work(self, text: str, done: int, total: int) -> None:
        self.work.setVisible(bool(text))
        self.import_button.setEnabled(not text)
        if not text:
            self._show_note("")
        self.work_text.setText(stage_text(text))
        self.work_bar.setRange(0, 1000 if total else 0)
        if total:
            self.work_bar.setValue(round(1000 * done / total))

    def _show_note(self, text: str) -> None:
        self.work_note.set_whole(text)
        self.work_note.setVisible(bool(text))

    def _dropped(self, paths: list[Path]) -> None:
        self.presenter.import_folder(paths[0])

    def _hover(self, over: bool) -> None:
        set_role(self.drop, "active", "true" if over else "false")

    def _chat(self) -> None:
        item, base = self.selected()
        if item is None or base is None or not self.presenter.may_use(item, base):
            return
        adapter = item.path if isinstance(item, AdapterSummary) else ""
        self._services.session.page_requested.emit("chat")
        self._services.session.chat_with.emit(base.path, adapter)

    def _train(self) -> None:
        _item, base = self.selected()
        if base is not None and self.presenter.may_use(base, base):
            self._services.session.page_requested.emit("finetune")
            self._services.session.train_with.emit(base.path, None)

    def open_download(self) -> DownloadDialog:
        """The sheet with the models of the Hub."""
        dialog = DownloadDialog(self._services, self)
        dialog.accepted.connect(lambda: self.presenter.download(dialog.repository))
        dialog.open()
        return dialog

    def open_quantize(self) -> QuantizeDialog | None:
        """The sheet for the selected model."""
        item, _base = self.selected()
        if not isinstance(item, ModelSummary):
            return None
        dialog = QuantizeDialog(self._services, self.presenter, item, self)
        dialog.accepted.connect(
            lambda: self.presenter.quantize(item, dialog.settings(), dialog.name.text().strip())
        )
        dialog.open()
        return dialog

    def _merge(self) -> None:
        item, base = self.selected()
        if not isinstance(item, AdapterSummary) or base is None:
            return
        suggested = self.presenter.free_name(f"{base.name.rsplit('/', 1)[-1]}-{item.name}")
        name, wanted = QInputDialog.getText(
            self, self.tr("Merge into Base"), self.tr("Name of the new model:"), text=suggested
        )
        if wanted and name.strip():
            self.presenter.merge(base, item, self.presenter.free_name(name.strip()))

    def open_export(self) -> ExportDialog | None:
        """The sheet for the selected model or adapter."""
        item, base = self.selected()
        if item is None or base is None:
            return None
        adapter = item if isinstance(item, AdapterSummary) else None
        name = base.name.rsplit("/", 1)[-1] + (f"-{adapter.name}" if adapter else "")
        dialog = ExportDialog(self._services, name, has_adapter=adapter is not None, parent=self)
        dialog.accepted.connect(lambda: self.presenter.export(base, adapter, dialog.format, dialog.target))
        dialog.open()
        return dialog

    def _reveal(self) -> None:
        item, _base = self.selected()
        if item is not None:
            reveal(Path(item.path))

    def _delete(self) -> None:
        item, _base = self.selected()
        if item is not None and self.presenter.may_delete(item):
            self.presenter.delete(item)

    def _context_menu(self, place: QPoint) -> None:
        item, base = self.selected()
        if item is None or base is None or not self.list.indexAt(place).isValid():
            return
        menu = QMenu(self)
        for button in (
            self.details.chat, self.details.train, self.details.quantize, self.details.merge,
            self.details.export, self.details.reveal, self.details.delete,
        ):  # fmt: skip
            if not button.isHidden():
                action = menu.addAction(button.text())
                action.setEnabled(button.isEnabled())
                action.triggered.connect(button.click)
        menu.popup(self.list.viewport().mapToGlobal(place))
