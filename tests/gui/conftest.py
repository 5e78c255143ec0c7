"""Fixtures of the window's tests: offscreen, light, state and data of their own, the fake worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QLocale, QSettings
from PySide6.QtWidgets import QApplication

from gui.library import Library
from gui.services import Services, Session
from gui.theme import Theme
from gui.worker_client import Timing, WorkerClient

FAKE_WORKER = str(Path(__file__).parents[1] / "fake_worker.py")


@pytest.fixture
def make_services(qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., Services]]:
    """`make_services("crash")`: services as app.py builds them, with a fake worker of that scenario."""
    made: list[Services] = []

    def make(scenario: str = "normal", mode: Any = "light") -> Services:
        QLocale.setDefault(QLocale("en_US"))
        theme = Theme(qapp, mode)
        theme.apply()
        state = QSettings(str(tmp_path / "state.ini"), QSettings.Format.IniFormat)
        timing = Timing(hello=20_000, quiet=2_000, close=600, terminate=300)
        workers = WorkerClient([sys.executable, FAKE_WORKER, scenario], timing)
        library, session = Library(workers), Session()
        session.models_changed.connect(library.refresh)
        made.append(Services(workers, library, theme, session, state, tmp_path))
        return made[-1]

    yield make
    qapp.processEvents()
    for services in made:
        for worker in services.workers.workers:
            worker.kill()
        services.workers.close_all()


@pytest.fixture
def services(make_services: Callable[..., Services]) -> Services:
    """Services with a fake worker that behaves."""
    return make_services()
