"""Tests of the one error root: four answers for people, the same for programs."""

from __future__ import annotations

import json

import pytest

from gemma_mlx import errors
from gemma_mlx.errors import Cancelled, DatasetError, GemmaError, RowProblem


def test_it_says_what_where_how_to_mend_it_and_what_was_kept() -> None:
    problem = GemmaError("some-code", "It broke.", where="a.json", fix="Mend it.", kept="The rest.")
    assert str(problem) == "It broke.\nWhere: a.json\nTo mend it: Mend it.\nKept: The rest."
    assert str(GemmaError("some-code", "It broke.")) == "It broke."


def test_it_crosses_the_wire_whole() -> None:
    problem = GemmaError("some-code", "It broke.", where="a.json", fix="Mend it.", kept="The rest.")
    assert json.loads(json.dumps(problem.as_dict())) == {
        "code": "some-code", "what": "It broke.", "where": "a.json", "fix": "Mend it.", "kept": "The rest.",
    }  # fmt: skip


def test_a_dataset_names_every_bad_row() -> None:
    rows = (RowProblem("a.jsonl", 7, "no answer"), RowProblem("a.jsonl", 9, "no question"))
    document = json.loads(json.dumps(DatasetError("bad-rows", "Bad.", problems=rows).as_dict()))
    assert [problem["line"] for problem in document["problems"]] == [7, 9]


@pytest.mark.parametrize(
    "kind",
    [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, GemmaError)],
)
def test_all_have_one_root(kind: type[GemmaError]) -> None:
    problem = kind("what was kept") if kind is Cancelled else kind("some-code", "It broke.")
    assert isinstance(problem, GemmaError) and problem.as_dict()["code"]
