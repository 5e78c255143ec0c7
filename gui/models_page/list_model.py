"""The Qt model behind the list of models: models at the top level, adapters as children of their base."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gemma_mlx.worker.results import AdapterSummary, ModelSummary
from gui.wording import VERDICT_TONES, model_line, size_text, verdict_texts

Index = QModelIndex | QPersistentModelIndex

ITEM_ROLE = Qt.ItemDataRole.UserRole + 1
"""ModelSummary or AdapterSummary."""
LINE_ROLE = Qt.ItemDataRole.UserRole + 2
BADGE_ROLE = Qt.ItemDataRole.UserRole + 3
TONE_ROLE = Qt.ItemDataRole.UserRole + 4
ICON_ROLE = Qt.ItemDataRole.UserRole + 5


class ModelListModel(QAbstractItemModel):
    """Rows are replaced whole; an index's internal id is 0 for a model, else 1 + its model's row."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._models: tuple[ModelSummary, ...] = ()

    def set_models(self, models: tuple[ModelSummary, ...]) -> None:
        self.beginResetModel()
        self._models = models
        self.endResetModel()

    def item(self, index: Index) -> ModelSummary | AdapterSummary | None:
        """What stands in a row."""
        if not index.isValid():
            return None
        if index.internalId() == 0:
            return self._models[index.row()]
        return self._models[index.internalId() - 1].adapters[index.row()]

    def base_of(self, index: Index) -> ModelSummary | None:
        """The model of a row: itself, or an adapter's base."""
        item = self.item(index)
        if isinstance(item, AdapterSummary):
            return self._models[index.internalId() - 1]
        return item

    def find(self, path: str) -> QModelIndex:
        """The row of a model or adapter by its path; invalid where there is none."""
        for row, model in enumerate(self._models):
            if model.path == path:
                return self.index(row, 0)
            for child, adapter in enumerate(model.adapters):
                if adapter.path == path:
                    return self.index(child, 0, self.index(row, 0))
        return QModelIndex()

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        if not index.isValid() or index.internalId() == 0:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._models)
        return len(self._models[parent.row()].adapters) if parent.internalId() == 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.item(index)
        if item is None:
            return None
        if role == ITEM_ROLE:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return item.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return item.path
        if isinstance(item, AdapterSummary):
            return self._adapter_data(item, role)
        return self._model_data(item, role)

    def _model_data(self, model: ModelSummary, role: int) -> Any:
        if role == LINE_ROLE:
            return model.problem or model_line(model)
        if role == BADGE_ROLE:
            if model.problem:
                return (self.tr("Cannot be used"),)
            return verdict_texts(model.verdict, model.memory_bytes, model.allowed_bytes)
        if role == TONE_ROLE:
            return "danger" if model.problem else VERDICT_TONES[model.verdict]
        if role == ICON_ROLE:
            return "warning" if model.problem else "models"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            badges = self._model_data(model, BADGE_ROLE)
            return ", ".join((model.name, self._model_data(model, LINE_ROLE), *badges[:1]))
        return None

    def _adapter_data(self, adapter: AdapterSummary, role: int) -> Any:
        if role == LINE_ROLE:
            rank = self.tr("Adapter, rank {rank}").format(rank=adapter.rank) if adapter.rank else ""
            return " · ".join(
                part for part in (rank or self.tr("Adapter"), size_text(adapter.size_bytes)) if part
            )
        if role == ICON_ROLE:
            return "adapter"
        if role == BADGE_ROLE:
            return ()
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{adapter.name}, {self._adapter_data(adapter, LINE_ROLE)}"
        return None
