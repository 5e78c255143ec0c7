"""Fixtures of the window's tests: offscreen, light, state and data of their own, the fake worker."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.services import Services
from tests.gui.helpers import build_services, end_workers

SLOW_POLLS = int(os.environ.get("GEMMA_MLX_SLOW_POLLS", "0"))
"""Milliseconds between two looks of `waitUntil` (pytest-qt takes 10); 0 leaves it alone."""


@pytest.fixture(autouse=True)
def slow_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """With GEMMA_MLX_SLOW_POLLS, waits look as rarely as on a busy machine: waiting for what passes fails."""

    def wait_until(bot: QtBot, condition: Callable[[], Any], *, timeout: int = 5000) -> None:
        deadline = time.monotonic() + timeout / 1000
        bot.wait(SLOW_POLLS)
        while not condition():
            assert time.monotonic() < deadline, f"not seen within {timeout} ms by a slow machine"
            bot.wait(SLOW_POLLS)

    if SLOW_POLLS:
        monkeypatch.setattr(QtBot, "waitUntil", wait_until)


@pytest.fixture
def make_services(qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., Services]]:
    """`make_services("crash")`: services as app.py builds them, with a fake worker of that scenario."""
    made: list[Services] = []

    def make(scenario: str = "normal", mode: Any = "light") -> Services:
        made.append(build_services(qapp, tmp_path, scenario, mode))
        return made[-1]

    yield make
    qapp.processEvents()
    for services in made:
        end_workers(services)


@pytest.fixture
def services(make_services: Callable[..., Services]) -> Services:
    """Services with a fake worker that behaves."""
    return make_services()
