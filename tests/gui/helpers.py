"""What several tests of the window build: services as app.py builds them, with a fake worker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLocale, QSettings
from PySide6.QtWidgets import QApplication

from gui.library import Library
from gui.services import Services, Session
from gui.theme import Theme
from gui.worker_client import Timing, WorkerClient

FAKE_WORKER = str(Path(__file__).parents[1] / "fake_worker.py")


def build_services(qapp: QApplication, folder: Path, scenario: str, mode: Any = "light") -> Services:
    """State and data lie in `folder`; workers play `scenario`."""
    QLocale.setDefault(QLocale("en_US"))
    theme = Theme(qapp, mode)
    theme.apply()
    state = QSettings(str(folder / "state.ini"), QSettings.Format.IniFormat)
    timing = Timing(hello=20_000, quiet=2_000, close=600, terminate=300)
    workers = WorkerClient([sys.executable, FAKE_WORKER, scenario], timing)
    library, session = Library(workers), Session()
    session.models_changed.connect(library.refresh)
    return Services(workers, library, theme, session, state, folder)


def end_workers(services: Services) -> None:
    """No worker outlives its test."""
    for worker in services.workers.workers:
        worker.kill()
    services.workers.close_all()
