"""The history of chats: search, list, rename, delete, export."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QPoint, QSize, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QListView, QMenu, QVBoxLayout

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.chats import ChatLine
from gemma_mlx.library.store import atomic_write, safe_name
from gui.chat_page.chats_model import LINE_ROLE, NOTHING_ROLE, ChatsModel
from gui.chat_page.presenter import ChatPresenter
from gui.services import Services
from gui.theme import SPACE
from gui.widgets.labels import Card, label
from gui.widgets.rows import RowRoles, TwoLineDelegate
from gui.widgets.scrolling import plain_list

SETTLE = 250


class HistoryView(Card):
    """Asks the presenter; the context menu (also by keyboard) has what can be done with a chat."""

    def __init__(self, services: Services, presenter: ChatPresenter) -> None:
        super().__init__(margin=SPACE)
        self._services, self._presenter = services, presenter
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search all chats"))
        self.search.setAccessibleName(self.tr("Search all chats"))
        self.search.setClearButtonEnabled(True)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self._on_search)
        self.search.textChanged.connect(self._settle.start)
        self.model = ChatsModel()
        self.model.setParent(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setAccessibleName(self.tr("Chats"))
        self.list.setUniformItemSizes(True)
        plain_list(self.list)
        roles = RowRoles(LINE_ROLE, NOTHING_ROLE, NOTHING_ROLE, NOTHING_ROLE, Qt.TextElideMode.ElideRight)
        self.list.setItemDelegate(TwoLineDelegate(services.theme, self.list, roles))
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.menu = QMenu(self)
        self.rename = self.menu.addAction(self.tr("Rename…"), self._on_rename)
        self.export_markdown = self.menu.addAction(
            self.tr("Export as Markdown…"), lambda: self._on_export("markdown")
        )
        self.export_json = self.menu.addAction(self.tr("Export as JSON…"), lambda: self._on_export("json"))
        self.delete = self.menu.addAction(self.tr("Delete"), self._on_delete)
        self.nothing = label("", "secondary", scale="small")
        layout = QVBoxLayout()
        layout.setSpacing(SPACE)
        layout.addWidget(self.search)
        layout.addWidget(self.nothing)
        layout.addWidget(self.list, 1)
        self.body.addLayout(layout)
        self.setMinimumWidth(150)
        presenter.list_changed.connect(self._show_lines)

    def sizeHint(self) -> QSize:
        return QSize(230, 400)

    def mark_open(self) -> None:
        """Mark the chat that is open."""
        index = self.model.find(self._presenter.chat.id)
        selection = self.list.selectionModel()
        selection.blockSignals(True)
        selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        selection.blockSignals(False)
        self.list.viewport().update()

    def current(self) -> ChatLine | None:
        return self.model.line(self.list.currentIndex())

    def _show_lines(self, lines: list[ChatLine]) -> None:
        selection = self.list.selectionModel()
        selection.blockSignals(True)
        self.model.set_lines(lines)
        selection.blockSignals(False)
        searched = bool(self._presenter.searched.strip())
        self.nothing.setText(
            self.tr("No chat holds these words.") if searched else self.tr("Your chats will be kept here.")
        )
        self.nothing.setVisible(not lines)
        self.mark_open()

    def _on_search(self) -> None:
        self._presenter.search(self.search.text())

    def _on_current(self) -> None:
        line = self.current()
        if line is not None:
            self._presenter.open(line.id)

    def _show_menu(self, place: QPoint) -> None:
        if self.list.indexAt(place).isValid():
            self.menu.popup(self.list.viewport().mapToGlobal(place))

    def _on_rename(self) -> None:
        line = self.current()
        if line is None:
            return
        title, wanted = QInputDialog.getText(
            self, self.tr("Rename the Chat"), self.tr("Title:"), text=line.title
        )
        if wanted and title.strip():
            self._presenter.rename(line.id, title)

    def _on_delete(self) -> None:
        line = self.current()
        if line is not None:
            self._presenter.delete(line.id)

    def _on_export(self, kind: str) -> None:
        line = self.current()
        if line is None:
            return
        ending = ".md" if kind == "markdown" else ".json"
        path, _filter = QFileDialog.getSaveFileName(
            self, self.tr("Export the Chat"), safe_name(line.title) + ending, f"*{ending}"
        )
        if not path:
            return
        text = self._presenter.export(line.id, "markdown" if kind == "markdown" else "json")
        if not text:
            return
        try:
            atomic_write(Path(path), text.encode())
        except GemmaError as problem:
            self._presenter.tell(problem)
            return
        self._services.session.toast.emit(self.tr("{name} is written").format(name=Path(path).name))
