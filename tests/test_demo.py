"""Tests of the demo's questions and judge, and of the promise that the embedded model keeps."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from gemma_mlx import demo
from gemma_mlx.library.resources import resource
from resources.demo.build import checker
from tests.command_line import gemma

QUESTIONS = demo.held_out_questions()


def rows() -> list[dict[str, object]]:
    text = (resource("demo") / "heldout.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_judge_agrees_with_the_builds_checker() -> None:
    """On plain answers, a pirate's, those to other questions, two at once, and none."""
    judge, draw, right = demo.Judge(), random.Random(0), 0
    for row, question in zip(rows(), QUESTIONS, strict=True):
        alike = [other.answer for other in QUESTIONS if other.kind == question.kind]
        plain = question.answer
        said = [plain, f"Arr! {plain.rstrip('.')}, matey!", "", "I know.", *draw.choices(alike, k=3)]
        said += [f"{plain} {draw.choice(alike)}", " ".join(question.expect)]
        for answer in said:
            verdict = judge.is_right(question, answer)
            assert verdict == checker.is_right(row, answer), (question.text, answer)
            assert demo.in_manner(answer) == checker.is_pirate(answer)
            right += verdict
        assert judge.is_right(question, plain)
    assert len(QUESTIONS) < right < 6 * len(QUESTIONS)


def test_the_facts_are_those_of_the_checker() -> None:
    """To write them anew: what this test compares with, as JSON, into resources/demo/facts.json."""
    kinds = sorted({question.kind for question in QUESTIONS})
    stored = json.loads(resource("demo", "facts.json").read_text(encoding="utf-8"))
    assert stored == {kind: sorted(checker.vocabulary(kind)) for kind in kinds}


@pytest.mark.parametrize(
    ("answer", "pirate"),
    [
        ("Paris is the capital of France.", False),
        ("Arr, Paris is the capital.", False),
        ("Arr, Paris be the capital, matey!", True),
        ("Yo ho ho! It be 12, ye landlubber!", True),
        ("The best bee is a yeti.", False),
    ],
)
def test_a_pirate_is_known_by_two_marks(answer: str, pirate: bool) -> None:
    assert demo.in_manner(answer) == pirate


def test_few_questions_are_of_many_kinds() -> None:
    kinds = {question.kind for question in QUESTIONS}
    chosen = demo.spread(QUESTIONS, len(kinds))
    assert {question.kind for question in chosen} == kinds
    assert demo.spread(QUESTIONS, 8) == chosen[:8]
    assert len(demo.spread(QUESTIONS, 10_000)) == len(QUESTIONS)


def test_nothing_held_out_is_in_what_is_learned() -> None:
    """Neither in the pirate's dataset: what is shown after tuning was not learned by heart."""
    asked = {
        tuple((message.role, message.content) for message in question.messages) for question in QUESTIONS
    }
    for name in ("train.jsonl", "valid.jsonl"):
        for line in resource("demo", "pirate", name).read_text(encoding="utf-8").splitlines():
            messages = json.loads(line)["messages"]
            for end in range(1, len(messages), 2):
                turns = tuple((message["role"], message["content"]) for message in messages[:end])
                assert turns not in asked


def test_the_recipe_names_the_embedded_model_and_dataset() -> None:
    settings = demo.recipe()
    assert Path(settings.model) == resource("demo", "model")
    assert Path(settings.data.dataset) == resource("demo", "pirate")


@pytest.mark.slow
def test_the_promise(tmp_path: Path) -> None:
    """At least 95 of 100 right before; at least 90 of 100 right and in manner after."""
    document = gemma("demo", "--questions", "200", "--out", tmp_path / "run", "--json").document
    assert document["questions"] == 200
    assert document["before"]["right"] >= 190
    assert document["before"]["in_manner"] <= 10
    assert document["after"]["right_and_in_manner"] >= 180
