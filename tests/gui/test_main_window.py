"""The window: pages by keyboard and menu, what it remembers, what it asks before it closes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from gui.app import PAGES
from gui.main_window import MainWindow
from gui.services import Services


def test_command_and_a_number_choose_the_page(qtbot: Any, services: Services) -> None:
    window = MainWindow(services, PAGES)
    qtbot.addWidget(window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    for number, key in enumerate(("models", "datasets", "finetune", "chat"), 1):
        qtbot.keyClick(window, getattr(Qt.Key, f"Key_{number}"), Qt.KeyboardModifier.ControlModifier)
        assert window.current == key


def test_the_arrow_keys_walk_through_the_sidebar(qtbot: Any, services: Services) -> None:
    window = MainWindow(services, PAGES)
    qtbot.addWidget(window)
    window.show()
    qtbot.keyClick(window.sidebar.list, Qt.Key.Key_Down)
    assert window.current == "datasets"


def test_size_and_page_are_as_they_were_left(qtbot: Any, services: Services) -> None:
    first = MainWindow(services, PAGES)
    qtbot.addWidget(first)
    first.show()
    first.resize(781, 611)
    first.sidebar.select("chat")
    first.close()
    second = MainWindow(services, PAGES)
    qtbot.addWidget(second)
    assert second.current == "chat"
    assert (second.width(), second.height()) == (781, 611)


def test_menus_have_the_roles_that_a_mac_moves(qtbot: Any, services: Services) -> None:
    window = MainWindow(services, PAGES)
    qtbot.addWidget(window)
    roles = {action.menuRole() for action in window.findChildren(QAction)}
    wanted = {QAction.MenuRole.AboutRole, QAction.MenuRole.PreferencesRole, QAction.MenuRole.QuitRole}
    assert wanted <= roles
    shortcuts = {action.shortcut().toString() for action in window.findChildren(QAction)}
    assert {
        "Ctrl+1",
        "Ctrl+4",
        "Ctrl+,",
        "Ctrl+.",
        QKeySequence(QKeySequence.StandardKey.New).toString(),
    } <= shortcuts


def test_every_page_has_a_name_for_screen_readers(qtbot: Any, services: Services) -> None:
    window = MainWindow(services, PAGES)
    qtbot.addWidget(window)
    assert all(window.page_of(spec.key).accessibleName() for spec in PAGES)


def test_the_windows_process_never_imports_the_engine(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from gui.app import build
qt = QApplication([])
state = QSettings({str(tmp_path / "state.ini")!r}, QSettings.Format.IniFormat)
app = build(qt, state=state, worker=["true"], root=Path({str(tmp_path)!r}))
app.window.show()
for key in ("models", "datasets", "finetune", "chat"):
    app.window.sidebar.select(key)
    qt.processEvents()
heavy = ("mlx", "mlx_lm", "transformers", "torch", "tokenizers", "sentencepiece", "huggingface_hub")
wings = ("models", "text", "weights", "adapters", "data", "load", "training", "inference", "exchange", "cli")
bad = [name for name in heavy if name in sys.modules]
bad += [f"gemma_mlx.{{wing}}" for wing in wings if f"gemma_mlx.{{wing}}" in sys.modules]
print("imported:", bad)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "imported: []" in ran.stdout, ran.stdout + ran.stderr
