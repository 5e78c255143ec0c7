"""A histogram of lengths with a line where rows are cut, drawn by pyqtgraph in the theme's colours."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gemma_mlx.worker.results import LengthStatistics
from gui.theme import Theme
from gui.wording import count_text


class LengthHistogram(QWidget):
    """Bars of counts by length; the bin below the pointer is told in a tool tip."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lengths = LengthStatistics()
        self._limit = 0
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setFixedHeight(150 + self.fontMetrics().height() * 2)
        self.plot.setFrameShape(QFrame.Shape.NoFrame)
        self.plot.getPlotItem().getViewBox().setDefaultPadding(0.02)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        theme.changed.connect(self._paint)
        self._paint()

    def show_lengths(self, lengths: LengthStatistics, limit: int) -> None:
        """Show counts by length in tokens; `limit` is the longest row that is not cut."""
        self._lengths, self._limit = lengths, limit
        text = self.tr("Lengths of {count} examples, median {median}, longest {longest} tokens")
        self.setAccessibleName(
            text.format(
                count=count_text(lengths.count),
                median=count_text(lengths.median),
                longest=count_text(lengths.maximum),
            )
        )
        self._paint()

    def _paint(self) -> None:
        theme, lengths = self._theme, self._lengths
        self.plot.clear()
        self.plot.setBackground(theme.color("card"))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.color("chart_grid"))
            axis.setTextPen(theme.color("text_secondary"))
            axis.setStyle(tickLength=-4, hideOverlappingLabels=True)
        self.plot.setLabel("bottom", self.tr("tokens"), color=theme.tokens.text_secondary)
        if not lengths.counts:
            return
        left = list(lengths.edges[:-1])
        width = [right - start for start, right in zip(left, lengths.edges[1:], strict=True)]
        bars = pg.BarGraphItem(
            x0=left, width=[size * 0.92 for size in width], height=list(lengths.counts),
            brush=theme.color("chart_1"), pen=pg.mkPen(None),
        )  # fmt: skip
        self.plot.addItem(bars)
        if self._limit and self._limit < lengths.edges[-1] * 1.5:
            pen = pg.mkPen(theme.color("chart_2"), width=1.5, style=Qt.PenStyle.DashLine)
            self.plot.addItem(pg.InfiniteLine(pos=self._limit, pen=pen))
        right = max(lengths.edges[-1], self._limit if self._limit < lengths.edges[-1] * 1.5 else 0)
        self.plot.setXRange(0, right, padding=0.02)
        self.plot.setYRange(0, max(lengths.counts) * 1.05, padding=0)

    def _hover(self, place: QPointF) -> None:
        point = self.plot.getPlotItem().getViewBox().mapSceneToView(place)
        edges, counts = self._lengths.edges, self._lengths.counts
        for number, count in enumerate(counts):
            if edges[number] <= point.x() < edges[number + 1]:
                text = self.tr("{count} with {first} to {last} tokens")
                self.plot.setToolTip(
                    text.format(count=count_text(count), first=edges[number], last=edges[number + 1] - 1)
                )
                return
        self.plot.setToolTip("")
