"""The Qt model behind the list of chats."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from gemma_mlx.library.chats import ChatLine
from gui.wording import moment_text

Index = QModelIndex | QPersistentModelIndex

LINE_ROLE = Qt.ItemDataRole.UserRole + 1
NOTHING_ROLE = Qt.ItemDataRole.UserRole + 2


class ChatsModel(QAbstractListModel):
    """Rows are replaced whole, but only where something changed."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[ChatLine] = []

    def set_lines(self, lines: list[ChatLine]) -> None:
        if [line.id for line in lines] != [line.id for line in self._lines]:
            self.beginResetModel()
            self._lines = list(lines)
            self.endResetModel()
        elif lines:
            self._lines = list(lines)
            self.dataChanged.emit(self.index(0), self.index(len(lines) - 1))

    def line(self, index: Index) -> ChatLine | None:
        return self._lines[index.row()] if index.isValid() else None

    def find(self, identifier: int) -> QModelIndex:
        for row, line in enumerate(self._lines):
            if line.id == identifier:
                return self.index(row)
        return QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.line(index)
        if line is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return line.title
        if role == LINE_ROLE:
            return line.excerpt or moment_text(line.updated)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{line.title}, {line.excerpt or moment_text(line.updated)}"
        return None
