"""The Qt model behind the list of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
)

from gemma_mlx.library.store import RunEntry
from gui.wording import count_text, moment_text

Index = QModelIndex | QPersistentModelIndex

RUN_ROLE = Qt.ItemDataRole.UserRole + 1
LINE_ROLE = Qt.ItemDataRole.UserRole + 2
BADGE_ROLE = Qt.ItemDataRole.UserRole + 3
TONE_ROLE = Qt.ItemDataRole.UserRole + 4
ICON_ROLE = Qt.ItemDataRole.UserRole + 5

STATE_TONES = {
    "finished": "success", "failed": "danger", "interrupted": "warning", "paused": "warning",
    "running": "info", "starting": "info", "unreadable": "danger",
}  # fmt: skip


def state_text(state: str) -> str:
    """A run's state in words."""
    tr = QCoreApplication.translate
    return {
        "starting": tr("Runs", "Starting"),
        "running": tr("Runs", "Running"),
        "pausing": tr("Runs", "Pausing…"),
        "stopping": tr("Runs", "Stopping…"),
        "finished": tr("Runs", "Finished"),
        "stopped": tr("Runs", "Stopped"),
        "paused": tr("Runs", "Paused"),
        "failed": tr("Runs", "Failed"),
        "interrupted": tr("Runs", "Interrupted"),
        "unreadable": tr("Runs", "Cannot be read"),
    }.get(state, state)


def state_tone(state: str) -> str:
    """The badge's tone; "" is neutral. (A delegate has no "info".)"""
    tone = STATE_TONES.get(state, "")
    return "" if tone == "info" else tone


class RunsModel(QAbstractListModel):
    """Rows are replaced whole, but only where something changed, so that a selection lasts."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[RunEntry] = []

    def set_runs(self, runs: list[RunEntry]) -> None:
        if [run.path for run in runs] != [run.path for run in self._runs]:
            self.beginResetModel()
            self._runs = list(runs)
            self.endResetModel()
        elif runs:
            self._runs = list(runs)
            self.dataChanged.emit(self.index(0), self.index(len(runs) - 1))

    def run(self, index: Index) -> RunEntry | None:
        return self._runs[index.row()] if index.isValid() else None

    def find(self, path: Path) -> QModelIndex:
        for row, run in enumerate(self._runs):
            if run.path == path:
                return self.index(row)
        return QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._runs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        run = self.run(index)
        if run is None:
            return None
        if role == RUN_ROLE:
            return run
        if role == Qt.ItemDataRole.DisplayRole:
            return run.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(run.path)
        if role == LINE_ROLE:
            return self._line(run)
        if role == BADGE_ROLE:
            return (state_text(run.state),)
        if role == TONE_ROLE:
            return state_tone(run.state)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{run.name}, {state_text(run.state)}, {self._line(run)}"
        return None

    def _line(self, run: RunEntry) -> str:
        parts = [moment_text(run.created), Path(run.model).name]
        if run.steps and run.step < run.steps:
            text = self.tr("step {step} of {steps}")
            parts.insert(0, text.format(step=count_text(run.step), steps=count_text(run.steps)))
        return " · ".join(part for part in parts if part)
