"""The list of pages at the left: rounded selection, icons that follow the theme, arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
)

from gui.theme import SPACE, Theme
from gui.widgets.scrolling import plain_list

KEY_ROLE = Qt.ItemDataRole.UserRole + 1
ICON_ROLE = Qt.ItemDataRole.UserRole + 2
BADGE_ROLE = Qt.ItemDataRole.UserRole + 3


def icon_size(metrics: QFontMetrics) -> int:
    """Icons grow with the text beside them: 20 points beside the usual font."""
    return max(20, round(metrics.height() * 1.15))


class NavigationDelegate(QStyledItemDelegate):
    """Draws an entry: icon, name, and a small text at the right (such as the percent of a run)."""

    def __init__(self, theme: Theme, view: QListView) -> None:
        super().__init__(view)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, max(32, option.fontMetrics.height() + 2 * SPACE))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme = self._theme
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        area = option.rect.adjusted(SPACE, 1, -SPACE, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if selected or hovered:
            painter.setBrush(theme.color("selection" if selected else "hover"))
            painter.drawRoundedRect(QRectF(area), 6, 6)
        if focused and selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.color("accent"))
            painter.drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        size = icon_size(option.fontMetrics)
        icon = theme.icon(index.data(ICON_ROLE), "accent" if selected else "text_secondary", size)
        icon.paint(painter, area.left() + SPACE, area.center().y() - size // 2 + 1, size, size)
        painter.setPen(theme.color("text"))
        painter.setFont(option.font)
        badge = index.data(BADGE_ROLE) or ""
        badge_width = option.fontMetrics.horizontalAdvance(badge) + SPACE if badge else 0
        text_area = area.adjusted(SPACE * 2 + size, 0, -SPACE - badge_width, 0)
        name = option.fontMetrics.elidedText(
            index.data(Qt.ItemDataRole.DisplayRole), Qt.TextElideMode.ElideRight, text_area.width()
        )
        painter.drawText(text_area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        if badge:
            painter.setPen(theme.color("text_secondary"))
            painter.drawText(
                area.adjusted(0, 0, -SPACE, 0),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, badge,
            )  # fmt: skip
        painter.restore()


class Sidebar(QFrame):
    """Shows the pages and says which one was chosen."""

    chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "sidebar")
        self._model = QStandardItemModel(self)
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(NavigationDelegate(theme, self.list))
        plain_list(self.list)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setAccessibleName(self.tr("Pages"))
        selection = self.list.selectionModel()
        selection.currentChanged.connect(lambda now, _before: self.chosen.emit(now.data(KEY_ROLE)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE * 3 // 2, 0, SPACE)
        layout.addWidget(self.list)
        theme.changed.connect(self.list.viewport().update)

    def add(self, key: str, name: str, icon: str) -> None:
        """Append a page."""
        item = QStandardItem(name)
        item.setData(key, KEY_ROLE)
        item.setData(icon, ICON_ROLE)
        item.setData(name, Qt.ItemDataRole.AccessibleTextRole)
        self._model.appendRow(item)
        metrics = self.list.fontMetrics()
        names = [self._model.index(row, 0).data() for row in range(self._model.rowCount())]
        widest = max(metrics.horizontalAdvance(text) for text in names)
        self.setFixedWidth(min(360, max(176, widest + icon_size(metrics) + 7 * SPACE)))

    def select(self, key: str) -> None:
        """Choose a page without the mouse."""
        for row in range(self._model.rowCount()):
            if self._model.index(row, 0).data(KEY_ROLE) == key:
                self.list.setCurrentIndex(self._model.index(row, 0))

    def set_badge(self, key: str, text: str) -> None:
        """The small text at the right of a page's name."""
        for row in range(self._model.rowCount()):
            if self._model.index(row, 0).data(KEY_ROLE) == key:
                self._model.setData(self._model.index(row, 0), text, BADGE_ROLE)
