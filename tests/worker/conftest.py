"""A worker process on a pipe, as the window holds one, without Qt."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx import events
from gemma_mlx.worker import protocol

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "real": [sys.executable, "-m", "gemma_mlx.worker.worker"],
    "fake": [sys.executable, str(ROOT / "tests" / "fake_worker.py"), "normal"],
}


class Pipe:
    """Sends commands, reads messages until one is looked for."""

    def __init__(self, program: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
            env={**os.environ, **environment},
        )  # fmt: skip
        self.seen: list[protocol.Message] = []
        self._count = 0

    def send(self, command: protocol.Command) -> str:
        """Send as a new job; gives its name."""
        self._count += 1
        job = f"job-{self._count}"
        assert self.process.stdin is not None
        self.process.stdin.write(protocol.encode(command.model_copy(update={"job": job})))
        self.process.stdin.flush()
        return job

    def read(self) -> protocol.Message:
        """The next message that is no heartbeat."""
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline()
            assert line, "the worker closed its pipe: " + self.log()
            message = protocol.decode_message(line)
            if not isinstance(message, protocol.Heartbeat):
                self.seen.append(message)
                return message

    def until(self, wanted: Callable[[protocol.Message], bool]) -> protocol.Message:
        while not wanted(message := self.read()):
            pass
        return message

    def end_of(self, job: str) -> protocol.Message:
        """The message that ends a job."""
        return self.until(lambda message: protocol.ends_job(message) and getattr(message, "job", None) == job)

    def ask(self, command: protocol.Command) -> dict[str, Any]:
        """A command's result, or the result of its Done; fails on an error."""
        message = self.end_of(self.send(command))
        if isinstance(message, protocol.EventMessage):
            assert isinstance(message.event, events.Done)
            return {**message.event.result, "outcome": message.event.outcome}
        assert isinstance(message, protocol.ResultMessage), message
        return message.data

    def events(self, job: str) -> list[events.Event]:
        """The events of a job that came so far."""
        return [
            message.event
            for message in self.seen
            if isinstance(message, protocol.EventMessage) and message.job == job
        ]

    def hang_up(self) -> float:
        """Close the pipe; gives the seconds until the process was gone."""
        assert self.process.stdin is not None
        started = time.monotonic()
        self.process.stdin.close()
        self.process.wait(timeout=30)
        return time.monotonic() - started

    def log(self) -> str:
        self.process.kill()
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()


@pytest.fixture
def open_worker(tmp_path: Path) -> Iterator[Callable[..., Pipe]]:
    """`open_worker("real")`: a worker whose data folder is the test's own."""
    pipes: list[Pipe] = []

    def open_one(kind: str = "real", program: list[str] | None = None) -> Pipe:
        home = {"GEMMA_MLX_HOME": str(tmp_path / "home"), "HF_HOME": str(tmp_path / "hub")}
        pipes.append(Pipe(program or PROGRAMS[kind], home))
        return pipes[-1]

    yield open_one
    for pipe in pipes:
        pipe.process.kill()
        pipe.process.wait()
        for stream in (pipe.process.stdin, pipe.process.stdout, pipe.process.stderr):
            if stream is not None:
                stream.close()
