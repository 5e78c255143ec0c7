"""Pictures of the window: small files that look as the window does."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter

from gui.screenshots import few_colors, scenes

ROOT = Path(__file__).parents[2]


def test_a_picture_keeps_its_colours(qapp: object) -> None:
    picture = QImage(301, 203, QImage.Format.Format_RGB32)
    picture.fill(QColor("#f5f5f7"))
    painter = QPainter(picture)
    painter.fillRect(10, 10, 100, 50, QColor("#0a66d6"))
    gradient = QLinearGradient(QPointF(0, 0), QPointF(301, 0))
    gradient.setColorAt(0, QColor("#ffffff"))
    gradient.setColorAt(1, QColor("#b3261e"))
    painter.fillRect(0, 100, 301, 60, gradient)
    painter.end()
    small = few_colors(picture)
    assert small.size() == picture.size()
    assert small.colorCount() <= 256
    assert small.pixelColor(50, 30) == QColor("#0a66d6")
    assert small.pixelColor(5, 5) == QColor("#f5f5f7")
    for x in range(0, 301, 10):
        before, after = picture.pixelColor(x, 130), small.pixelColor(x, 130)
        assert abs(before.red() - after.red()) + abs(before.green() - after.green()) < 12


def test_a_red_word_among_many_greys_stays_red(qapp: object) -> None:
    picture = QImage(256, 40, QImage.Format.Format_RGB32)
    picture.fill(QColor("#ffffff"))
    painter = QPainter(picture)
    for shade in range(256):
        painter.fillRect(shade, 0, 1, 40, QColor(shade, shade, shade))
    painter.fillRect(100, 10, 6, 5, QColor("#ff3b30"))
    painter.end()
    assert few_colors(picture).pixelColor(103, 12) == QColor("#ff3b30")


def test_every_page_is_pictured_empty_and_busy() -> None:
    by_page: dict[str, list[str]] = {}
    for scene in scenes():
        by_page.setdefault(scene.page, []).append(scene.name)
    assert set(by_page) == {"models", "datasets", "finetune", "chat"}
    for page, names in by_page.items():
        assert len(names) == len(set(names)) >= 3
        assert any(re.search("empty|none|setup", name) for name in names), page
