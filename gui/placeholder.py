"""A page that is not built yet. (Goes when the last page is there.)"""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout

from gui.services import Page, Services
from gui.widgets.empty_state import EmptyState


class Placeholder(Page):
    """Says that something will be here."""

    def __init__(self, services: Services, icon: str, name: str) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.addWidget(EmptyState(services.theme, icon, name, "This page is being built.", []))
