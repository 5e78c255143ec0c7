"""Fixtures of the window's tests: offscreen, light, state and data of their own, the fake worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from gui.services import Services
from tests.gui.helpers import build_services, end_workers


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
