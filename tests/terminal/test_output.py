"""Tests of what a command says: to people, as JSON, and with others' text in it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gemma_mlx.errors import DatasetError, GemmaError, RowProblem
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.terminal.output import ROWS_SHOWN, Output, bars, size_text, time_text


def output(*, json: bool = False) -> tuple[Output, StringIO, StringIO]:
    stdout, stderr = StringIO(), StringIO()
    consoles = {"stdout": Console(file=stdout, width=60), "stderr": Console(file=stderr, width=60)}
    return Output(json=json, **consoles), stdout, stderr


def test_with_json_nothing_is_said_beside_the_document() -> None:
    out, stdout, stderr = output(json=True)
    out.say("words")
    out.write("words")
    out.aside("words")
    out.table(("a",), [("b",)])
    out.warn("some-code", "what", "fix")
    assert stdout.getvalue() == stderr.getvalue() == ""
    out.document({"path": Path("/a/b"), "settings": SamplingSettings(), "set": {1}})
    document = json.loads(stdout.getvalue())
    assert document["path"] == "/a/b"
    assert document["settings"]["top_k"] == 50
    assert document["warnings"] == [{"code": "some-code", "what": "what", "fix": "fix"}]


def test_a_number_that_json_lacks_is_a_mistake_of_ours_and_not_written() -> None:
    out, _, _ = output(json=True)
    with pytest.raises(ValueError):
        out.document({"loss": float("nan")})


def test_an_error_says_what_where_how_to_mend_it_and_what_was_kept() -> None:
    out, stdout, stderr = output()
    out.error(GemmaError("c", "It broke.", where="file.json, field x", fix="Mend it.", kept="The rest."))
    assert stdout.getvalue() == ""
    lines = stderr.getvalue().splitlines()
    assert lines == [
        "Error: It broke.",
        "Where: file.json, field x",
        "To mend it: Mend it.",
        "Kept: The rest.",
    ]


def test_bad_rows_are_listed_for_people_and_all_of_them_in_json() -> None:
    problems = [RowProblem("rows.jsonl", line, f"reason {line}") for line in range(1, ROWS_SHOWN + 6)]
    out, _, stderr = output()
    out.error(DatasetError("bad-rows", "Bad.", problems=problems))
    assert "line 20: reason 20" in stderr.getvalue()
    assert "line 21" not in stderr.getvalue()
    assert "and 5 more" in stderr.getvalue()
    out, stdout, _ = output(json=True)
    out.error(DatasetError("bad-rows", "Bad.", problems=problems))
    assert len(json.loads(stdout.getvalue())["error"]["problems"]) == ROWS_SHOWN + 5


def test_brackets_in_names_and_texts_stay_as_they_are() -> None:
    out, stdout, stderr = output()
    out.table(("name",), [("[bold]folder[/]",)])
    out.suggest("gemma-mlx chat", "/tmp/[a] b")
    out.write("[red]said[/]")
    out.aside("[1] of [2]")
    out.warn("c", "folder [x]")
    out.error(GemmaError("c", "no [y]", where="/tmp/[z]"))
    for text in ("[bold]folder[/]", "'/tmp/[a] b'", "[red]said[/]"):
        assert text in stdout.getvalue()
    for text in ("[1] of [2]", "folder [x]", "no [y]", "/tmp/[z]"):
        assert text in stderr.getvalue()


def test_a_long_path_is_not_broken() -> None:
    out, stdout, _ = output()
    path = "/tmp/" + "folder/" * 30
    out.say(path)
    assert path in stdout.getvalue()


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1536, "1.5 kB"), (5.2e9, "5.2 GB"), (3e12, "3000.0 GB")]
)
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(3.25, "3.2 s"), (75, "1 min 15 s"), (7260, "2 h 1 min")])
def test_times(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_a_curve_in_one_line() -> None:
    assert bars([]) == ""
    assert bars([1.0, 1.0]) == "▁▁"
    assert bars([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert bars([float("nan"), 1.0, 2.0]) == "▁█"
    long = bars([float(i) for i in range(1000)], width=20)
    assert len(long) == 20 and long[0] == "▁" and long[-1] == "█"
