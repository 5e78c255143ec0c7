"""A message inside a page that stays until it is dealt with: what, where, how to mend it, what was kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from gui.theme import SPACE, Theme
from gui.widgets.flow import FlowLayout
from gui.widgets.labels import label, set_role
from gui.worker_client import Failure

Tone = Literal["error", "warning", "info", "success"]
_LOOK = {
    "error": ("error", "danger"),
    "warning": ("warning", "warning"),
    "info": ("info", "accent"),
    "success": ("check", "success"),
}


class Banner(QFrame):
    """Hidden until something is shown in it. Screen readers hear its whole text."""

    dismissed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._tone: Tone = "info"
        self.setProperty("role", "banner")
        self.setProperty("tone", "info")
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._icon.setFixedWidth(20)
        self.title = label("", bold=True)
        self.details = label("", "secondary")
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._actions = FlowLayout()
        self._buttons = QWidget()
        self._buttons.setLayout(self._actions)
        self._close = QToolButton()
        self._close.setAutoRaise(True)
        self._close.setAccessibleName(self.tr("Dismiss this message"))
        self._close.setToolTip(self.tr("Dismiss"))
        self._close.clicked.connect(self.clear)
        texts = QVBoxLayout()
        texts.setSpacing(SPACE // 2)
        texts.addWidget(self.title)
        texts.addWidget(self.details)
        texts.addWidget(self._buttons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE * 3 // 2, SPACE * 5 // 4, SPACE, SPACE * 5 // 4)
        layout.setSpacing(SPACE * 3 // 2)
        layout.addWidget(self._icon)
        layout.addLayout(texts, 1)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self._paint)
        self.hide()

    def show_failure(
        self,
        failure: Failure,
        actions: Sequence[tuple[str, Callable[[], object]]] | None = None,
        *,
        closable: bool = True,
    ) -> None:
        """An error in the house's four parts."""
        parts = [failure.where] if failure.where else []
        if failure.fix:
            parts.append(self.tr("To mend it: {fix}").format(fix=failure.fix))
        if failure.kept:
            parts.append(self.tr("Kept: {kept}").format(kept=failure.kept))
        self.show_message("error", failure.what, "\n".join(parts), actions, closable=closable)

    def show_message(
        self, tone: Tone, title: str, details: str = "",
        actions: Sequence[tuple[str, Callable[[], object]]] | None = None, *, closable: bool = True,
    ) -> None:  # fmt: skip
        """Any message, with buttons below it."""
        self._tone = tone
        self.title.setText(title)
        self.details.setText(details)
        self.details.setVisible(bool(details))
        self._close.setVisible(closable)
        self.setAccessibleName(f"{title} {details}")
        while (item := self._actions.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for text, call in actions or []:
            button = QPushButton(text)
            button.clicked.connect(call)
            self._actions.addWidget(button)
        self._buttons.setVisible(bool(actions))
        set_role(self, "tone", tone)
        self._paint()
        self.show()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def clear(self) -> None:
        """Take the message away."""
        if not self.isHidden():
            self.hide()
            self.dismissed.emit()

    def buttons(self) -> list[QPushButton]:
        """The action buttons, in order."""
        widgets: list[QWidget | None] = []
        for index in range(self._actions.count()):
            item = self._actions.itemAt(index)
            widgets.append(item.widget() if item is not None else None)
        return [widget for widget in widgets if isinstance(widget, QPushButton)]

    def _fit(self) -> None:
        """As tall as the wrapped text: the page below gives way, not the message."""
        layout = self.layout()
        if layout is not None:
            self.setMinimumHeight(layout.heightForWidth(self.width()))

    def _paint(self) -> None:
        icon, token = _LOOK[self._tone]
        self._icon.setPixmap(self._theme.pixmap(icon, token, 20))
        self._close.setIcon(self._theme.icon("close", "text_secondary", 16))
