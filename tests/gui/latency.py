"""Measures how long the window keeps a click waiting: a 5 ms timer, while real work goes on. Prints a table.

    QT_QPA_PLATFORM=offscreen python -m tests.gui.latency [train] [dataset] [harm]

`train`: the real worker trains the demo model. `dataset`: a file of 1 GB and a million rows is opened.
`harm`: the worker crashes, is killed or stopped, prints garbage or a line of 1 GB, finds the disk full.
The promise (issue D): p99 at most 16 ms, worst at most 100 ms in training; worst at most 100 ms elsewhere.
"late" is by the clock; "busy" is what the window's own thread computed between two ticks, which other
programs on the machine do not change.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from gui.app import App, build, import_charts, keep_smooth, worker_program
from gui.datasets_page.view import DatasetsPage
from gui.finetune_page.view import FinetunePage

GIGABYTE = 10**9
HARMS = {
    "crash": 0, "segfault": 0, "SIGKILL": signal.SIGKILL, "SIGSTOP": signal.SIGSTOP, "garbage": 0,
    "long-line": 0, "unreadable-model": 0, "disk-full": 0,
}  # fmt: skip
"""Scenarios of the fake worker, and signals that a busy one is sent."""


class Meter:
    """Notes how late a 5 ms timer is, and how much of that the window's thread computed."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.busy: list[float] = []
        self._last, self._computed = time.perf_counter(), time.thread_time()
        self._timer = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now, computed = time.perf_counter(), time.thread_time()
        self.late.append((now - self._last) * 1000 - 5)
        self.busy.append((computed - self._computed) * 1000)
        self._last, self._computed = now, computed

    def line(self, what: str) -> str:
        figures = ""
        for values in (sorted(self.late), sorted(self.busy)):
            figures += f"{values[int(len(values) * 0.99)]:>11.1f}{values[-1]:>9.1f}"
        return f"{what:<36}{len(self.late):>7}{figures}"


def wait(condition: Callable[[], bool], seconds: float) -> None:
    """Turn the event loop until something is so."""
    loop = QEventLoop()
    check = QTimer(interval=20)
    check.timeout.connect(lambda: loop.quit() if condition() else None)
    check.start()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    if not condition():
        raise SystemExit("it took too long")


def pause(seconds: float) -> None:
    started = time.monotonic()
    wait(lambda: time.monotonic() - started > seconds, seconds + 5)


def training(app: App) -> str:
    """The demo model learns on the Fine-tune page, in front, with its curves live."""
    app.window.sidebar.select("finetune")
    page = app.window.page_of("finetune")
    assert isinstance(page, FinetunePage)
    wait(lambda: bool(app.services.library.usable), 60)
    setup = page.presenter.setup
    setup.choose_demo()
    setup.change(training=setup.settings.training.model_copy(update={"steps": 4000, "evaluate_every": 20}))
    page.presenter.start()
    path = page.presenter.live
    assert path is not None

    def steps() -> int:
        return len(page.presenter.history(path).curve("train_loss")[0])

    wait(lambda: steps() > 5, 120)
    meter = Meter()
    pause(20)
    line = meter.line(f"training, {steps()} steps drawn")
    for worker in app.services.workers.workers:
        worker.kill()
    wait(lambda: not app.services.workers.workers, 20)
    return line


def write_dataset(path: Path) -> None:
    """A million rows, one gigabyte."""
    row = json.dumps(
        {"prompt": "Write order {} as JSON, please. " + "word " * 90, "completion": "{} " + "answer " * 65}
    )
    with path.open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < GIGABYTE:
            file.write("\n".join(row.replace("{}", str(number + step)) for step in range(1000)) + "\n")
            number += 1000


def dataset(app: App, folder: Path) -> list[str]:
    path = folder / "million.jsonl"
    write_dataset(path)
    app.window.sidebar.select("datasets")
    page = app.window.page_of("datasets")
    assert isinstance(page, DatasetsPage)
    pause(2)
    meter = Meter()
    started = time.monotonic()
    page.presenter.open(str(path))
    wait(lambda: page.presenter.row(0) is not None, 120)
    first = time.monotonic() - started
    pause(10)
    lines = [meter.line("dataset of 1 GB, looking through")]
    meter = Meter()
    for step in range(200):
        page.table.scrollTo(page.rows_model.index(min(step * 977, page.rows_model.rowCount() - 1), 1))
        pause(0.03)
    lines.append(meter.line("the same, scrolling"))
    overview = page.presenter.overview
    assert overview is not None
    took = time.monotonic() - started
    lines.append(f"first rows after {first:.2f} s; {overview.rows:,} rows counted after {took:.0f} s")
    return lines


def harm(qt: QApplication, state: QSettings, folder: Path) -> list[str]:
    """A training ends badly in each way that the fake worker knows, with the page in front."""
    app = build(qt, state=state, worker=fake("normal"), root=folder / "harm")
    app.window.show()
    app.window.sidebar.select("finetune")
    page = app.window.page_of("finetune")
    assert isinstance(page, FinetunePage)
    wait(lambda: bool(app.services.library.usable), 60)
    data = folder / "few.jsonl"
    data.write_text("{}\n")
    page.presenter.setup.choose_dataset(str(data))
    pause(2)
    lines = []
    for scenario, signal_sent in HARMS.items():
        page.banner.clear()
        page.new()
        app.services.workers._program = tuple(fake("busy" if signal_sent else scenario))
        meter = Meter()
        page.presenter.start()
        live, worker = page.presenter.live, page.presenter._worker
        assert live is not None and worker is not None
        if signal_sent:
            wait(lambda live=live: len(page.presenter.history(live).curve("train_loss")[0]) > 30, 30)
            os.kill(worker.pid, signal_sent)
        wait(page.banner.isVisible, 60)
        pause(1)
        said = page.banner.title.text()
        buttons = ", ".join(button.text() for button in page.banner.buttons())
        lines.append(meter.line(scenario) + f"   {said} [{buttons}]")
        worker.kill()
        wait(lambda: page.presenter.live is None, 30)
    app.close()
    return lines


def fake(scenario: str) -> list[str]:
    return [sys.executable, str(Path(__file__).parents[1] / "fake_worker.py"), scenario]


def main() -> None:
    wanted = sys.argv[1:] or ["train", "dataset", "harm"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GEMMA_MLX_HOME"] = str(folder / "home")
        qt = QApplication([])
        state = QSettings(str(folder / "state.ini"), QSettings.Format.IniFormat)
        app = build(qt, state=state, worker=worker_program(), root=folder)
        keep_smooth(app.window)
        import_charts()
        app.window.show()
        print(f"{'milliseconds':<36}{'ticks':>7}{'late p99':>11}{'worst':>9}{'busy p99':>11}{'worst':>9}")
        if "train" in wanted:
            print(training(app))
        if "dataset" in wanted:
            print("\n".join(dataset(app, folder)))
        app.close()
        if "harm" in wanted:
            print("\n".join(harm(qt, state, folder)))
        print("load of the machine (1, 5, 15 min):", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
