"""Two ranks on loopback, as mlx.launch starts them, for tests that watch, stop or kill them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

SECONDS = 120.0
"""No rank of a test lives longer."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in taken]


class Rank:
    """One process of a ring and what it says."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], folder: Path, name: str) -> None:
        self.said = folder / f"{name}.out", folder / f"{name}.err"
        with self.said[0].open("wb") as out, self.said[1].open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdout=out,
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )

    @property
    def output(self) -> str:
        return self.said[0].read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """What it wrote to stderr, without MLX's own words about its sockets."""
        lines = self.said[1].read_text(encoding="utf-8").splitlines()
        return "\n".join(line for line in lines if not line.startswith("[ring]"))

    def status(self) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(SECONDS)


@contextmanager
def ring(folder: Path, *commands: Sequence[str]) -> Iterator[list[Rank]]:
    """One rank for each command (the words after `python`); none outlives the block."""
    hosts = folder / "hosts.json"
    hosts.write_text(json.dumps([[f"127.0.0.1:{port}"] for port in free_ports(len(commands))]))
    ranks = []
    try:
        for number, command in enumerate(commands):
            environment = {"MLX_RANK": str(number), "MLX_HOSTFILE": str(hosts)}
            words = [sys.executable, *command]
            ranks.append(Rank(words, environment, folder, f"rank{number}"))
        yield ranks
    finally:
        for rank in ranks:
            if rank.process.poll() is None:
                rank.process.kill()
            rank.process.wait()


def entries(run: Path, name: str = "metrics.jsonl") -> list[dict[str, Any]]:
    """The lines of a run's file that are whole."""
    path = run / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def until(condition: Callable[[], object], ranks: Sequence[Rank]) -> None:
    """Waits for something that the ranks do; fails when one of them ends first."""
    end = time.monotonic() + SECONDS
    while not condition():
        for rank in ranks:
            assert rank.process.poll() is None, rank.errors
        assert time.monotonic() < end
        time.sleep(0.02)
