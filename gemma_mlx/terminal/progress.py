"""Draws the events of long work: a bar with time left, the latest measurements, samples and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from gemma_mlx import events
from gemma_mlx.terminal.output import Output


class EventDrawer:
    """Draws events as they come, on stderr; `done` holds the last one when the work is over."""

    def __init__(self, out: Output, *, on_sample: Callable[[events.Sample], None] | None = None) -> None:
        self._out = out
        self._on_sample = on_sample
        self._announced = ""
        self._tasks: dict[str, TaskID] = {}
        self.done: events.Done | None = None
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]{task.fields[note]}"),
            console=out.stderr,
            # A log file gets no bar: rich would print one line at the end of each.
            disable=not out.stderr.is_terminal,
        )

    def show(self, event: events.Event) -> None:
        """Draw one event."""
        match event:
            case events.Progress():
                self._progress(event)
            case events.Metrics():
                self._note(metrics_text(event.values))
                if "validation_loss" in event.values:
                    self._line(f"step {event.step}: {metrics_text(event.values)}")
            case events.Sample():
                if self._on_sample is not None:
                    self._on_sample(event)
                else:
                    self._line(f"step {event.step}, {event.prompt!r}: {event.text.strip()!r}")
            case events.Checkpoint():
                if event.path != self._announced:
                    self._line(f"checkpoint: {event.path}" + (" (best so far)" if event.best else ""))
                self._announced = event.path
            case events.Warning():
                self._out.warn(event.code, event.what, event.fix)
            case events.Done():
                self.done = event
                self._note("")

    def _progress(self, event: events.Progress) -> None:
        total = event.total or None
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self.bars.add_task(
                escape(event.stage), total=total, unit=event.unit, note=""
            )
        changes: dict[str, Any] = {"note": escape(event.note)} if event.note else {}
        self.bars.update(
            self._tasks[event.stage], completed=event.done, total=total, unit=event.unit, **changes
        )

    def _note(self, text: str) -> None:
        if self._tasks:
            self.bars.update(list(self._tasks.values())[-1], note=escape(text))

    def _line(self, text: str) -> None:
        if not self._out.json:
            self.bars.console.print(escape(text), style="dim", soft_wrap=True, highlight=False)


def metrics_text(values: dict[str, float]) -> str:
    """The measurements that fit beside a bar, in words."""
    words = {
        "train_loss": "loss {:.4f}",
        "validation_loss": "validation loss {:.4f}",
        "perplexity": "perplexity {:.2f}",
        "tokens_per_second": "{:,.0f} tokens/s",
    }
    return ", ".join(form.format(values[name]) for name, form in words.items() if name in values)


def follow(
    work: Iterable[events.Event], out: Output, *, on_sample: Callable[[events.Sample], None] | None = None
) -> events.Done:
    """Run long work to its end and draw it.

    Returns:
        The work's last event; one with outcome "stopped" and no result when the work ended without any.
    """
    drawer = EventDrawer(out, on_sample=on_sample)
    with drawer.bars:
        for event in work:
            drawer.show(event)
    return drawer.done or events.Done(outcome="stopped")


@contextmanager
def counting(out: Output, stage: str, unit: str = "steps") -> Iterator[Callable[[int, int], None]]:
    """A bar for work that reports `(done, total)` to a callback instead of yielding events."""
    drawer = EventDrawer(out)
    with drawer.bars:
        yield lambda done, total: drawer.show(events.Progress(stage, done, total, unit))
