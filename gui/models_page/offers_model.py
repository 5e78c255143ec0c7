"""The Qt model behind the list of models to download; a filter narrows it without asking anybody."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gemma_mlx.worker.results import ModelOffer
from gui.wording import VERDICT_TONES, count_text, parameters_text, size_text, verdict_texts

Index = QModelIndex | QPersistentModelIndex

LINE_ROLE = Qt.ItemDataRole.UserRole + 1
BADGE_ROLE = Qt.ItemDataRole.UserRole + 2
TONE_ROLE = Qt.ItemDataRole.UserRole + 3
ICON_ROLE = Qt.ItemDataRole.UserRole + 4


class OffersModel(QAbstractListModel):
    """Shows the offers whose names hold all words of the filter."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[ModelOffer, ...] = ()
        self._shown: list[ModelOffer] = []
        self._words: list[str] = []

    def set_offers(self, offers: tuple[ModelOffer, ...]) -> None:
        self._all = offers
        self._narrow()

    def set_filter(self, text: str) -> None:
        self._words = text.lower().split()
        self._narrow()

    def offer(self, index: Index) -> ModelOffer | None:
        return self._shown[index.row()] if index.isValid() else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        offer = self.offer(index)
        if offer is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return offer.repository
        if role == LINE_ROLE:
            return self._line(offer)
        if role == BADGE_ROLE:
            if offer.verdict == "unknown":
                return ()
            return verdict_texts(offer.verdict, offer.memory_bytes, offer.allowed_bytes)
        if role == TONE_ROLE:
            return VERDICT_TONES[offer.verdict]
        if role == ICON_ROLE:
            return "models"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            badges = self.data(index, BADGE_ROLE)
            return ", ".join((offer.repository, self._line(offer), *badges[:1]))
        return None

    def _line(self, offer: ModelOffer) -> str:
        parts = [offer.generation]
        if offer.parameters:
            parts.append(parameters_text(offer.parameters))
            parts.append(self.tr("{bits} bit").format(bits=offer.bits))
            parts.append(size_text(offer.size_bytes))
            if not offer.chat:
                parts.append(self.tr("not for chats"))
        if offer.downloads:
            parts.append(self.tr("{count} downloads").format(count=count_text(offer.downloads)))
        if offer.gated:
            parts.append(self.tr("licence to accept"))
        return " · ".join(part for part in parts if part)

    def _narrow(self) -> None:
        self.beginResetModel()
        self._shown = [
            offer for offer in self._all if all(word in offer.repository.lower() for word in self._words)
        ]
        self.endResetModel()
