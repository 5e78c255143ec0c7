"""The Qt model behind the table of rows. It holds no row: the presenter fetches what is looked at."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gemma_mlx.worker.results import RowPreview
from gui.datasets_page.presenter import DatasetsPresenter
from gui.theme import Theme
from gui.wording import count_text

Index = QModelIndex | QPersistentModelIndex
ROW, TEXT, TOKENS, LOSS, NOTE = range(5)
GAP = "\u2002"
"""Behind figures, which end where the next column's words begin."""


class RowsModel(QAbstractTableModel):
    """Columns: number, text, tokens, tokens that carry loss, note (cut, problem, validation)."""

    def __init__(self, presenter: DatasetsPresenter, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._theme = theme
        self._count = 0
        presenter.opened.connect(lambda _path: self.set_count(0))
        presenter.closed.connect(lambda: self.set_count(0))
        presenter.overview_changed.connect(lambda overview: self.set_count(max(overview.rows, self._count)))
        presenter.rows_changed.connect(self._on_rows)

    def set_count(self, count: int) -> None:
        """How many rows the table has. It grows while the dataset is looked through."""
        if count > self._count:
            self.beginInsertRows(QModelIndex(), self._count, count - 1)
            self._count = count
            self.endInsertRows()
        elif count < self._count:
            self.beginResetModel()
            self._count = count
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 5

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            names = (self.tr("Row"), self.tr("Text"), self.tr("Tokens"), self.tr("Learned"), self.tr("Note"))
            return names[section] + ("" if section in (TEXT, NOTE) else GAP)
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section in (TEXT, NOTE) else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column in (TEXT, NOTE) else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if role not in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ForegroundRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            return None
        if column == ROW:
            if role == Qt.ItemDataRole.ForegroundRole:
                return self._theme.color("text_secondary")
            return count_text(index.row() + 1) + GAP
        examples = self._presenter.row(index.row())
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._foreground(column, examples)
        if role == Qt.ItemDataRole.ToolTipRole and column != NOTE:
            return None
        if examples is None:
            return "…" if column == TEXT else ""
        return self._cell(column, examples)

    def _cell(self, column: int, examples: list[RowPreview]) -> str:
        if not examples:
            return ""
        if column == TEXT:
            return snippet(examples[0])
        if column in (TOKENS, LOSS):
            counts = [example.tokens if column == TOKENS else example.loss_tokens for example in examples]
            return count_text(sum(counts)) + GAP if examples[0].tokens else ""
        return self._note(examples)

    def _note(self, examples: list[RowPreview]) -> str:
        problem = next((example.problem for example in examples if example.problem), "")
        if problem:
            return problem
        notes = []
        if any(example.kept < example.tokens for example in examples):
            notes.append(self.tr("Cut"))
        if examples[0].split == "valid":
            notes.append(self.tr("Validation"))
        if len(examples) > 1:
            notes.append(self.tr("{count} examples").format(count=len(examples)))
        return ", ".join(notes)

    def _foreground(self, column: int, examples: list[RowPreview] | None) -> Any:
        if not examples:
            return self._theme.color("text_disabled") if column == TEXT else None
        if column == NOTE:
            bad = any(example.problem for example in examples)
            cut = any(example.kept < example.tokens for example in examples)
            return self._theme.color("danger" if bad else "warning" if cut else "text_secondary")
        if column == LOSS:
            return self._theme.color("loss")
        return None

    def _on_rows(self, first: int, last: int) -> None:
        self.set_count(max(self._count, last + 1))
        self.dataChanged.emit(self.index(first, 0), self.index(last, 4))


def snippet(example: RowPreview) -> str:
    """The beginning of a row's own words on one line, without the marks and the roles of turns."""
    words, after_mark = [], False
    for piece in example.pieces:
        if not piece.control:
            # Behind <start_of_turn> the role stands in a line of its own.
            words.append(piece.text.partition("\n")[2] if after_mark else piece.text)
        after_mark = piece.control and piece.text.rstrip().endswith("<start_of_turn>")
    return " ".join(" ".join(words)[:400].split())
