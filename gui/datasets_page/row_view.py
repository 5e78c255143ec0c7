"""One row as the model will see it: learned text on green, control tokens violet, what is cut struck out."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QLabel, QTextEdit, QVBoxLayout, QWidget

from gemma_mlx.worker.results import Piece, RowPreview
from gui.theme import SPACE, Theme
from gui.widgets.flow import FlowLayout
from gui.widgets.labels import label
from gui.wording import count_text

LINE_END = "\n"


class RowView(QWidget):
    """The row's examples below each other, with a legend. Text only: nothing in it is interpreted."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._examples: list[RowPreview] = []
        self.figures = label("", "secondary", scale="small")
        self.text = QTextEdit()
        self.text.setReadOnly(True)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.viewport().setAutoFillBackground(False)
        self.text.setAccessibleName(self.tr("The row as the model sees it"))
        self._legend = [
            (label(self.tr("learned"), scale="small"), "loss", "loss_soft"),
            (label(self.tr("read only"), scale="small"), "text", ""),
            (label(self.tr("control token"), scale="small"), "control", ""),
            (label(self.tr("cut off"), scale="small"), "text_secondary", ""),
        ]
        top = FlowLayout(spacing=2 * SPACE)
        for name, _color, _ground in self._legend:
            name.setWordWrap(False)
            top.addWidget(name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addLayout(top)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.figures)
        theme.changed.connect(self._paint)
        self._paint()

    def show_row(self, examples: list[RowPreview] | None) -> None:
        """Show a row; None while it is on its way."""
        self._examples = examples or []
        self._paint()

    def _paint(self) -> None:
        self._paint_legend()
        self.text.clear()
        self.text.setFont(self._theme.fixed_font())
        cursor = self.text.textCursor()
        for number, example in enumerate(self._examples):
            if number:
                cursor.insertText(LINE_END * 2, self._format())
            if example.part:
                cursor.insertText(example.part + LINE_END, self._format("text_secondary", bold=True))
            if example.problem:
                cursor.insertText(example.problem + LINE_END, self._format("danger", bold=True))
            for piece in example.pieces:
                cursor.insertText(piece.text, self._piece_format(piece))
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
        self.figures.setText(self._figures())

    def _piece_format(self, piece: Piece) -> QTextCharFormat:
        if piece.cut:
            made = self._format("text_secondary")
            made.setFontStrikeOut(True)
            return made
        return self._format(
            "control" if piece.control else "loss" if piece.loss else "text", ground=piece.loss
        )

    def _format(self, token: str = "text", *, bold: bool = False, ground: bool = False) -> QTextCharFormat:
        made = QTextCharFormat()
        made.setForeground(self._theme.color(token))
        if ground:
            made.setBackground(self._theme.color("loss_soft"))
        if bold:
            made.setFontWeight(600)
        return made

    def _paint_legend(self) -> None:
        for name, color, ground in self._legend:
            _tint(name, self._theme.color(color), self._theme.color(ground) if ground else None)
        cut = self._legend[3][0]
        font = cut.font()
        font.setStrikeOut(True)
        cut.setFont(font)

    def _figures(self) -> str:
        if not self._examples or not self._examples[0].tokens:
            return ""
        tokens = sum(example.tokens for example in self._examples)
        kept = sum(example.kept for example in self._examples)
        learned = sum(example.loss_tokens for example in self._examples)
        text = self.tr("{tokens} tokens, {learned} of them learned").format(
            tokens=count_text(tokens), learned=count_text(learned)
        )
        if kept < tokens:
            cut = self.tr("{count} cut off at the longest row").format(count=count_text(tokens - kept))
            text = f"{text} · {cut}"
        return text


def _tint(name: QLabel, color: QColor, ground: QColor | None) -> None:
    palette = name.palette()
    palette.setColor(name.foregroundRole(), color)
    palette.setColor(name.backgroundRole(), ground or QColor(Qt.GlobalColor.transparent))
    name.setPalette(palette)
    name.setAutoFillBackground(ground is not None)
