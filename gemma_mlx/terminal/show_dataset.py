"""A dataset for people: what its columns were taken for, its rows, their lengths and every problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.markup import escape

from gemma_mlx.data.prepare import prepare_dataset
from gemma_mlx.models.config import read_config
from gemma_mlx.settings import DataSettings
from gemma_mlx.terminal.interrupt import stoppable
from gemma_mlx.terminal.loading import DEMO, find_base
from gemma_mlx.terminal.output import ROWS_SHOWN, Output
from gemma_mlx.terminal.progress import EventDrawer
from gemma_mlx.text.tokenizer import Tokenizer, load_tokenizer

EXAMPLES_SHOWN = 3


def describe(settings: DataSettings, model: str, out: Output) -> dict[str, Any]:
    """The dataset as one document, with lengths in the tokens of `model` ("": of the embedded demo model).

    Raises:
        DatasetError: it cannot be used; every bad row is named.
        Cancelled: Ctrl-C.
    """
    folder = find_base(model or DEMO)
    if not model:
        out.warn(
            "demo-tokens",
            "Lengths are in tokens of the small embedded model.",
            "Give --model to count those of the model that you will train.",
        )
    tokenizer: Tokenizer = load_tokenizer(folder, read_config(folder))
    drawer = EventDrawer(out)
    with drawer.bars, stoppable() as control:
        prepared = prepare_dataset(settings, tokenizer, seed=0, progress=drawer.show, cancelled=control)
    examples = [
        {"source": row.source, "row": row.row, "text": row.text}
        for row in (prepared.train[index] for index in range(min(EXAMPLES_SHOWN, len(prepared.train))))
    ]
    return {"kind": "dataset", "model": str(folder), **prepared.report.as_dict(), "examples": examples}


def draw(document: dict[str, Any], out: Output) -> None:
    """The document for people."""
    out.say(f"[bold]{escape(', '.join(file['path'] for file in document['files']))}[/]")
    out.say(escape(document["statement"]))
    out.table(
        ("", ">Rows", ">Tokens", ">With loss", ">Shortest", ">Median", ">95 %", ">Longest"),
        [_split_line(name, document[name]) for name in ("train", "valid") if document[name]["examples"]],
    )
    _histogram(document["train"]["lengths"], out)
    for note in document["notes"]:
        out.say(f"[yellow]-[/] {escape(note)}")
    for label, rows, count in (
        ("cannot be used", document["bad_rows"], document["bad"]),
        ("left out", document["left_out_rows"], document["left_out"]),
    ):
        for row in rows[:ROWS_SHOWN]:
            out.say(escape(f"  {Path(row['file']).name}, line {row['line']} ({label}): {row['reason']}"))
        if count > ROWS_SHOWN:
            out.say(f"  and {count - ROWS_SHOWN} more")
    out.say("\n[bold]First rows[/]")
    for example in document["examples"]:
        text = " ".join(example["text"].split())
        out.say(escape(f"  {example['row']}: {text}"), style="dim")


def _split_line(name: str, split: dict[str, Any]) -> tuple[object, ...]:
    lengths = split["lengths"]
    return (
        {"train": "to train on", "valid": "to validate with"}[name],
        f"{split['examples']:,}",
        f"{split['tokens']:,}",
        f"{split['targets']:,}",
        lengths["minimum"],
        lengths["median"],
        lengths["percentile_95"],
        lengths["maximum"],
    )


def _histogram(lengths: dict[str, Any], out: Output, width: int = 40) -> None:
    """One line a bin, from the shortest to the longest."""
    counts, edges = lengths["counts"], lengths["edges"]
    if not counts:
        return
    out.say("\n[bold]Lengths in tokens[/]")
    first = next(index for index, count in enumerate(counts) if count)
    most = max(counts)
    for index in range(first, len(counts)):
        bar = "█" * round(width * counts[index] / most) or ("▏" if counts[index] else "")
        out.say(f"  {edges[index]:>6} to {edges[index + 1] - 1:<6} {bar} {counts[index]:,}")
