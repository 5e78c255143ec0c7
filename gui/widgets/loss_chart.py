"""Curves over training steps, live: hover tells values, the wheel zooms, a double click shows all again."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import SPACE, Theme
from gui.widgets.labels import label
from gui.wording import count_text


@dataclass(frozen=True)
class Curve:
    """One line. `token` is its colour; `faint` lines lie behind; `dots` mark each point."""

    name: str
    steps: Sequence[float]
    values: Sequence[float]
    token: str = "chart_1"
    faint: bool = False
    dots: bool = False


class Smoother:
    """The exponential moving average, freed of its bias towards 0 at the start (as Adam's moments are).

    `of(values)` costs only what is new while a curve grows.
    """

    def __init__(self, weight: float = 0.9) -> None:
        self._weight = weight
        self._result: list[float] = []
        self._last = math.nan
        self._mean = self._norm = 0.0

    def of(self, values: Sequence[float]) -> list[float]:
        """The smoothed values, one for each; values that are no numbers stay gaps."""
        held = len(self._result)
        if len(values) < held or (held and values[held - 1] != self._last):
            self._result, self._mean, self._norm, held = [], 0.0, 0.0, 0
        for value in values[held:]:
            if math.isfinite(value):
                self._mean = self._weight * self._mean + (1 - self._weight) * value
                self._norm = self._weight * self._norm + (1 - self._weight)
            self._result.append(self._mean / self._norm if math.isfinite(value) else math.nan)
            self._last = value
        return self._result


def smoothed(values: Sequence[float], weight: float = 0.9) -> list[float]:
    """A whole curve, smoothed."""
    return Smoother(weight).of(values)


class _Axis(pg.AxisItem):
    """Small values as "5e-5", all alike: "0.0001" above "5e-05" is hard to read."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if spacing * scale >= 1e-3:
            return [str(text) for text in super().tickStrings(values, scale, spacing)]
        return [short_number(value * scale) for value in values]


def short_number(value: float) -> str:
    """A small number in few letters: 0.00005 is "5e-5"."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


class _Plot(pg.PlotWidget):
    reset = Signal()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset.emit()


class Chart(QWidget):
    """A titled plot. `format_value` writes values beside the title; `from_zero` keeps 0 in sight."""

    def __init__(
        self,
        theme: Theme,
        title: str,
        format_value: Callable[[float], str],
        height: int = 150,
        from_zero: bool = False,
    ) -> None:
        super().__init__()
        self._theme, self._title, self._format = theme, title, format_value
        self._from_zero = from_zero
        self._curves: list[Curve] = []
        self._items: list[pg.PlotDataItem] = []
        self.title = label(title, bold=True)
        self.title.setWordWrap(False)
        self.value = label("", "secondary", scale="small")
        self.value.setWordWrap(False)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.legend = label("", "secondary", scale="small")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.hide()
        top = QHBoxLayout()
        top.addWidget(self.title)
        top.addWidget(self.value, 1)
        self.plot = _Plot(axisItems={"left": _Axis("left")})
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=True, y=False)
        self.plot.setFrameShape(QFrame.Shape.NoFrame)
        self.plot.setFixedHeight(height + self.fontMetrics().height())
        self.plot.getPlotItem().getViewBox().setAutoVisible(y=True)
        self.plot.getPlotItem().setDownsampling(auto=True, mode="peak")
        self.plot.getPlotItem().setClipToView(True)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        self.plot.reset.connect(self.show_all)
        self.plot.setToolTip(self.tr("Wheel or pinch: zoom. Drag: move. Double click: show all."))
        self._line = pg.InfiniteLine(angle=90)
        self._line.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(top)
        layout.addWidget(self.legend)
        layout.addWidget(self.plot)
        theme.changed.connect(self._paint)
        self._paint()

    @property
    def curves(self) -> list[Curve]:
        return list(self._curves)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Show these curves; the zoom stays."""
        same = [curve.name for curve in curves] == [curve.name for curve in self._curves]
        self._curves = list(curves)
        if same and len(self._items) == len(self._curves):
            for item, curve in zip(self._items, self._curves, strict=True):
                item.setData(list(curve.steps), list(curve.values))
            self._describe()
        else:
            self._paint()

    def show_all(self) -> None:
        """Back to the whole range, and follow what comes."""
        self.plot.getPlotItem().enableAutoRange()
        self._keep_zero()

    def _keep_zero(self) -> None:
        highest = max((value for curve in self._curves for value in curve.values), default=0.0)
        if self._from_zero and highest > 0:
            self.plot.setYRange(0, 1.15 * highest, padding=0)

    def _describe(self) -> None:
        self._keep_zero()
        latest = []
        for curve in self._curves:
            if not curve.faint and len(curve.values):
                latest.append(self._format(curve.values[-1]))
        self.value.setText(" · ".join(latest) if len(latest) < 3 else "")
        named = ", ".join(
            f"{curve.name} {self._format(curve.values[-1])}" for curve in self._curves if len(curve.values)
        )
        self.setAccessibleName(f"{self._title}: {named}" if named else self._title)
        self.plot.setAccessibleName(self._title)

    def _paint(self) -> None:
        theme = self._theme
        plot = self.plot.getPlotItem()
        self.plot.clear()
        self.plot.setBackground(theme.color("card"))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.color("chart_grid"))
            axis.setTextPen(theme.color("text_secondary"))
            axis.setStyle(tickLength=-4, hideOverlappingLabels=True)
        self.plot.getAxis("left").setWidth(self.fontMetrics().horizontalAdvance("0,000.0"))
        plot.showGrid(x=False, y=True, alpha=0.25)
        self._items = []
        for curve in self._curves:
            color = theme.color(curve.token)
            if curve.faint:
                color.setAlphaF(0.35)
            symbol = {"symbol": "o", "symbolSize": 6, "symbolBrush": color, "symbolPen": None}
            self._items.append(
                self.plot.plot(
                    list(curve.steps), list(curve.values), pen=pg.mkPen(color, width=1 if curve.faint else 2),
                    connect="finite", **(symbol if curve.dots else {}),
                )
            )  # fmt: skip
        self._line.setPen(pg.mkPen(theme.color("text_secondary"), style=Qt.PenStyle.DotLine))
        self.plot.addItem(self._line, ignoreBounds=True)
        marks = [
            f'<span style="color:{theme.color(curve.token).name()}">●</span> {_escaped(curve.name)}'
            for curve in self._curves
            if not curve.faint
        ]
        self.legend.setText("&nbsp;&nbsp; ".join(marks))
        self.legend.setVisible(len(marks) > 1)
        self._describe()

    def _hover(self, place: QPointF) -> None:
        box = self.plot.getPlotItem().getViewBox()
        if not self._curves or not box.sceneBoundingRect().contains(place):
            self._line.hide()
            self._describe()
            return
        wanted = box.mapSceneToView(place).x()
        step = self._nearest(wanted)
        if step is None:
            return
        self._line.setPos(step)
        self._line.show()
        parts = [self.tr("Step {step}").format(step=count_text(round(step)))]
        for curve in self._curves:
            place_of = bisect.bisect_left(curve.steps, step)
            if place_of < len(curve.steps) and curve.steps[place_of] == step:
                value = self._format(curve.values[place_of])
                parts.append(value if len(self._curves) == 1 else f"{curve.name} {value}")
        self.value.setText(" · ".join(parts))

    def _nearest(self, wanted: float) -> float | None:
        best: float | None = None
        for curve in self._curves:
            right = bisect.bisect_left(curve.steps, wanted)
            for place in (right - 1, right):
                if 0 <= place < len(curve.steps):
                    step = float(curve.steps[place])
                    if best is None or abs(step - wanted) < abs(best - wanted):
                        best = step
        return best


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
