"""A layout that sets its widgets side by side and goes to a new line where the width ends."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from gui.theme import SPACE


class FlowLayout(QLayout):
    """Each line's widgets keep their size hint; with `fill` they share the line's width."""

    def __init__(self, *, spacing: int = SPACE, fill: bool = False) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._fill = fill
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), False)

    def setGeometry(self, area: QRect) -> None:
        super().setGeometry(area)
        self._place(area, True)

    def sizeHint(self) -> QSize:
        shown = self._shown()
        width = sum(item.sizeHint().width() for item in shown) + self.spacing() * max(0, len(shown) - 1)
        return QSize(width, max((item.sizeHint().height() for item in shown), default=0))

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._shown():
            size = size.expandedTo(item.minimumSize())
        return size

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not _hidden(item.widget())]

    def _place(self, area: QRect, move: bool) -> int:
        """Set the lines; gives their height."""
        lines: list[list[QLayoutItem]] = [[]]
        used = 0
        for item in self._shown():
            width = item.sizeHint().width()
            if lines[-1] and used + self.spacing() + width > area.width():
                lines.append([])
                used = 0
            used += width + (self.spacing() if lines[-1] else 0)
            lines[-1].append(item)
        top = area.top()
        for line in lines:
            height = max((_height(item, area.width()) for item in line), default=0)
            if move:
                self._place_line(line, QRect(area.left(), top, area.width(), height))
            top += height + self.spacing()
        return max(0, top - self.spacing() - area.top())

    def _place_line(self, line: list[QLayoutItem], area: QRect) -> None:
        room = area.width() - self.spacing() * (len(line) - 1)
        left = area.left()
        for number, item in enumerate(line):
            width = min(item.sizeHint().width(), area.width())
            if self._fill:
                width = room // len(line) + (1 if number < room % len(line) else 0)
            item.setGeometry(QRect(QPoint(left, area.top()), QSize(width, area.height())))
            left += width + self.spacing()


def _height(item: QLayoutItem, room: int) -> int:
    """An item's height; text that wraps grows where it is wider than the line."""
    hint = item.sizeHint()
    if item.hasHeightForWidth() and hint.width() > room:
        return item.heightForWidth(room)
    return hint.height()


def _hidden(widget: QWidget | None) -> bool:
    return widget is not None and widget.isHidden()
