"""Figures, times and paths in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QDateTime, QLocale

from gui.wording import day_text, duration_text, moment_text, path_text, size_text


@pytest.fixture(autouse=True)
def english() -> None:
    QLocale.setDefault(QLocale("en_US"))


def test_times_are_said_as_people_say_them() -> None:
    noon = datetime(2026, 11, 21, 12, 30)  # a Saturday
    now = QDateTime.fromSecsSinceEpoch(int(noon.timestamp()))

    def said(**ago: int) -> str:
        return moment_text((noon - timedelta(**ago)).astimezone().isoformat(), now)

    assert said(hours=1).replace("\u202f", " ") == "11:30 AM"
    assert said(hours=24) == "Yesterday"
    assert said(days=3) == "Wednesday"
    assert said(days=7) == "11/14/26"
    assert said(days=-1) == "11/22/26"
    assert moment_text("no time") == day_text("") == ""


def test_paths_begin_at_home() -> None:
    assert path_text(str(Path.home() / "Documents" / "a.jsonl")) == "~/Documents/a.jsonl"
    assert path_text(str(Path.home())) == "~"
    assert path_text("/data/a.jsonl") == "/data/a.jsonl"


def test_sizes_and_times_keep_to_what_matters() -> None:
    assert (size_text(1_500_000_000), size_text(42_000_000), size_text(12)) == ("1.5 GB", "42 MB", "12 bytes")
    assert (duration_text(40), duration_text(400), duration_text(7500)) == ("40 s", "7 min", "2 h 05 min")
