"""Opens what the user drops on the app's icon or opens with it: datasets, model folders, adapters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtGui import QFileOpenEvent

from gui.services import Session


class Opener(QObject):
    """Listens to the application: macOS sends what is opened with the app as an event."""

    def __init__(self, application: QCoreApplication, session: Session) -> None:
        super().__init__(application)
        self._session = session
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self.open(event.file())
            return True
        return super().eventFilter(watched, event)

    def open_all(self, arguments: Sequence[str]) -> None:
        """What the command line names, flags left out."""
        for argument in arguments:
            if not argument.startswith("-"):
                self.open(argument)

    def open(self, name: str) -> None:
        """Bring a file or folder to the page that is for it. The datasets page says why it cannot read one.

        An adapter whose base model is not on this machine ends at the models page, where one is fetched.
        """
        path = Path(name)
        folder = path.parent if path.suffix == ".safetensors" else path
        adapter = folder / "adapter_config.json"
        if adapter.is_file():
            self._chat(_base_of(adapter), str(folder))
        elif (folder / "config.json").is_file():
            self._chat(str(folder), "")
        else:
            self._session.page_requested.emit("datasets")
            self._session.open_dataset.emit(str(path))

    def _chat(self, model: str, adapter: str) -> None:
        self._session.page_requested.emit("chat" if model else "models")
        if model:
            self._session.chat_with.emit(model, adapter)


def _base_of(config: Path) -> str:
    """The folder of an adapter's base model; "" where it is not here."""
    try:
        base = json.loads(config.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(base) if isinstance(base, str) and (Path(base) / "config.json").is_file() else ""
