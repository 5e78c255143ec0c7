"""What a place shows while it is empty: what belongs here, and the button that puts it here."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.theme import SPACE, Theme
from gui.widgets.labels import heading, label


class EmptyState(QWidget):
    """An icon, a line, a sentence, and what to do next (the first action is the default one)."""

    def __init__(
        self, theme: Theme, icon: str, title: str, text: str, actions: list[tuple[str, Callable[[], object]]]
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
        self.text.setMaximumWidth(460)
        self.text.setMinimumWidth(200)
        self.buttons: list[QPushButton] = []
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addStretch(1)
        for index, (name, call) in enumerate(actions):
            button = QPushButton(name)
            button.setDefault(index == 0)
            button.clicked.connect(call)
            self.buttons.append(button)
            row.addWidget(button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setSpacing(SPACE)
        layout.setContentsMargins(SPACE * 3, SPACE * 3, SPACE * 3, SPACE * 3)
        layout.addStretch(2)
        layout.addWidget(self._icon)
        layout.addWidget(self.title)
        texts = QHBoxLayout()
        texts.addStretch(1)
        texts.addWidget(self.text, 8)
        texts.addStretch(1)
        layout.addLayout(texts)
        layout.addSpacing(SPACE)
        layout.addLayout(row)
        layout.addStretch(3)
        theme.changed.connect(self._paint)
        self._paint()

    def _paint(self) -> None:
        self._icon.setPixmap(self._theme.pixmap(self._icon_name, "text_disabled", 52))
