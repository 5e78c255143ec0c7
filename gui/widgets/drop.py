"""Makes any widget take files that are dropped on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget


class FileDrop(QObject):
    """Calls `dropped` with the local files that are dropped on `target` and that `accepts` says yes to."""

    def __init__(
        self,
        target: QWidget,
        accepts: Callable[[Path], bool],
        dropped: Callable[[list[Path]], object],
        hovering: Callable[[bool], object] | None = None,
    ) -> None:
        super().__init__(target)
        self._accepts = accepts
        self._dropped = dropped
        self._hovering = hovering or (lambda over: None)
        target.setAcceptDrops(True)
        target.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent):  # enter and move events are its subclasses
            paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
            wanted = [path for path in paths if self._accepts(path)]
            if not wanted:
                return False
            event.acceptProposedAction()
            if event.type() == QEvent.Type.Drop:
                self._hovering(False)
                self._dropped(wanted)
            elif isinstance(event, QDragEnterEvent):
                self._hovering(True)
            return True
        if event.type() == QEvent.Type.DragLeave:
            self._hovering(False)
        return super().eventFilter(watched, event)
