"""What pages are given instead of globals: workers, look, state that lasts, and a way to tell other pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QWidget

from gui.library import Library
from gui.theme import Theme
from gui.worker_client import WorkerClient


class Session(QObject):
    """What one page tells the others. A page sends; the page concerned listens; the window changes pages.

    Send `page_requested` first: a page is built when it first comes to the front, and hears nothing before.
    """

    page_requested = Signal(str)
    """A page's key ("models", "datasets", "finetune", "chat") that should come to the front."""
    models_changed = Signal()
    """Models or adapters came, went or changed on disk: the library lists again."""
    train_with = Signal(str, object)
    """model path ("" : keep), DataSettings or None (keep): fill them in on the fine-tune page."""
    chat_with = Signal(str, str)
    """model path, adapter path (""): load them on the chat page."""
    open_dataset = Signal(str)
    """path: open it on the datasets page."""
    toast = Signal(str)
    """A short message that goes away by itself."""
    undo_offered = Signal(str, object)
    """A short message with an Undo button: text, and the function that undoes."""
    notify = Signal(str, str)
    """title, text: tell the user even if the window is not in front (a run ended)."""
    badge = Signal(int)
    """Percent of a run, on the dock icon and in the sidebar; -1 removes it."""


@dataclass(frozen=True)
class Services:
    """Built once in app.py and handed to every page."""

    workers: WorkerClient
    library: Library
    theme: Theme
    session: Session
    state: QSettings
    data_root: Path


class Page(QWidget):
    """The root of the four pages' views. The window calls these; the defaults do nothing."""

    def shown(self) -> None:
        """The page came to the front."""

    def new(self) -> None:
        """⌘N: begin something new (a chat, a run, open a dataset, import a model)."""

    def stop(self) -> None:
        """⌘.: stop what is going on, keeping what there is."""

    def running(self) -> str:
        """What would be cut off by quitting, in words; empty when nothing would."""
        return ""


@dataclass(frozen=True)
class PageSpec:
    """One entry of the sidebar. `label` is translated when the window is built."""

    key: str
    icon: str
    build: Callable[[Services], Page]


def remembered(state: QSettings, key: str, kind: type, fallback: Any) -> Any:
    """A value of the app's state, or the fallback where it is missing or of another kind."""
    value = state.value(key, fallback)
    if kind is bool and isinstance(value, str):
        return value.lower() == "true"
    try:
        return kind(value)
    except (TypeError, ValueError):
        return fallback
