"""One message: whose it is, its text, and below it the figures and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.library.chat_tree import Turn
from gui.theme import SPACE, Theme
from gui.widgets.flow import FlowLayout
from gui.widgets.labels import LineLabel, label
from gui.widgets.markdown_view import MarkdownView
from gui.wording import count_text, number_text


class MessageView(QFrame):
    """A question stands on a surface of its own, an answer on the page's."""

    edited = Signal(int, str)
    regenerated = Signal(int)
    carried_on = Signal(int)
    stepped = Signal(int, int)

    def __init__(self, theme: Theme, turn: Turn, name: str) -> None:
        super().__init__()
        self._theme = theme
        self.turn = turn
        self._shown: str | None = None
        self.is_answer = turn.role == "assistant"
        if not self.is_answer:
            self.setProperty("role", "inset")
        self.who = label(name, "secondary", scale="small", bold=True)
        self.markdown = MarkdownView(theme)
        self.plain = label("")
        self.plain.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.editor = QPlainTextEdit()
        self.editor.setAccessibleName(self.tr("Message"))
        self.editor.setTabChangesFocus(True)
        self.editor.installEventFilter(self)
        self.accept = QPushButton(self.tr("Ask Again") if not self.is_answer else self.tr("Keep"))
        self.accept.clicked.connect(self._on_accept)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.clicked.connect(lambda: self._set_editing(False))
        editing = QHBoxLayout()
        editing.addStretch(1)
        editing.addWidget(self.cancel)
        editing.addWidget(self.accept)
        self._editing = QWidget()
        column = QVBoxLayout(self._editing)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.editor)
        column.addLayout(editing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE * 3 // 2, SPACE, SPACE * 3 // 2, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.who)
        layout.addWidget(self.markdown if self.is_answer else self.plain)
        layout.addWidget(self._editing)
        layout.addWidget(self._build_footer())
        self._editing.hide()
        theme.changed.connect(self._paint)
        self._paint()

    def refresh(self, siblings: tuple[int, int], *, busy: bool, last: bool, streaming: bool) -> None:
        """Show the turn as it is."""
        self.grow()
        place, count = siblings
        self.branch.setVisible(count > 1)
        self.place.setText(f"{place}/{count}")
        self.place.setAccessibleName(
            self.tr("Alternative {place} of {count}").format(place=place, count=count)
        )
        self.before.setEnabled(place > 1 and not busy)
        self.after.setEnabled(place < count and not busy)
        self.figures.setText(self._figures(streaming))
        self.figures.setVisible(bool(self.figures.text()))
        for button in (self.copy, self.edit, self.regenerate, self.carry_on):
            button.setEnabled(not busy or button is self.copy)
        self.regenerate.setVisible(self.is_answer and not streaming)
        self.carry_on.setVisible(self.is_answer and last and not streaming and bool(self.turn.content))
        self.edit.setVisible(not streaming)
        self.copy.setVisible(bool(self.turn.content))

    def grow(self) -> None:
        """Show the text that there is by now."""
        text = self.turn.content
        if text == self._shown:
            return
        self._shown = text
        if self.is_answer:
            self.markdown.set_text(text or "…")
        else:
            self.plain.setText(text)
        self.setAccessibleName(f"{self.who.text()}: {text}")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self._set_editing(False)
                return True
            entered = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if entered and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._on_accept()
                return True
        return super().eventFilter(watched, event)

    def _build_footer(self) -> QWidget:
        self.figures = LineLabel("secondary", scale="small")
        self.copy = self._button(self.tr("Copy this message"), self._on_copy)
        self.edit = self._button(self.tr("Edit"), lambda: self._set_editing(True))
        self.regenerate = self._button(self.tr("Answer again"), lambda: self.regenerated.emit(self.turn.id))
        self.carry_on = self._button(
            self.tr("Continue this answer"), lambda: self.carried_on.emit(self.turn.id)
        )
        self.before = self._button(
            self.tr("The alternative before"), lambda: self.stepped.emit(self.turn.id, -1)
        )
        self.after = self._button(self.tr("The next alternative"), lambda: self.stepped.emit(self.turn.id, 1))
        self.place = label("", "secondary", scale="small")
        self.place.setWordWrap(False)
        self.branch = QWidget()
        steps = QHBoxLayout(self.branch)
        steps.setContentsMargins(0, 0, 0, 0)
        steps.setSpacing(0)
        for part in (self.before, self.place, self.after):
            steps.addWidget(part)
        flow = FlowLayout(spacing=SPACE // 2)
        for widget in (self.branch, self.copy, self.edit, self.regenerate, self.carry_on, self.figures):
            flow.addWidget(widget)
        footer = QWidget()
        footer.setLayout(flow)
        return footer

    def _button(self, text: str, call: object) -> QToolButton:
        button = QToolButton()
        button.setAutoRaise(True)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.clicked.connect(call)
        return button

    def _figures(self, streaming: bool) -> str:
        """Tokens, speed and time to the first token, as the worker measured them."""
        details = self.turn.details
        if not self.is_answer or streaming:
            return ""
        parts = []
        if details.get("tokens"):
            parts.append(self.tr("{count} tokens").format(count=count_text(int(details["tokens"]))))
        if details.get("tokens_per_second"):
            speed = number_text(float(details["tokens_per_second"]), 1)
            parts.append(self.tr("{speed} tokens/s").format(speed=speed))
        if details.get("time_to_first_token") is not None:
            seconds = number_text(float(details["time_to_first_token"]), 2)
            parts.append(self.tr("first after {seconds} s").format(seconds=seconds))
        ends = {
            "cancelled": self.tr("stopped"), "length": self.tr("cut at its longest"),
            "failed": self.tr("broke off"),
        }  # fmt: skip
        if details.get("reason") in ends:
            parts.append(ends[details["reason"]])
        return " · ".join(parts)

    def _set_editing(self, on: bool) -> None:
        self._editing.setVisible(on)
        (self.markdown if self.is_answer else self.plain).setVisible(not on)
        if on:
            self.editor.setPlainText(self.turn.content)
            lines = min(12, max(3, self.turn.content.count("\n") + 2))
            self.editor.setFixedHeight(self.fontMetrics().height() * lines + 2 * SPACE)
            self.editor.setFocus()

    def _on_accept(self) -> None:
        self._set_editing(False)
        self.edited.emit(self.turn.id, self.editor.toPlainText())

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.turn.content)

    def _paint(self) -> None:
        for button, icon in (
            (self.copy, "copy"), (self.edit, "edit"), (self.regenerate, "refresh"), (self.carry_on, "play"),
            (self.before, "chevron-left"), (self.after, "chevron-right"),
        ):  # fmt: skip
            button.setIcon(self._theme.icon(icon, "text_secondary", 16))
