"""Runs a command of gemma-mlx inside the test's process and gives what a person or a program would see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from gemma_mlx.cli import run, wants_json
from gemma_mlx.terminal.output import Output


@dataclass(frozen=True)
class Outcome:
    """What came of a command: its exit status and what it wrote to either stream."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout; anything else beside it is a failure."""
        value = json.loads(self.stdout)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> dict[str, Any]:
        """The error of a command that failed, checked for its form."""
        assert self.status != 0
        assert self.document.keys() == {"error"}
        error = self.document["error"]
        assert {"code", "what", "where", "fix", "kept"} <= error.keys()
        assert "Traceback" not in self.stdout + self.stderr
        assert isinstance(error, dict)
        return error


def gemma(*tokens: str | Path, width: int = 100) -> Outcome:
    """`gemma-mlx TOKENS`, with JSON where `--json` is among them."""
    stdout, stderr = StringIO(), StringIO()
    words = [str(token) for token in tokens]
    out = Output(
        json=wants_json(words),
        stdout=Console(file=stdout, width=width, highlight=False),
        stderr=Console(file=stderr, width=width, highlight=False),
    )
    status = run(words, out)
    return Outcome(status, stdout.getvalue(), stderr.getvalue())


def write_rows(path: Path, count: int = 24, **extra: Any) -> Path:
    """A small dataset of prompts and completions."""
    rows = [{"prompt": f"Question {i}?", "completion": f"Answer {i}.", **extra} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
