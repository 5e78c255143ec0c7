"""The composition root: builds everything once, hands it on, and sees to a clean end."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QSettings, QTimer, QTranslator
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from gemma_mlx.library.store import data_root
from gui.about_dialog import AboutDialog
from gui.assets import asset
from gui.diagnostics import diagnostics
from gui.library import Library
from gui.main_window import MainWindow
from gui.notifier import Notifier
from gui.opening import Opener
from gui.services import Page, PageSpec, Services, Session, remembered
from gui.settings_dialog import SettingsDialog
from gui.theme import Theme
from gui.worker_client import Timing, WorkerClient

LANGUAGES = ("en", "zh_CN", "ru")


def _models(services: Services) -> Page:
    from gui.models_page.view import build_page

    return build_page(services)


def _datasets(services: Services) -> Page:
    from gui.datasets_page.view import build_page

    return build_page(services)


def _finetune(services: Services) -> Page:
    from gui.finetune_page.view import build_page

    return build_page(services)


def _chat(services: Services) -> Page:
    from gui.chat_page.view import build_page

    return build_page(services)


PAGES = (
    PageSpec("models", "models", _models),
    PageSpec("datasets", "datasets", _datasets),
    PageSpec("finetune", "finetune", _finetune),
    PageSpec("chat", "chat", _chat),
)
"""Pages are imported and built when they first come to the front: the window is up sooner."""


@dataclass
class App:
    """What main keeps alive while the window is open."""

    qt: QApplication
    services: Services
    window: MainWindow
    translators: list[QTranslator]

    def close(self) -> None:
        """Hide the window at once, then give the workers time to keep what they have."""
        self.window.hide()
        self.services.workers.close_all()


def engine_program() -> list[str]:
    """How the command line is started: a second executable beside this one in a bundle, else this Python."""
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name("gemma-mlx"))]
    return [sys.executable, "-m", "gemma_mlx"]


def worker_program() -> list[str]:
    """How a worker is started: in a bundle the engine's executable is both."""
    if getattr(sys, "frozen", False):
        return [*engine_program(), "worker"]
    return [sys.executable, "-m", "gemma_mlx.worker.worker"]


def window_program() -> list[str]:
    """How this program is started."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "gui.app"]


def load_translators(qt: QApplication, language: str) -> list[QTranslator]:
    """Install our translation and Qt's own for a language; none for English or where there is none."""
    if language == "en":
        return []
    places = {
        f"gemma_mlx_{language}": str(asset("translations")),
        f"qtbase_{language}": QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath),
    }
    translators = []
    for name, folder in places.items():
        translator = QTranslator(qt)
        if translator.load(name, folder):
            qt.installTranslator(translator)
            translators.append(translator)
    return translators


def system_language() -> str:
    """The first of the user's languages that there is a translation for."""
    for name in QLocale.system().uiLanguages():
        plain = name.replace("-", "_")
        if plain.startswith("zh"):
            return "zh_CN"
        if plain.split("_")[0] in ("en", "ru"):
            return plain.split("_")[0]
    return "en"


def build(
    qt: QApplication, *, state: QSettings, worker: Sequence[str], root: Path, timing: Timing | None = None
) -> App:
    """The whole app around a QApplication. Tests give their own state, worker and data folder."""
    qt.setApplicationName("Gemma MLX")
    qt.setOrganizationName("Gemma MLX")
    qt.setApplicationDisplayName("Gemma MLX")
    qt.setWindowIcon(QIcon(str(asset("icons", "app.svg"))))
    language = remembered(state, "app/language", str, "") or system_language()
    translators = load_translators(qt, language)
    QLocale.setDefault(QLocale(language))
    mode = remembered(state, "app/appearance", str, "system")
    theme = Theme(qt, mode if mode in ("system", "light", "dark") else "system")
    theme.apply()
    workers, session = WorkerClient(worker, timing), Session()
    library = Library(workers)
    session.models_changed.connect(library.refresh)
    services = Services(workers, library, theme, session, state, root)
    window = MainWindow(services, PAGES)
    Notifier(services, window)
    window.settings_wanted.connect(lambda: SettingsDialog(services, window).open())
    window.about_wanted.connect(lambda: AboutDialog(window).open())
    window.diagnostics_wanted.connect(lambda: copy_diagnostics(services))
    return App(qt, services, window, translators)


def copy_diagnostics(services: Services) -> None:
    """Put the report on the clipboard."""
    QGuiApplication.clipboard().setText(diagnostics(tuple(services.workers.mishaps)))
    said = QCoreApplication.translate("MainWindow", "The diagnostics are on the clipboard")
    services.session.toast.emit(said)


def try_itself(arguments: Sequence[str]) -> int:
    """`--self-test [STEP...]`, without a screen; gives the exit status."""
    from gui.self_test import self_test

    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return self_test(
        QApplication(sys.argv[:1]),
        engine=engine_program(),
        worker=worker_program(),
        window=[*window_program(), "--show-and-quit"],
        only=arguments,
    )


def show_and_quit(window: MainWindow) -> None:
    """Say that the window is painted, and end: how the self-test takes the time."""

    def painted() -> None:
        sys.stdout.write("The window is up.\n")
        sys.stdout.flush()
        QCoreApplication.exit(0)

    window.grab()
    QTimer.singleShot(0, painted)


def keep_smooth(window: MainWindow) -> None:
    """Take what lasts as long as the window out of the garbage collector's rounds.

    A whole round over everything that is imported stops the window for some 80 ms.
    """
    gc.collect()
    gc.freeze()
    window.page_built.connect(gc.freeze)


def import_charts() -> None:
    """In a thread, meanwhile, so that the first plot does not wait for it.

    No garbage is collected until it is done: a widget that dies in this thread takes the program with it.
    """
    gc.disable()
    try:
        import_module("pyqtgraph")
    finally:
        gc.freeze()
        gc.enable()


def main() -> int:
    """Open the window; gives the exit status."""
    if sys.argv[1:2] == ["--self-test"]:
        return try_itself(sys.argv[2:])
    qt = QApplication(sys.argv)
    state = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Gemma MLX", "Gemma MLX")
    app = build(qt, state=state, worker=worker_program(), root=data_root())
    qt.aboutToQuit.connect(app.close)
    opener = Opener(qt, app.services.session)
    keep_smooth(app.window)
    app.window.show()
    opener.open_all(sys.argv[1:])
    if "--show-and-quit" in sys.argv[1:]:
        show_and_quit(app.window)
    threading.Thread(target=import_charts, daemon=True).start()
    return qt.exec()


if __name__ == "__main__":
    sys.exit(main())
