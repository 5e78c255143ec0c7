"""Shows markdown as it streams: prose and blocks of code one below the other, only the last one rewritten."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, QUrl, Signal
from PySide6.QtGui import (
    QDesktopServices,
    QFontMetricsF,
    QGuiApplication,
    QResizeEvent,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QSizePolicy,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.theme import SPACE, Theme
from gui.widgets.code_highlighter import CodeHighlighter
from gui.widgets.labels import label
from gui.widgets.markdown_segments import Segment, split_markdown

LINE_PERCENT = 125
_SCHEMES = ("http", "https", "mailto")


class Prose(QTextBrowser):
    """Markdown as tall as its text. It loads nothing, whatever the text names; HTML stays text."""

    _source = ""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._open)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(0)
        self.setAccessibleName(self.tr("Text"))

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Nothing: a text that a model wrote must not open files or addresses."""
        return None

    def set_markdown(self, text: str) -> None:
        """Show this text."""
        self._source = text
        features = QTextDocument.MarkdownFeature
        dialect = features.MarkdownDialectGitHub | features.MarkdownNoHTML
        self.document().setMarkdown(text, dialect)
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        spacing = QTextBlockFormat()
        spacing.setLineHeight(LINE_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.mergeBlockFormat(spacing)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """A new palette: links and code carry colours from when the text was set."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._source:
            self.set_markdown(self._source)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the conversation scrolls, not its parts

    def _fit(self) -> None:
        self.document().setTextWidth(max(40, self.viewport().width()))
        self.setFixedHeight(int(self.document().size().height()) + 2)

    def _open(self, url: QUrl) -> None:
        if url.scheme() in _SCHEMES:
            QDesktopServices.openUrl(url)


class CodeBlock(QFrame):
    """A block of code with its language and a Copy button."""

    def __init__(self, theme: Theme, language: str) -> None:
        super().__init__()
        self.setProperty("role", "inset")
        self.language = language
        self._theme = theme
        self.editor = QPlainTextEdit()
        self.editor.setReadOnly(True)
        self.editor.setFrameShape(QFrame.Shape.NoFrame)
        self.editor.viewport().setAutoFillBackground(False)
        self.editor.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.editor.setFont(theme.fixed_font())
        self.editor.setTabChangesFocus(True)
        self.editor.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.editor.document().setDocumentMargin(0)
        self.editor.setAccessibleName(self.tr("Code"))
        self.editor.installEventFilter(self)
        self._highlighter = CodeHighlighter(self.editor.document(), theme, language)
        self.copy = QToolButton()
        self.copy.setText(self.tr("Copy"))
        self.copy.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.copy.setAutoRaise(True)
        self.copy.setAccessibleName(self.tr("Copy this code"))
        self.copy.clicked.connect(self._copy)
        top = QHBoxLayout()
        top.addWidget(label(language or self.tr("code"), "secondary", scale="small"), 1)
        top.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE * 3 // 2, SPACE // 2, SPACE, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(top)
        layout.addWidget(self.editor)
        theme.changed.connect(self._paint)
        self._paint()

    def set_code(self, text: str) -> None:
        """Show this code; what is there already is not laid out again."""
        shown = self.editor.toPlainText()
        if text.startswith(shown):
            cursor = QTextCursor(self.editor.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text[len(shown) :])
        else:
            self.editor.setPlainText(text)
        self._fit()

    def text(self) -> str:
        return self.editor.toPlainText()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent) and abs(event.angleDelta().y()) > abs(event.angleDelta().x()):
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        lines = max(1, self.editor.document().blockCount())
        height = QFontMetricsF(self.editor.font()).lineSpacing() * lines + 2
        bar = self.editor.horizontalScrollBar()
        if bar.maximum() > 0:
            height += bar.sizeHint().height()
        self.editor.setFixedHeight(int(height) + 2)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
        self.copy.setText(self.tr("Copied"))

    def _paint(self) -> None:
        self.copy.setIcon(self._theme.icon("copy", "text_secondary", 14))
        self._highlighter.rehighlight()


class MarkdownView(QWidget):
    """`set_text` with a longer text costs only what its last segment costs."""

    grew = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._segments: list[Segment] = []
        self._widgets: list[Prose | CodeBlock] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE)

    @property
    def parts(self) -> list[Prose | CodeBlock]:
        """The widgets of the segments, in order."""
        return list(self._widgets)

    def set_text(self, text: str) -> int:
        """Show a text; gives how many segments were written anew."""
        wanted = split_markdown(text)
        same = 0
        while same < min(len(wanted), len(self._segments)) and wanted[same] == self._segments[same]:
            same += 1
        for number in range(same, len(wanted)):
            segment = wanted[number]
            if number < len(self._widgets) and not _fits(self._widgets[number], segment):
                self._remove_from(number)
            if number == len(self._widgets):
                made = CodeBlock(self._theme, segment.language) if segment.code else Prose()
                self._widgets.append(made)
                self._layout.addWidget(made)
            widget = self._widgets[number]
            if isinstance(widget, CodeBlock):
                widget.set_code(segment.text)
            else:
                widget.set_markdown(segment.text)
        self._remove_from(len(wanted))
        self._segments = wanted
        self.grew.emit()
        return len(wanted) - same

    def _remove_from(self, number: int) -> None:
        for widget in self._widgets[number:]:
            self._layout.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        del self._widgets[number:]


def _fits(widget: Prose | CodeBlock, segment: Segment) -> bool:
    if isinstance(widget, CodeBlock):
        return segment.code and widget.language == segment.language
    return not segment.code
