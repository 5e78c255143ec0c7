"""Labels and frames by role, so that pages agree on type sizes, colours and distances."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import SPACE

SCALES = {"title": 1.55, "heading": 1.15, "body": 1.0, "small": 0.88}
"""Type sizes as multiples of the system's font, so that a user's large font stays large everywhere."""


def sized(widget: QWidget, scale: str, *, bold: bool = False) -> None:
    """Give a widget one of the four type sizes."""
    font = QFont(widget.font())
    font.setPointSizeF(font.pointSizeF() * SCALES[scale])
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    widget.setFont(font)


def label(text: str = "", role: str = "", *, scale: str = "body", bold: bool = False) -> QLabel:
    """A label of a role of the style sheet ("secondary", "error", "badge", ...); long text wraps."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    if role != "badge":
        made.setWordWrap(True)
    if scale != "body" or bold:
        sized(made, scale, bold=bold)
    return made


def page_title(text: str) -> QLabel:
    """The heading of a page."""
    return label(text, "title", scale="title", bold=True)


def heading(text: str) -> QLabel:
    """The heading of a card or section."""
    return label(text, scale="heading", bold=True)


def set_role(widget: QWidget, name: str, value: str) -> None:
    """Change a dynamic property that the style sheet looks at, and have the look follow."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def divider() -> QFrame:
    """A hairline between parts."""
    line = QFrame()
    line.setProperty("role", "divider")
    line.setFixedHeight(1)
    return line


def fit_height(dialog: QDialog) -> None:
    """Make a dialog as tall as its wrapped texts need, once the layout knows their widths."""

    def fit() -> None:
        layout = dialog.layout()
        if layout is not None:
            layout.activate()
            dialog.resize(dialog.width(), max(dialog.height(), layout.totalHeightForWidth(dialog.width())))

    QTimer.singleShot(0, dialog, fit)


class Card(QFrame):
    """A rounded surface with an optional heading; add to `body` (or to `header`, beside the heading)."""

    def __init__(self, title: str = "", *, role: str = "card", margin: int = 2 * SPACE) -> None:
        super().__init__()
        self.setProperty("role", role)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(margin, margin, margin, margin)
        outer.setSpacing(SPACE + SPACE // 2)
        self.header = QHBoxLayout()
        self.header.setSpacing(SPACE)
        if title:
            self.header.addWidget(heading(title), 1)
            self.setAccessibleName(title)
            outer.addLayout(self.header)
        self.body = QVBoxLayout()
        self.body.setSpacing(SPACE)
        outer.addLayout(self.body, 1)


class LineLabel(QLabel):
    """One line where there is room for it, several where there is not: text for a FlowLayout."""

    def __init__(self, role: str = "", *, scale: str = "body") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        if role:
            self.setProperty("role", role)
        sized(self, scale)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 2, metrics.height())

    def minimumSizeHint(self) -> QSize:
        widest = max(map(self.fontMetrics().horizontalAdvance, self.text().split()), default=0)
        return QSize(widest, self.fontMetrics().height())


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis where it does not fit; the whole text is its tool tip."""

    def __init__(
        self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        super().__init__()
        self._whole = text
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)
        self.set_whole(text)

    def set_whole(self, text: str) -> None:
        """The text to show."""
        self._whole = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(3 * self.fontMetrics().averageCharWidth(), super().minimumSizeHint().height())

    def whole(self) -> str:
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setText(QFontMetrics(self.font()).elidedText(self._whole, self._mode, max(0, self.width())))
