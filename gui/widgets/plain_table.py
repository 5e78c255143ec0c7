"""A table on a card: a million rows of one height are cheap; columns give way where room is short."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from gui.theme import SPACE


class PlainTable(QTableView):
    """`hides`: columns that disappear when the table is narrower than so many letters."""

    def __init__(self, name: str, hides: tuple[tuple[int, int], ...] = ()) -> None:
        super().__init__()
        self._hides = hides
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(30)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + SPACE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        letters = self.width() / max(1, self.fontMetrics().averageCharWidth())
        for column, least in self._hides:
            self.setColumnHidden(column, letters < least)
        super().resizeEvent(event)
