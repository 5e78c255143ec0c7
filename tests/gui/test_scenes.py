"""Every scene of every page: nothing is cut in a small window or with twice the font; all has a name."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLocale, QSettings, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QToolButton,
    QWidget,
)

from gui.app import App, build
from gui.scenes import Scene
from gui.screenshots import scenes
from gui.widgets.labels import ElidedLabel

FAKE = str(Path(__file__).parents[1] / "fake_worker.py")
CONTROLS = (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QAbstractSpinBox,
    QAbstractItemView,
    QProgressBar,
    QTextEdit,
)
SCENES = list(scenes())
SLACK = 3
"""Pixels by which a style may round."""


@pytest.fixture
def picture(qapp: QApplication, qtbot: Any, tmp_path: Path) -> Iterator[Callable[..., QWidget]]:
    """`picture(scene, scale, language)`: the window or sheet of a scene at 900 x 600."""
    apps: list[App] = []
    usual, locale = QFont(qapp.font()), QLocale()

    def make(scene: Scene, scale: float = 1.0, language: str = "en") -> QWidget:
        font = QFont(usual)
        font.setPointSizeF(usual.pointSizeF() * scale)
        qapp.setFont(font)
        state = QSettings(str(tmp_path / "state.ini"), QSettings.Format.IniFormat)
        state.setValue("app/language", language)
        app = build(qapp, state=state, worker=[sys.executable, FAKE, scene.scenario], root=tmp_path)
        apps.append(app)
        # A scene may leave a run going, and nobody is there to answer whether it may be stopped.
        app.window.may_close = lambda: True
        qtbot.addWidget(app.window)
        app.window.resize(900, 600)
        app.window.show()
        app.window.sidebar.select(scene.page)

        def wait(condition: Callable[[], bool]) -> None:
            qtbot.waitUntil(condition, timeout=30_000)

        scene.prepare(app.window.page_of(scene.page), wait)
        settle(qapp)
        sheets = [child for child in app.window.findChildren(QDialog) if child.isVisible()]
        return sheets[0] if sheets else app.window

    yield make
    for app in apps:
        for worker in app.services.workers.workers:
            worker.kill()
        app.close()
        for translator in app.translators:
            qapp.removeTranslator(translator)
    qapp.setFont(usual)
    QLocale.setDefault(locale)


def settle(qapp: QApplication) -> None:
    for _turn in range(10):
        qapp.processEvents()
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "scale"), [("ru", 2.0), ("zh_CN", 1.0)])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_no_text_is_cut_at_900_by_600(
    picture: Callable[..., QWidget], scene: Scene, language: str, scale: float
) -> None:
    assert not (cut := all_cut(picture(scene, scale, language))), "\n".join(cut)


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_control_can_be_read_named_and_reached(picture: Callable[..., QWidget], scene: Scene) -> None:
    shown = picture(scene)
    controls = [
        widget for widget in visible(shown) if isinstance(widget, CONTROLS) and not belongs_to_another(widget)
    ]
    nameless = [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for widget in controls
        if not name_of(widget)
    ]
    assert not nameless, "without a name: " + "\n".join(nameless)
    unreachable = [
        f"{type(widget).__name__} {name_of(widget)!r}"
        for widget in controls
        if not isinstance(widget, QProgressBar | QTabBar)
        and widget.isEnabled()
        and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert not unreachable, "not by keyboard: " + "\n".join(unreachable)
    assert not (cut := all_cut(shown)), "\n".join(cut)


def all_cut(shown: QWidget) -> list[str]:
    """A line for each text that is cut."""
    return [found for widget in visible(shown) if (found := cut_text(widget))]


def visible(root: QWidget) -> list[QWidget]:
    """The widgets of which at least a part is to be seen (what is scrolled away is not cut)."""
    return [
        widget
        for widget in root.findChildren(QWidget)
        if widget.isVisible() and not widget.visibleRegion().isEmpty()
    ]


def belongs_to_another(widget: QWidget) -> bool:
    """Parts that Qt makes for a control of its own: the line of a spin box, the list of a combo box."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QAbstractSpinBox | QComboBox | QAbstractItemView | QScrollBar | QTabBar):
            return True
        if type(parent).__name__ in ("PlotWidget", "QMenuBar"):
            return True
        parent = parent.parentWidget()
    return isinstance(widget, QScrollBar) or widget.objectName().startswith("qt_")


def name_of(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or text


def cut_text(widget: QWidget) -> str:
    """What is cut in this widget, for the report; "" where all can be read."""
    if isinstance(widget, ElidedLabel) or belongs_to_another(widget):
        return ""
    where = f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}: "
    if isinstance(widget, QLabel) and widget.text():
        needed, has = widget.sizeHint().width(), widget.width()
        if widget.wordWrap():
            words = re.split(r"[\s\-/]+|(?<=[\u3000-\uffef])", widget.text())  # Chinese breaks anywhere
            needed = max(widget.fontMetrics().horizontalAdvance(word) for word in words)
            if widget.heightForWidth(has) > widget.height() + SLACK:
                return f"{where}{widget.text()!r} needs {widget.heightForWidth(has)} of {widget.height()}"
        if needed > has + SLACK:
            return f"{where}{widget.text()!r} needs {needed} of {has}"
    if isinstance(widget, QAbstractButton) and widget.text() and not isinstance(widget, QToolButton):
        needed = widget.sizeHint().width() - 8
        if needed > widget.width() + SLACK or widget.sizeHint().height() > widget.height() + 2 * SLACK:
            return f"{where}{widget.text()!r} needs {needed} of {widget.width()}"
    one_line = isinstance(widget, QComboBox | QLineEdit | QAbstractSpinBox)
    if one_line and widget.sizeHint().height() > widget.height() + 2 * SLACK:
        return f"{where}{name_of(widget)!r} is {widget.height()} high of {widget.sizeHint().height()}"
    return clipped_by_parent(widget, where)


def clipped_by_parent(widget: QWidget, where: str) -> str:
    """A control that sticks out of its window to the right."""
    if not isinstance(widget, CONTROLS):
        return ""
    window = widget.window()
    right = widget.mapTo(window, widget.rect().topRight()).x()
    return f"{where}{name_of(widget)!r} ends at {right} of {window.width()}" if right > window.width() else ""


def test_cut_text_is_found(qtbot: Any) -> None:
    narrow, low, button = (
        QLabel("unbreakable"),
        QLabel("many words on a line " * 3),
        QPushButton("A long name"),
    )
    low.setWordWrap(True)
    for widget in (narrow, low, button):
        qtbot.addWidget(widget)
        widget.setFixedSize(60, 14)
        widget.show()
        assert cut_text(widget)
    narrow.setFixedSize(narrow.sizeHint())
    assert not cut_text(narrow)
