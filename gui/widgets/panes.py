"""Two panes side by side; one above the other, scrolling, where the window is too narrow for its font."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSplitter, QWidget

from gui.theme import SPACE


class Panes(QScrollArea):
    """`wide` is how many letters must fit side by side; `share` is the first pane's part of the width."""

    def __init__(self, first: QWidget, second: QWidget, *, wide: int = 72, share: float = 0.64) -> None:
        super().__init__()
        self._wide, self._share = wide, share
        self._panes = (first, second)
        self._stacked: bool | None = None
        self.splitter = QSplitter()
        self.splitter.setHandleWidth(2 * SPACE)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(first)
        self.splitter.addWidget(second)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self.splitter)
        self.viewport().setAutoFillBackground(False)
        self.splitter.setAutoFillBackground(False)

    @property
    def stacked(self) -> bool:
        """Whether one pane is above the other."""
        return bool(self._stacked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        metrics = self.fontMetrics()
        stacked = self.width() < metrics.averageCharWidth() * self._wide
        if stacked != self._stacked:
            self._stacked = stacked
            least = metrics.height() * 17 if stacked else 0
            for pane in self._panes:
                pane.setMinimumHeight(least)
            if stacked:
                self.splitter.setOrientation(Qt.Orientation.Vertical)
                self.splitter.setSizes([least, least])
            else:
                self.splitter.setOrientation(Qt.Orientation.Horizontal)
                self.splitter.setSizes(
                    [round(self.width() * part) for part in (self._share, 1 - self._share)]
                )
        super().resizeEvent(event)
