"""Pictures of every page, light and dark, in every language, empty and busy: `python -m gui.screenshots`.

The scenes come from each page's scenes.py; the fake worker of the tests plays the worker, so the pictures
are the same everywhere. `--only TEXT` makes those whose name holds TEXT; `--large` adds small windows and
twice the font.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop, QSettings, QSize
from PySide6.QtGui import QFont, QFontDatabase, QImage
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from gui.app import LANGUAGES, build
from gui.scenes import Scene

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screenshots"
FAKE_WORKER = ROOT / "tests" / "fake_worker.py"
FONTS = ("Inter", "Noto Sans", "Noto Sans CJK SC", "DejaVu Sans")
USUAL, SMALL = QSize(1180, 780), QSize(900, 600)
PATIENCE = 60


def main() -> int:
    """Make the pictures; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--only", default="")
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES))
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("LANGUAGE", "MODE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.one:
        _make_all(given.folder, given.only, *given.one, large=given.large)
        return 0
    status = 0
    for language in given.languages:
        for mode in ("light", "dark"):
            command = [sys.executable, "-m", "gui.screenshots", "--one", language, mode]
            command += ["--folder", str(given.folder), "--only", given.only]
            command += ["--large"] if given.large else []
            environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
            status |= subprocess.run(command, cwd=ROOT, env=environment).returncode
    return status


def scenes() -> Iterator[Scene]:
    """The scenes of all pages."""
    for page in ("models", "datasets", "finetune", "chat"):
        try:
            module = import_module(f"gui.{page}_page.scenes")
        except ModuleNotFoundError:
            continue
        yield from module.SCENES


def _make_all(folder: Path, only: str, language: str, mode: str, *, large: bool) -> None:
    """All pictures of one language and one look, in this process: Qt takes one of each."""
    qt = QApplication([])
    font = QFont()
    font.setFamilies([name for name in FONTS if name in QFontDatabase.families()] or [font.family()])
    font.setPointSizeF(10)
    for scene in scenes():
        if only not in scene.name:
            continue
        name = f"{scene.name}-{language}-{mode}"
        qt.setFont(font)
        _make(qt, scene, language, mode, USUAL, folder / f"{name}.png")
        if large:
            _make(qt, scene, language, mode, SMALL, folder / f"{name}-small.png")
            twice = QFont(font)
            twice.setPointSizeF(20)
            qt.setFont(twice)
            _make(qt, scene, language, mode, SMALL, folder / f"{name}-twice.png")


def _make(qt: QApplication, scene: Scene, language: str, mode: str, size: QSize, path: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home  # paths are shown from it: "~/orders.jsonl"
        state = QSettings(str(Path(home) / "state.ini"), QSettings.Format.IniFormat)
        state.setValue("app/language", language)
        state.setValue("app/appearance", mode)
        program = [sys.executable, str(FAKE_WORKER), scene.scenario]
        app = build(qt, state=state, worker=program, root=Path(home))
        app.window.resize(size)
        app.window.show()
        app.window.sidebar.select(scene.page)
        scene.prepare(app.window.page_of(scene.page), _wait)
        _settle()
        dialogs = [child for child in app.window.findChildren(QDialog) if child.isVisible()]
        shown: QWidget = dialogs[0] if dialogs else app.window
        few_colors(shown.grab().toImage()).save(str(path), quality=0)  # as small as can be
        for worker in app.services.workers.workers:
            worker.kill()
        app.close()
        app.window.deleteLater()
        for translator in app.translators:
            qt.removeTranslator(translator)
        _settle()


def few_colors(picture: QImage) -> QImage:
    """The picture in at most 160 colours: a fifth of the bytes, and no eye sees it.

    The most frequent ones stay as they are; of the others, one stands for all that are like it, so that many
    shades of grey leave room for the one word in red.
    """
    picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    width, height = picture.width(), picture.height()
    pixels = np.frombuffer(picture.constBits(), np.uint32).reshape(height, -1)[:, :width] & 0xFFFFFF
    colors, where, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    parts = np.stack([colors >> 16, (colors >> 8) & 255, colors & 255], axis=1).astype(np.int32)
    by_count = np.argsort(-counts, kind="stable")
    _alike, first = np.unique(colors[by_count] & 0xF8F8F8, return_index=True)
    order = dict.fromkeys([*by_count[:48].tolist(), *by_count[np.sort(first)].tolist()])
    table = colors[list(order)[:160]]
    chosen = np.stack([table >> 16, (table >> 8) & 255, table & 255], axis=1).astype(np.int32)
    nearest = np.empty(len(colors), np.uint8)
    for begin in range(0, len(colors), 1024):
        apart = parts[begin : begin + 1024, None] - chosen[None]
        nearest[begin : begin + 1024] = (apart * apart).sum(axis=2).argmin(axis=1)
    indices = np.zeros((height, (width + 3) // 4 * 4), np.uint8)  # lines of an image end on whole words
    indices[:, :width] = nearest[where.reshape(height, width)]
    small = QImage(indices.tobytes(), width, height, indices.shape[1], QImage.Format.Format_Indexed8)
    small.setColorTable([0xFF000000 | int(color) for color in table])
    return small.copy()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the page did not come to the state that is to be pictured")
        _turn()


def _settle() -> None:
    """Let layouts and late paints come to rest."""
    for _turns in range(20):
        _turn()


def _turn() -> None:
    QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
    time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
