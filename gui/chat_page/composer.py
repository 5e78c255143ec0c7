"""Where a message is typed, with Send and Stop beside it and the use of the context below."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QProgressBar, QPushButton, QVBoxLayout

from gui.theme import SPACE, Theme
from gui.widgets.labels import Card, label
from gui.wording import count_text

LINES = (2, 7)


class Composer(Card):
    """`sent` carries the text; the view clears it once it was taken."""

    sent = Signal(str)
    stopped = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(margin=SPACE + SPACE // 2)
        self._theme = theme
        self.editor = QPlainTextEdit()
        self.editor.setAccessibleName(self.tr("Your message"))
        self.editor.setPlaceholderText(
            self.tr("Ask something. Return sends, Shift-Return begins a new line.")
        )
        self.editor.setTabChangesFocus(True)
        self.editor.installEventFilter(self)
        self.editor.textChanged.connect(self._fit)
        self.send = QPushButton(self.tr("Send"))
        self.send.setDefault(True)
        self.send.clicked.connect(self._on_send)
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(self.tr("End the answer and keep what was said (Ctrl+.)"))
        self.stop.clicked.connect(self.stopped)
        self.context = QProgressBar()
        self.context.setTextVisible(False)
        self.context.setMaximumHeight(6)
        self.context.setFixedWidth(120)
        self.context.setAccessibleName(self.tr("Use of the context"))
        self.context_text = label("", "secondary", scale="small")
        self.context_text.setWordWrap(False)
        buttons = QVBoxLayout()
        buttons.setSpacing(SPACE // 2)
        buttons.addWidget(self.send)
        buttons.addWidget(self.stop)
        buttons.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self.editor, 1)
        row.addLayout(buttons)
        use = QHBoxLayout()
        use.setSpacing(SPACE)
        use.addWidget(self.context)
        use.addWidget(self.context_text)
        use.addStretch(1)
        self.body.addLayout(row)
        self.body.addLayout(use)
        self._fit()
        self.show_context(0, 0)

    def show_state(self, *, busy: bool, may_send: bool) -> None:
        """Stop is always there; it can be pressed while an answer is under way."""
        self.stop.setEnabled(busy)
        self.send.setEnabled(may_send)

    def show_context(self, used: int, whole: int) -> None:
        """Tokens in use of how many; 0: not known yet."""
        self.context.setVisible(whole > 0)
        self.context.setRange(0, max(1, whole))
        self.context.setValue(min(used, whole))
        text = self.tr("{used} of {whole} tokens").format(used=count_text(used), whole=count_text(whole))
        self.context_text.setText(text if whole else "")
        self.context.setAccessibleDescription(text)
        if whole and used > 0.9 * whole:
            self.context_text.setText(text + " · " + self.tr("nearly full: begin a new chat"))

    def clear(self) -> None:
        self.editor.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            entered = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if entered and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._on_send()
                return True
        return super().eventFilter(watched, event)

    def _on_send(self) -> None:
        if self.send.isEnabled():
            self.sent.emit(self.editor.toPlainText())

    def _fit(self) -> None:
        lines = min(max(self.editor.document().lineCount(), LINES[0]), LINES[1])
        self.editor.setFixedHeight(self.editor.fontMetrics().lineSpacing() * lines + 2 * SPACE)
