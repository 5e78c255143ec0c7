"""Draws the events of long work: a bar with time left, the latest measurements, samples and warnings."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gemma_mlx import events
from gemma_mlx.terminal.output import Output

LOG_SECONDS = 30.0
"""Where there is no terminal, so often a line says how far the work is."""


class EventDrawer:
    """Draws events as they come, on stderr; `done` holds the last one when the work is over.

    A terminal shows a bar for the stage at hand, and one more for the work that this stage interrupts. A log
    gets a line now and then.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._terminal = out.stderr.is_terminal
        self._bars: dict[str, TaskID] = {}
        self._stage = ""
        self._measured = ""
        self._announced = ""
        self._logged = time.monotonic()
        self.done: events.Done | None = None
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]{task.fields[note]}"),
            console=out.stderr,
            disable=not self._terminal,
        )

    def show(self, event: events.Event) -> None:
        """Draw one event."""
        match event:
            case events.Progress():
                self._progress(event)
            case events.Metrics():
                self._measured = metrics_text(event.values)
                if "validation_loss" in event.values:
                    self._line(f"step {event.step}: {self._measured}")
            case events.Sample():
                self._line(f"step {event.step}, {event.prompt!r}: {event.text.strip()!r}")
            case events.Checkpoint():
                if event.path != self._announced:
                    self._line(f"checkpoint: {event.path}" + (" (best so far)" if event.best else ""))
                self._announced = event.path
            case events.Warning():
                self._out.warn(event.code, event.what, event.fix)
            case events.Done():
                self.done = event

    def _progress(self, event: events.Progress) -> None:
        count = f"{event.done:,}/{event.total:,} {event.unit}" if event.total else ""
        note = event.note or self._measured
        if not self._terminal:
            if event.total and time.monotonic() - self._logged >= LOG_SECONDS:
                self._logged = time.monotonic()
                self._line(", ".join(part for part in (f"{event.stage}: {count}", note) if part))
            return
        if event.stage != self._stage:
            self._put_away_finished()
            self._stage = event.stage
        if event.stage not in self._bars:
            self._bars[event.stage] = self.bars.add_task(
                escape(event.stage), total=None, count=count, note=""
            )
        self.bars.update(
            self._bars[event.stage],
            completed=event.done,
            total=event.total or None,
            count=count,
            note=escape(note),
        )

    def _put_away_finished(self) -> None:
        """Another stage begins: bars that are full, or whose length is not known, have had their time."""
        for stage, bar in list(self._bars.items()):
            task = self.bars.tasks[self.bars.task_ids.index(bar)]
            if task.total is None or task.completed >= task.total:
                self.bars.remove_task(bar)
                del self._bars[stage]

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


def follow(work: Iterable[events.Event], out: Output) -> events.Done:
    """Run long work to its end and draw it.

    Returns:
        The work's last event; one with outcome "stopped" and no result when the work ended without any.
    """
    drawer = EventDrawer(out)
    with drawer.bars:
        for event in work:
            drawer.show(event)
    return drawer.done or events.Done(outcome="stopped")
