"""The whole app: it is built without globals, ends its workers, and its menus do what they say."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog

from gemma_mlx.worker import protocol
from gui.app import build, keep_smooth, load_translators, worker_program
from gui.diagnostics import anonymous, diagnostics
from gui.settings_dialog import SettingsDialog
from gui.worker_client import Outcome, Timing

FAKE = [sys.executable, str(Path(__file__).parents[1] / "fake_worker.py")]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(qapp: QApplication, qtbot: Any, tmp_path: Path) -> Any:
    state = QSettings(str(tmp_path / "state.ini"), QSettings.Format.IniFormat)
    state.setValue("app/language", "en")
    state.setValue("app/appearance", "light")
    timing = Timing(close=1000, terminate=500)
    built = build(qapp, state=state, worker=[*FAKE, "busy"], root=tmp_path, timing=timing)
    qtbot.addWidget(built.window)
    built.window.show()
    yield built
    built.close()


def test_what_lasts_is_taken_out_of_the_collectors_rounds(app: Any) -> None:
    gc.collect()
    everything = len(gc.get_objects())
    try:
        keep_smooth(app.window)
        assert len(gc.get_objects()) < everything / 10
        app.window.page_of("chat")
        assert len(gc.get_objects()) < everything / 10, "a page that is built later, too"
    finally:
        gc.unfreeze()


def test_quitting_ends_every_worker(qtbot: Any, app: Any) -> None:
    worker = app.services.workers.open()
    with qtbot.waitSignal(worker.hello, timeout=20_000):
        pass
    pid = worker.pid
    app.close()
    assert not app.window.isVisible()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_settings_change_the_look_at_once_and_the_language_later(qtbot: Any, app: Any) -> None:
    app.window.settings_wanted.emit()
    dialog = app.window.findChild(SettingsDialog)
    before = QApplication.palette().window().color()
    dialog.appearance.setCurrentIndex(dialog.appearance.findData("dark"))
    assert QApplication.palette().window().color().lightness() < before.lightness()
    assert app.services.state.value("app/appearance") == "dark"
    dialog.language.setCurrentIndex(dialog.language.findData("ru"))
    assert dialog.restart.isVisible()
    assert app.services.state.value("app/language") == "ru"
    dialog.close()


def test_about_names_version_and_licences(qtbot: Any, app: Any) -> None:
    app.window.about_wanted.emit()
    dialog = next(child for child in app.window.findChildren(QDialog) if child.isVisible())
    assert "About" in dialog.windowTitle()
    dialog.close()


def test_the_diagnostics_go_to_the_clipboard_without_names_or_tokens(qtbot: Any, app: Any) -> None:
    home = str(Path.home())
    app.services.workers.mishaps.append(
        Outcome("crashed", 3, log=f"{home}/secret/model\n/Users/anna/x\ntoken hf_abcdefghijklmnop")
    )
    app.window.diagnostics_wanted.emit()
    text = QGuiApplication.clipboard().text()
    assert "mlx " in text and "Qt 6" in text
    assert "hf_abcdefghijklmnop" not in text
    assert "anna" not in text and "~/x" in text
    assert app.window.toast.isVisible()


def test_anonymous_keeps_what_is_harmless() -> None:
    assert anonymous("step 12 of /opt/x") == "step 12 of /opt/x"
    assert anonymous("/home/ivan/y") == "~/y"
    assert "crashed" in diagnostics([Outcome("crashed", 1)])


def test_english_needs_no_translation_and_an_unknown_language_falls_back(qapp: QApplication) -> None:
    assert load_translators(qapp, "en") == []
    assert load_translators(qapp, "tlh") == []


def test_outside_a_bundle_the_worker_is_this_python() -> None:
    assert worker_program()[:2] == [sys.executable, "-m"]


def test_a_killed_window_leaves_no_worker(tmp_path: Path) -> None:
    """The real worker: the window's process is killed hard, its worker is gone within five seconds."""
    program = f"""
import sys
from pathlib import Path
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from gui.app import build, worker_program
qt = QApplication([])
state = QSettings({str(tmp_path / "state.ini")!r}, QSettings.Format.IniFormat)
app = build(qt, state=state, worker=worker_program(), root=Path({str(tmp_path)!r}))
worker = app.services.workers.open()
worker.hello.connect(lambda hello: print(hello.pid, flush=True))
qt.exec()
"""
    window = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "GEMMA_MLX_HOME": str(tmp_path)},
    )  # fmt: skip
    assert window.stdout is not None
    pid = int(window.stdout.readline())
    window.send_signal(signal.SIGKILL)
    window.wait()
    window.stdout.close()
    deadline = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if status.exists():
        return status.read_text().rsplit(")", 1)[1].split()[0] != "Z"  # a zombie has ended
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc").is_dir()


def test_closing_asks_first_while_something_runs(
    qtbot: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.window.page_of("models"), "running", lambda: "A model is being written.")
    monkeypatch.setattr(type(app.window), "may_close", lambda self: False)
    app.window.close()
    assert app.window.isVisible()
    monkeypatch.setattr(type(app.window), "may_close", lambda self: True)
    app.window.close()
    assert not app.window.isVisible()


def test_a_failing_worker_is_remembered_for_the_diagnostics(qtbot: Any, app: Any) -> None:
    worker = app.services.workers.open()
    job = worker.run(protocol.ListModels())
    with qtbot.waitSignal(job.finished, timeout=20_000):
        pass
    os.kill(worker.pid, signal.SIGABRT)
    qtbot.waitUntil(lambda: bool(app.services.workers.mishaps), timeout=20_000)
    assert app.services.workers.mishaps[-1].kind == "crashed"
