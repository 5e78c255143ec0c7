"""The real worker against bad company: prints, bad commands, crashes inside, a window that dies."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.declaring import check_settings
from gemma_mlx.settings import RunSettings
from gemma_mlx.worker import protocol
from tests.tiny import write_tiny_model, write_tiny_tokenizer

SCRIPT = """
import os, sys, time
from gemma_mlx import events
from gemma_mlx.errors import GemmaError
from gemma_mlx.worker import protocol, worker
from gemma_mlx.worker.channel import take_standard_streams

class Panic(BaseException):
    "What a panic in Rust code looks like from Python."

def handle(context, command):
    {body}

program = worker.Worker(*take_standard_streams(), handlers={{protocol.ListModels: handle}})
import signal
signal.signal(signal.SIGTERM, lambda number, frame: program.close())
os._exit(program.run())
"""


def scripted(body: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT.format(body=body.replace("\n", "\n    "))]


def test_what_libraries_print_never_reaches_the_protocol(open_worker: Any) -> None:
    body = (
        "print('hello from a library')\nos.write(1, b'and from C')\nsys.stdout.flush()\nyield events.Done()"
    )
    pipe = open_worker(program=scripted(body))
    assert pipe.ask(protocol.ListModels())["outcome"] == "finished"
    log = pipe.log()
    assert "hello from a library" in log and "and from C" in log


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise Panic('rust')\nyield", "internal-error"),
        ("raise KeyError('x')\nyield", "internal-error"),
        ("raise SystemExit(3)\nyield", "internal-error"),
        ("raise MemoryError()\nyield", "out-of-memory"),
        ("raise RuntimeError('[malloc] Unable to allocate 9 bytes.')\nyield", "out-of-memory"),
        ("raise OSError(28, 'No space left on device', '/x')\nyield", "disk-full"),
        ("raise GemmaError('mine', 'What.', fix='So.')\nyield", "mine"),
        ("yield protocol.ResultMessage(job=command.job, data={'x': 'y' * 5_000_000})", "internal-error"),
    ],
)  # fmt: skip
def test_whatever_a_job_raises_is_told_and_the_next_job_runs(open_worker: Any, body: str, code: str) -> None:
    pipe = open_worker(
        program=scripted(f"if context.job == 'job-2':\n    yield events.Done()\n    return\n{body}")
    )
    failed = pipe.end_of(pipe.send(protocol.ListModels()))
    assert isinstance(failed, protocol.ErrorMessage)
    assert failed.code == code
    assert failed.fix
    pipe.end_of(pipe.send(protocol.ListModels()))


def test_tokens_are_joined_and_none_is_lost(open_worker: Any) -> None:
    body = "for n in range(3000):\n    yield events.Token(f'{n} ')\nyield events.Done()"
    pipe = open_worker(program=scripted(body))
    job = pipe.send(protocol.ListModels())
    pipe.end_of(job)
    tokens = [event for event in pipe.events(job) if event.type == "token"]
    assert "".join(token.text for token in tokens) == "".join(f"{n} " for n in range(3000))
    assert len(tokens) < 300


def test_a_line_that_is_no_command_is_an_error_without_a_job(open_worker: Any) -> None:
    pipe = open_worker()
    pipe.read()
    pipe.process.stdin.write(b'{"type": "surprise"}\n')
    pipe.process.stdin.flush()
    message = pipe.read()
    assert isinstance(message, protocol.ErrorMessage)
    assert (message.code, message.job) == ("bad-command", "")


def test_a_job_that_listens_to_nothing_still_ends_within_five_seconds(open_worker: Any) -> None:
    pipe = open_worker(program=scripted("yield events.Progress('busy', 0, 0)\nwhile True: time.sleep(1)"))
    pipe.send(protocol.ListModels())
    pipe.until(lambda message: isinstance(message, protocol.EventMessage))
    assert pipe.hang_up() < 6


def test_a_terminated_worker_ends_too(open_worker: Any) -> None:
    pipe = open_worker()
    pipe.read()
    os.kill(pipe.process.pid, signal.SIGTERM)
    # The main thread sleeps in the inbox; the handler runs when it wakes.
    assert pipe.process.wait(timeout=10) == 0


def test_listing_models_does_not_load_the_training_wing(open_worker: Any) -> None:
    body = "from gemma_mlx.worker.handlers import HANDLERS\n"
    body += "yield from HANDLERS[protocol.ListModels](context, command)"
    program = scripted(body)
    told = "print('training' if 'gemma_mlx.training.trainer' in sys.modules else 'light')"
    program[-1] = program[-1].replace("os._exit(program.run())", f"program.run()\n{told}\nos._exit(0)")
    pipe = open_worker(program=program)
    pipe.ask(protocol.ListModels())
    pipe.hang_up()
    assert pipe.process.stderr.read().decode().strip().endswith("light")


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    folder = tmp_path_factory.mktemp("training")
    write_tiny_model(folder / "tiny", "gemma2")
    write_tiny_tokenizer(folder / "tiny")
    rows = [json.dumps({"prompt": f"order {row}", "completion": f"apples {row}"}) for row in range(8)]
    (folder / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    values = {
        "model": str(folder / "tiny"),
        "data": {"dataset": str(folder / "rows.jsonl"), "validation_split": 0.0, "max_length": 64},
        "training": {"steps": 100_000, "batch_size": 2, "save_every": 50_000},
        "lora": {"rank": 2},
    }
    return check_settings(RunSettings, values, "test")


def test_a_dead_window_leaves_a_checkpoint_and_no_orphan(
    open_worker: Any, training: RunSettings, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    pipe = open_worker()
    pipe.send(protocol.StartTraining(settings=training, run_folder=str(run)))
    pipe.until(lambda message: isinstance(message, protocol.EventMessage) and message.event.type == "metrics")
    threading.Thread(target=pipe.process.stdout.read, daemon=True).start()
    assert pipe.hang_up() < 5
    assert list((run / "checkpoints").iterdir())
    assert json.loads((run / "run.json").read_text())["state"] == "paused"


def test_a_window_that_dies_with_its_pipes_too(
    open_worker: Any, training: RunSettings, tmp_path: Path
) -> None:
    """Both pipes break at once, as when the window's process is killed: writing must not stop the saving."""
    run = tmp_path / "run"
    pipe = open_worker()
    pipe.send(protocol.StartTraining(settings=training, run_folder=str(run)))
    pipe.until(lambda message: isinstance(message, protocol.EventMessage) and message.event.type == "metrics")
    started = time.monotonic()
    pipe.process.stdout.close()
    pipe.process.stdin.close()
    pipe.process.wait(timeout=20)
    assert time.monotonic() - started < 5
    assert list((run / "checkpoints").iterdir())
