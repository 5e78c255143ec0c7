"""Two panes beside each other; one above the other where the window is too narrow for its font."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from gui.theme import SPACE


class Panes(QSplitter):
    """`wide` is how many letters must fit side by side; `share` is the first pane's part of the width."""

    def __init__(self, first: QWidget, second: QWidget, *, wide: int = 72, share: float = 0.64) -> None:
        super().__init__()
        self._wide, self._share = wide, share
        self._placed = False
        self.setHandleWidth(2 * SPACE)
        self.setChildrenCollapsible(False)
        self.addWidget(first)
        self.addWidget(second)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        needed = self.fontMetrics().averageCharWidth() * self._wide
        orientation = Qt.Orientation.Horizontal if self.width() >= needed else Qt.Orientation.Vertical
        if orientation != self.orientation() or not self._placed:
            self._placed = True
            self.setOrientation(orientation)
            length = self.width() if orientation == Qt.Orientation.Horizontal else self.height()
            share = self._share if orientation == Qt.Orientation.Horizontal else 0.5
            self.setSizes([round(length * share), round(length * (1 - share))])
        super().resizeEvent(event)
