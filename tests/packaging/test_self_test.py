"""The app tries itself: what is well passes, what is not is reported with the worker's last words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gui.self_test import STEPS, listing, self_test

ROOT = Path(__file__).parents[2]


def try_itself(*steps: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GEMMA_MLX_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "gui.app", "--self-test", *steps],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.slow
def test_window_worker_and_chat_are_tried_and_nothing_is_left(tmp_path: Path) -> None:
    ended = try_itself("window", "worker", "chat", home=tmp_path / "home")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ok     window" in ended.stdout and "The capital of Italy is Rome." in ended.stdout
    assert "All is well" in ended.stdout
    assert list((tmp_path / "home").iterdir()) == []


def test_a_step_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = try_itself("nonsense", home=tmp_path)
    assert ended.returncode == 2
    assert "nonsense" in ended.stdout and "quantize" in ended.stdout


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        (["/nowhere/gemma-mlx"], "unstartable"),
        ([sys.executable, "-c", "import sys; sys.exit('token hf_abcdefghijkl of /home/anna')"], "crashed"),
    ],
)
def test_a_worker_that_does_not_start_is_reported(
    qapp: Any, gemma_home: Path, capsys: pytest.CaptureFixture[str], worker: list[str], reason: str
) -> None:
    status = self_test(qapp, engine=worker, worker=worker, window=worker, only=["worker"])
    report = capsys.readouterr().out
    assert status == 1
    assert "FAILED worker" in report and reason in report
    assert "hf_abcdefghijkl" not in report and "anna" not in report
    assert "Gemma MLX" in report and "FAILED, " in report
    assert list(gemma_home.iterdir()) == []


def test_a_verification_that_fails_fails_the_test(
    qapp: Any, gemma_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = '{"passed": 3, "failed": 1, "device": "cpu", "first_deviation": "layer 2"}'
    engine = [sys.executable, "-c", f"import sys; print({said!r}); sys.exit(1)"]
    assert self_test(qapp, engine=engine, worker=engine, window=engine, only=["recording"]) == 1
    report = capsys.readouterr().out
    assert "3 within limits, 1 beyond" in report and "layer 2" in report


def test_slow_starts_are_told(
    qapp: Any, gemma_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.self_test.WINDOW_SECONDS", 0.1)
    monkeypatch.setattr("gui.self_test.WORKER_SECONDS", 20.0)
    slow = [sys.executable, "-c", "import time; time.sleep(0.3); print('up')"]
    quick = [sys.executable, "-c", "print('up')"]
    assert self_test(qapp, engine=quick, worker=quick, window=slow, only=["speed"]) == 0
    report = capsys.readouterr().out
    assert "of 0 s (LATE)" in report and "of 20 s\n" in report


def test_outside_a_bundle_there_is_nothing_to_keep_unchanged() -> None:
    assert listing() == set()


def test_every_promise_of_the_bundle_has_its_step() -> None:
    assert {"window", "worker", "quantize", "train", "chat", "recording", "speed"} <= STEPS.keys()


def test_a_folder_that_cannot_be_written_is_reported(
    qapp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("GEMMA_MLX_HOME", str(tmp_path / "file"))
    assert self_test(qapp, engine=["x"], worker=["x"], window=["x"], only=["worker"]) == 1
    assert "FAILED folder" in capsys.readouterr().out
