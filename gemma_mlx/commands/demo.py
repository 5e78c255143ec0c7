"""`gemma-mlx demo`: the main job on the embedded model, in under two minutes and without a network."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from gemma_mlx.errors import Cancelled
from gemma_mlx.events import Event
from gemma_mlx.terminal.flags import JsonFlag
from gemma_mlx.terminal.interrupt import Interrupted, stoppable
from gemma_mlx.terminal.output import Output, time_text
from gemma_mlx.terminal.progress import EventDrawer, follow

if TYPE_CHECKING:
    from gemma_mlx.demo import Judge, Question


def demo(
    *,
    questions: Annotated[int, Parameter(help="Held-out questions that are asked before and after.")] = 100,
    shown: Annotated[int, Parameter(help="How many of them are shown.")] = 8,
    run_folder: Annotated[
        Path | None, Parameter(name="--out", help="The run's folder. Not given: a new one in the library.")
    ] = None,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Ask the embedded model held-out questions, fine-tune it on the pirate dataset, and ask again."""
    from gemma_mlx.library.store import new_run_folder

    folder = run_folder or new_run_folder("demo")
    try:
        with stoppable() as interrupted:
            return _demo(questions, shown, folder, out, interrupted)
    finally:
        with contextlib.suppress(OSError):  # a run that did not begin leaves no trace; another is not empty
            folder.rmdir()


def _demo(questions: int, shown: int, folder: Path, out: Output, interrupted: Interrupted) -> dict[str, Any]:
    from gemma_mlx import demo as demonstration
    from gemma_mlx.load import load_model
    from gemma_mlx.training import trainer

    started = time.perf_counter()
    settings = demonstration.recipe()
    asked = demonstration.spread(demonstration.held_out_questions(), questions)
    judge = demonstration.Judge()

    out.say("[bold]1. The embedded Gemma answers questions that it has never seen[/]")
    base = load_model(settings.model)
    before = _finished(demonstration.answers(base, asked, tuned=False, cancel=interrupted), out)
    out.say(_answers(asked[:shown], judge, ("The model", before)))

    out.say("\n[bold]2. It learns to talk like a pirate[/]")
    control = trainer.Control()
    done = follow(_stopped_with(interrupted, control, settings, folder), out)
    if done.outcome != "finished":
        raise Cancelled(kept=f"What was learned: {folder}")

    tuned = load_model(settings.model, adapter=done.result["adapter"])
    after = _finished(demonstration.answers(tuned, asked, tuned=True, cancel=interrupted), out)
    out.say("\n[bold]3. Before and after[/]")
    out.say(_answers(asked[:shown], judge, ("Before", before), ("After", after)))
    return _conclude(asked, before, after, judge, done.result, time.perf_counter() - started, out)


def _stopped_with(interrupted: Interrupted, control: Any, settings: Any, folder: Path) -> Iterator[Event]:
    """The trainer's events; Ctrl-C reaches it between them."""
    from gemma_mlx.training import trainer

    for event in trainer.train(settings, folder, control=control):
        if interrupted():
            control.request = "stop"
        yield event


def _finished(work: Generator[Event, None, list[str]], out: Output) -> list[str]:
    """Draw a generator's events and give what it returns."""
    drawer = EventDrawer(out)
    with drawer.bars:
        while True:
            try:
                drawer.show(next(work))
            except StopIteration as end:
                texts: list[str] = end.value
                return texts


def _answers(asked: list[Question], judge: Judge, *columns: tuple[str, list[str]]) -> Table:
    """Questions beside answers, each answer marked right or wrong."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("Question", *(name for name, _ in columns)):
        table.add_column(name, header_style="bold", ratio=1)
    for place, question in enumerate(asked):
        texts = [answers[place] for _, answers in columns]
        marked = [f"{_mark(judge.is_right(question, text))} {escape(_short(text))}" for text in texts]
        table.add_row(escape(question.text), *marked)
    return table


def _short(text: str, most: int = 160) -> str:
    """One line; a model that babbles must not fill the screen."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}..."


def _mark(right: bool) -> str:
    return "[green]✓[/]" if right else "[red]✗[/]"


def _conclude(
    asked: list[Question],
    before: list[str],
    after: list[str],
    judge: Judge,
    trained: dict[str, Any],
    seconds: float,
    out: Output,
) -> dict[str, Any]:
    """The counts, and how to go on."""
    from gemma_mlx.demo import in_manner

    counts = {}
    for name, answers in (("before", before), ("after", after)):
        right = [judge.is_right(question, text) for question, text in zip(asked, answers, strict=True)]
        manner = [in_manner(text) for text in answers]
        both = sum(a and b for a, b in zip(right, manner, strict=True))
        counts[name] = {"right": sum(right), "in_manner": sum(manner), "right_and_in_manner": both}
    out.say("")
    out.table(
        (f"Of {len(asked)} held-out questions", ">right", ">like a pirate", ">both"),
        [(name, *numbers.values()) for name, numbers in counts.items()],
    )
    out.say(f"\nAll of it took {time_text(seconds)}. Go on:")
    out.suggest("gemma-mlx chat", "demo", "--adapter", trained["adapter"])
    out.suggest("gemma-mlx inspect", trained["run"])
    out.say("  [bold]make app[/]   the same in a window")
    out.say("  [bold]gemma-mlx train[/] FOLDER --dataset FILE   a real Gemma on data of your own")
    compared = [
        {"question": question.text, "expected": question.answer, "before": first, "after": second}
        for question, first, second in zip(asked, before, after, strict=True)
    ]
    return {"questions": len(asked), **counts, "seconds": seconds, "training": trained, "answers": compared}
