"""Tests of a dataset's picture: counts, a histogram that adds up, the rows that are left out."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from gemma_mlx.settings import DataSettings
from gemma_mlx.terminal import show_dataset
from gemma_mlx.terminal.output import Output
from tests.command_line import write_rows


def test_counts_and_histogram(tiny_model: Path, tmp_path: Path) -> None:
    stream = StringIO()
    out = Output(stdout=Console(file=stream, width=200))
    settings = DataSettings(dataset=str(write_rows(tmp_path / "rows.jsonl", 30)), validation_split=0.2)
    document = show_dataset.describe(settings, str(tiny_model), out)
    assert document["rows"] == 30
    assert document["train"]["examples"] + document["valid"]["examples"] == 30
    assert sum(document["train"]["lengths"]["counts"]) == document["train"]["examples"]
    assert [example["row"] for example in document["examples"]] == sorted(
        example["row"] for example in document["examples"]
    )
    show_dataset.draw(document, out)
    said = stream.getvalue()
    assert "to train on" in said and "to validate with" in said
    bars = [line for line in said.splitlines() if "█" in line]
    assert sum(int(line.split()[-1]) for line in bars) == document["train"]["examples"]


def test_rows_that_nothing_can_be_learned_from_are_named(tiny_model: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", 6)
    with path.open("a") as file:
        file.write('{"prompt": "' + "long " * 200 + '", "completion": "x"}\n')
    stream = StringIO()
    out = Output(stdout=Console(file=stream, width=200))
    document = show_dataset.describe(DataSettings(dataset=str(path), max_length=64), str(tiny_model), out)
    assert document["left_out"] == 1 and document["left_out_rows"][0]["line"] == 7
    show_dataset.draw(document, out)
    assert "rows.jsonl, line 7 (left out)" in stream.getvalue()


def test_without_a_model_it_says_whose_tokens_it_counts(tmp_path: Path) -> None:
    out = Output(json=True)
    document = show_dataset.describe(DataSettings(dataset=str(write_rows(tmp_path / "rows.jsonl"))), "", out)
    assert document["rows"] == 24
    assert [warning["code"] for warning in out.warnings] == ["demo-tokens"]
