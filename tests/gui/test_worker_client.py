"""The only QProcess: whatever a worker does, the window hears what happened and is never blocked."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer

from gemma_mlx import events
from gemma_mlx.settings import RunSettings
from gemma_mlx.worker import protocol
from gui.worker_client import Failure, Job, Outcome, Timing, WorkerClient, WorkerProcess

FAKE = [sys.executable, str(Path(__file__).parents[1] / "fake_worker.py")]
QUICK = Timing(hello=8_000, quiet=600, close=600, terminate=300)
TRAINING = protocol.StartTraining(settings=RunSettings(), run_folder="/runs/one")


@pytest.fixture
def opened(qtbot: Any) -> Any:
    clients = []

    def open_scenario(scenario: str, timing: Timing = QUICK) -> WorkerProcess:
        client = WorkerClient([*FAKE, scenario], timing)
        clients.append(client)
        return client.open()

    yield open_scenario
    for client in clients:
        for worker in client.workers:
            worker.kill()
        client.close_all()


def failure_of(qtbot: Any, job: Job) -> Failure:
    with qtbot.waitSignal(job.failed, timeout=20_000) as blocker:
        pass
    return blocker.args[0]


def test_a_job_hands_on_its_events_in_order_and_then_its_result(qtbot: Any, opened: Any) -> None:
    worker = opened("normal")
    job = worker.run(TRAINING)
    seen: list[events.Event] = []
    job.happened.connect(seen.append)
    with qtbot.waitSignal(job.finished, timeout=20_000) as blocker:
        pass
    assert blocker.args[0]["outcome"] == "finished"
    assert isinstance(seen[-1], events.Done)
    steps = [event.done for event in seen if isinstance(event, events.Progress) and event.unit == "steps"]
    assert steps[1:] == sorted(steps[1:]) and steps[-1] == 60


def test_pause_ends_the_job_as_paused_and_the_worker_lives_on(qtbot: Any, opened: Any) -> None:
    worker = opened("busy")
    job = worker.run(TRAINING)
    QTimer.singleShot(300, lambda: worker.pause(job))
    with qtbot.waitSignal(job.finished, timeout=20_000) as blocker:
        pass
    assert blocker.args[0]["outcome"] == "paused"
    with qtbot.waitSignal(worker.run(protocol.ListModels()).finished, timeout=20_000):
        pass


@pytest.mark.parametrize(
    ("scenario", "code", "said"),
    [
        ("crash", "worker-crashed", "status 3"),
        ("segfault", "worker-crashed", "signal 11"),
        ("garbage", "worker-garbage", "cannot be read"),
        ("long-line", "worker-garbage", "cannot be read"),
        ("disk-full", "disk-full", "disk is full"),
        ("unreadable-model", "truncated-shard", "cut off"),
    ],
)
def test_each_misfortune_is_told_with_what_was_kept_and_what_to_do(
    qtbot: Any, opened: Any, scenario: str, code: str, said: str
) -> None:
    failure = failure_of(qtbot, opened(scenario).run(TRAINING))
    assert failure.code == code
    assert said in failure.what
    assert failure.fix
    if scenario != "unreadable-model":
        assert "step 120" in failure.kept


def test_a_line_without_end_is_neither_kept_in_memory_nor_does_it_block(qtbot: Any, opened: Any) -> None:
    peak_before = _peak_memory()
    worker = opened("long-line")
    worker.run(TRAINING)
    ticks: list[int] = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    with qtbot.waitSignal(worker.ended, timeout=30_000) as blocker:
        pass
    outcome: Outcome = blocker.args[0]
    assert outcome.kind == "garbage"
    assert len(ticks) > 10
    assert _peak_memory() - peak_before < 100e6


def _peak_memory() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) * 1024


def test_killed_from_outside_names_memory(qtbot: Any, opened: Any) -> None:
    worker = opened("busy")
    job = worker.run(TRAINING)
    with qtbot.waitSignal(job.happened, timeout=20_000):
        pass
    os.kill(worker.pid, signal.SIGKILL)
    failure = failure_of(qtbot, job)
    assert "memory" in failure.what


def test_a_stopped_process_is_called_quiet_and_comes_back(qtbot: Any, opened: Any) -> None:
    worker = opened("busy")
    job = worker.run(TRAINING)
    with qtbot.waitSignal(job.happened, timeout=20_000):
        pass
    with qtbot.waitSignal(worker.quiet, timeout=20_000, check_params_cb=lambda quiet: quiet):
        os.kill(worker.pid, signal.SIGSTOP)
    with qtbot.waitSignal(worker.quiet, timeout=20_000, check_params_cb=lambda quiet: not quiet):
        os.kill(worker.pid, signal.SIGCONT)
    with qtbot.waitSignal(job.happened, timeout=20_000):
        pass


def test_a_stopped_process_can_be_ended(qtbot: Any, opened: Any) -> None:
    worker = opened("busy")
    job = worker.run(TRAINING)
    with qtbot.waitSignal(job.happened, timeout=20_000):
        pass
    os.kill(worker.pid, signal.SIGSTOP)
    with qtbot.waitSignal(worker.ended, timeout=20_000) as blocker:
        worker.close()
    assert blocker.args[0].kind == "stopped"
    assert job.over


def test_a_worker_that_never_speaks_is_ended(qtbot: Any, opened: Any) -> None:
    worker = opened("mute", Timing(hello=500))
    job = worker.run(TRAINING)
    assert failure_of(qtbot, job).code == "worker-mute"


def test_a_worker_deaf_to_everything_is_killed_in_the_end(qtbot: Any, opened: Any) -> None:
    worker = opened("deaf")
    worker.run(TRAINING)
    with qtbot.waitSignal(worker.hello, timeout=20_000):
        pass
    qtbot.wait(200)
    with qtbot.waitSignal(worker.ended, timeout=20_000) as blocker:
        worker.close()
    assert blocker.args[0].kind == "stopped"


def test_a_program_that_is_missing_is_told(qtbot: Any) -> None:
    client = WorkerClient(["/nowhere/gemma-mlx-worker"], QUICK)
    worker = client.open()
    failure = failure_of(qtbot, worker.run(TRAINING))
    assert failure.code in ("worker-unstartable", "worker-gone")
    assert client.workers == ()


def test_a_flood_of_messages_leaves_the_window_alive(qtbot: Any, opened: Any) -> None:
    worker = opened("flood")
    job = worker.run(TRAINING)
    count = 0

    def add(_event: object) -> None:
        nonlocal count
        count += 1

    job.happened.connect(add)
    ticks: list[int] = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: ticks.append(count))
    timer.start()
    with qtbot.waitSignal(job.finished, timeout=60_000):
        pass
    assert count > 50_000
    between = [index for index in range(1, len(ticks)) if 0 < ticks[index] < 50_000]
    assert len(between) > 20, "the loop hardly turned while messages came in"


def test_ask_closes_its_worker(qtbot: Any) -> None:
    client = WorkerClient([*FAKE, "normal"], QUICK)
    job = client.ask(protocol.ListModels())
    with qtbot.waitSignal(job.finished, timeout=20_000):
        pass
    qtbot.waitUntil(lambda: client.workers == (), timeout=20_000)
