"""What a command says: tables and words for people, or nothing at all until its one JSON document."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gemma_mlx.errors import DatasetError, GemmaError

ROWS_SHOWN = 20
"""Bad rows of a dataset that are listed for people; the JSON document lists all of them."""


class Output:
    """Where a command's words go. Results are on stdout; progress, warnings and errors on stderr.

    With `json` a command returns its document and says nothing besides; `cli.py` prints it.
    """

    def __init__(
        self, *, json: bool = False, stdout: Console | None = None, stderr: Console | None = None
    ) -> None:
        self.json = json
        self.stdout = stdout or Console(highlight=False)
        self.stderr = stderr or Console(stderr=True, highlight=False)
        self.warnings: list[dict[str, str]] = []

    def say(self, *renderables: Any, style: str | None = None) -> None:
        """Show text or a renderable to a person. Strings may carry rich's markup: escape others' text."""
        if not self.json:
            # The terminal breaks long lines of text itself, so that a path or command can be copied whole.
            text = all(isinstance(renderable, str) for renderable in renderables)
            self.stdout.print(*renderables, style=style, soft_wrap=text)

    def write(self, text: str) -> None:
        """Show a model's text as it is and at once: no markup, no wrapping."""
        if not self.json:
            self.stdout.out(text, end="", highlight=False)
            self.stdout.file.flush()

    def suggest(self, command: str, *arguments: object) -> None:
        """Show a command to try next, its arguments quoted for the shell."""
        quoted = " ".join(shlex.quote(str(argument)) for argument in arguments)
        self.say(f"  [bold]{command}[/] {escape(quoted)}")

    def aside(self, text: str) -> None:
        """Say something beside the result, on stderr: it does not get into a file or a pipe."""
        if not self.json:
            self.stderr.print(escape(text), style="dim", soft_wrap=True)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
    ) -> None:
        """Show rows; columns whose name starts with ">" are aligned to the right."""
        if title is not None:
            self.say(title, style="italic")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for column in columns:
            right = column.startswith(">")
            table.add_column(
                column.removeprefix(">"), justify="right" if right else "left", header_style="bold"
            )
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.say(table)

    def warn(self, code: str, what: str, fix: str = "") -> None:
        """Note something that does not stop the work: on stderr, and in the document's "warnings"."""
        self.warnings.append({"code": code, "what": what, "fix": fix})
        if not self.json:
            self.stderr.print(
                f"[yellow]Note:[/] {escape(what)}" + (f" {escape(fix)}" if fix else ""), soft_wrap=True
            )

    def document(self, result: dict[str, Any]) -> None:
        """Print a command's one JSON document."""
        if self.json:
            whole = {**result, "warnings": self.warnings} if self.warnings else result
            self._print_json(whole, sys.stdout if self.stdout.file is sys.__stdout__ else self.stdout.file)

    def error(self, problem: GemmaError) -> None:
        """Say what went wrong, where, how to mend it and what was kept."""
        if self.json:
            self._print_json({"error": problem.as_dict()}, self.stdout.file)
            return
        self._complain(f"[bold red]Error:[/] {escape(problem.what)}")
        if isinstance(problem, DatasetError) and problem.problems:
            for row in problem.problems[:ROWS_SHOWN]:
                self._complain(escape(f"  {row.file}, line {row.line}: {row.reason}"))
            if len(problem.problems) > ROWS_SHOWN:
                self._complain(f"  and {len(problem.problems) - ROWS_SHOWN} more (--json lists all)")
        for label, text in (("Where", problem.where), ("To mend it", problem.fix), ("Kept", problem.kept)):
            if text:
                self._complain(f"[bold]{label}:[/] {escape(text)}")

    def _complain(self, text: str) -> None:
        self.stderr.print(text, soft_wrap=True)

    @staticmethod
    def _print_json(document: dict[str, Any], stream: Any) -> None:
        stream.write(
            json.dumps(document, ensure_ascii=False, indent=2, default=_plain, allow_nan=False) + "\n"
        )
        stream.flush()


def _plain(value: Any) -> Any:
    """What json does not know by itself: paths, sets and settings."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} in a JSON document")


def size_text(size: float) -> str:
    """A number of bytes in words: 1536 -> "1.5 kB" (powers of 1000, as disks and the Finder count)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


def time_text(seconds: float) -> str:
    """A duration in words: 75 -> "1 min 15 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def bars(values: Sequence[float], *, width: int = 60) -> str:
    """A curve in one line of block characters, the lowest value the lowest; long curves are averaged."""
    finite = [value for value in values if value == value and abs(value) != float("inf")]
    if not finite:
        return ""
    if len(finite) > width:
        edges = [round(i * len(finite) / width) for i in range(width + 1)]
        finite = [sum(finite[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(finite), max(finite)
    blocks = "▁▂▃▄▅▆▇█"
    step = (high - low) / (len(blocks) - 1) or 1.0
    return "".join(blocks[round((value - low) / step)] for value in finite)
