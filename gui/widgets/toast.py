"""A short message over the window that goes away by itself, with an Undo where something was taken away."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from gui.theme import SPACE
from gui.widgets.labels import label

SHORT, LONG = 4_000, 10_000


class Toast(QFrame):
    """One at a time: a new message replaces the old one."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setProperty("role", "toast")
        self._text = label("")
        self._text.setWordWrap(False)
        self._button = QPushButton()
        self._button.hide()
        self._call: Callable[[], object] | None = None
        self._button.clicked.connect(self._act)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE * 2, SPACE, SPACE * 2, SPACE)
        layout.setSpacing(SPACE * 2)
        layout.addWidget(self._text)
        layout.addWidget(self._button)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        window.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    @property
    def button(self) -> QPushButton:
        return self._button

    def say(self, text: str, action: str = "", call: Callable[[], object] | None = None) -> None:
        """Show a message for some seconds; longer where it offers an action."""
        self._text.setText(text)
        self.setAccessibleName(text)
        self._call = call
        self._button.setText(action)
        self._button.setVisible(bool(action))
        self.show()
        self.raise_()
        self._place()
        self._timer.start(LONG if action else SHORT)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _act(self) -> None:
        self.hide()
        if self._call is not None:
            self._call()

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        self._text.setWordWrap(False)
        width = min(self.sizeHint().width(), parent.width() - 4 * SPACE)
        if width < self.sizeHint().width():
            self._text.setWordWrap(True)
        layout = self.layout()
        height = layout.heightForWidth(width) if layout is not None and layout.hasHeightForWidth() else 0
        self.resize(width, max(height, self.sizeHint().height()))
        self.move((parent.width() - width) // 2, parent.height() - self.height() - 3 * SPACE)
