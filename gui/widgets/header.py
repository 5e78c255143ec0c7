"""The top of a page: title and subtitle, and the page's buttons beside them, or below where room is short."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from gui.theme import SPACE
from gui.widgets.flow import FlowLayout
from gui.widgets.labels import ElidedLabel, page_title


class PageHeader(QWidget):
    """`add(button)` puts a button at the right; `subtitle` is one line that ends in an ellipsis."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        super().__init__()
        self.title = page_title(title)
        self.title.setWordWrap(False)
        self.subtitle = ElidedLabel(subtitle, "secondary", Qt.TextElideMode.ElideMiddle)
        titles = QVBoxLayout()
        titles.setSpacing(2)
        titles.addWidget(self.title)
        titles.addWidget(self.subtitle)
        self._buttons = QWidget()
        self._flow = FlowLayout()
        self._buttons.setLayout(self._flow)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(2 * SPACE)
        self._box.addLayout(titles, 1)
        self._box.addWidget(self._buttons, 0, Qt.AlignmentFlag.AlignTop)

    def add(self, button: QWidget) -> None:
        """Append a button."""
        self._flow.addWidget(button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        buttons = self._flow.sizeHint().width()
        below = self.title.sizeHint().width() + buttons + 3 * SPACE > self.width()
        direction = QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight
        width = min(buttons, self.width())
        self._buttons.setFixedSize(width, self._flow.heightForWidth(width))
        if direction != self._box.direction():
            self._box.setDirection(direction)

    def refit(self) -> None:
        """After a button was shown or hidden."""
        self.resizeEvent(QResizeEvent(self.size(), self.size()))
