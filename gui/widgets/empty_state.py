"""What a place shows while it is empty: what belongs here, and the button that puts it here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gui.theme import SPACE, Theme
from gui.widgets.flow import FlowLayout
from gui.widgets.labels import heading, label

ICON = 52
"""Pixels of the picture above the words."""


class EmptyState(QWidget):
    """An icon, a line, a sentence, and what to do next (the first action is the default one)."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        text: str,
        actions: Sequence[tuple[str, Callable[[], object]]],
    ) -> None:
        super().__init__()
        self._theme = theme
        self._icon_name = icon
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.title = heading(title)
        self.title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.text = label(text, "secondary")
        self.text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.buttons: list[QPushButton] = []
        row = FlowLayout()
        for index, (name, call) in enumerate(actions):
            button = QPushButton(name)
            button.setDefault(index == 0)
            button.clicked.connect(call)
            self.buttons.append(button)
            row.addWidget(button)
        self._row = QWidget()
        self._row.setLayout(row)
        layout = QVBoxLayout(self)
        layout.setSpacing(SPACE)
        layout.setContentsMargins(SPACE * 3, SPACE * 3, SPACE * 3, SPACE * 3)
        layout.addStretch(2)
        layout.addWidget(self._icon)
        layout.addWidget(self.title)
        layout.addWidget(self.text, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SPACE)
        layout.addWidget(self._row, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        theme.changed.connect(self._paint)
        self._paint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines of some 45 letters, and as tall as they then are: a centred label would be cut otherwise."""
        super().resizeEvent(event)
        room = self.width() - 6 * SPACE
        width = min(room, self.fontMetrics().averageCharWidth() * 62)
        self.text.setFixedSize(width, self.text.heightForWidth(width))
        buttons = min(room, self._row.sizeHint().width())
        self._row.setFixedSize(buttons, self._row.heightForWidth(buttons))
        # Where room is short (a large font in a small window) the words go before the picture.
        words = self.title.heightForWidth(room) + self.text.height() + self._row.height() + 4 * SPACE
        layout = self.layout()
        margin = 3 * SPACE if self.height() > words + 6 * SPACE else 0
        if layout is not None:
            layout.setContentsMargins(3 * SPACE, margin, 3 * SPACE, margin)
        self._icon.setVisible(self.height() > words + 2 * margin + ICON)

    def _paint(self) -> None:
        self._icon.setPixmap(self._theme.pixmap(self._icon_name, "text_disabled", ICON))
