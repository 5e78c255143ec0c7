"""About shows the licences that the bundle collected, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui import about_dialog
from gui.about_dialog import AboutDialog, licence_text


def test_the_bundles_licences_are_shown(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "licences.txt").write_text(
        "mlx 0.32.4: MIT\n" + "word " * 10_000 + "the end", encoding="utf-8"
    )
    monkeypatch.setattr(about_dialog, "asset", tmp_path.joinpath)
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = AboutDialog(parent)
    (box,) = dialog.findChildren(QPlainTextEdit)
    assert box.toPlainText().startswith("mlx 0.32.4: MIT") and box.toPlainText().endswith("the end")
    assert box.isReadOnly() and box.accessibleName()


def test_outside_a_bundle_each_package_has_its_line() -> None:
    lines = licence_text().splitlines()
    assert "Gemma MLX: Apache-2.0" in lines
    assert any(line.startswith("PySide6-Essentials ") and "LGPL" in line for line in lines)
