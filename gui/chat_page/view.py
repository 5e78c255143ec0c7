"""The page "Chat": layout and signals."""

from __future__ import annotations

from gui.placeholder import Placeholder
from gui.services import Page, Services


def build_page(services: Services) -> Page:
    """The page, ready to be shown."""
    return Placeholder(services, "chat", "Chat")
