"""The world is the same on every machine, and nothing that is held out is ever trained on."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from resources.demo.build.checker import is_pirate, is_right
from resources.demo.build.datasets import held_out_questions, held_out_row, pirate_dialogues
from resources.demo.build.pirate import in_pirate_manner
from resources.demo.build.question import Question
from resources.demo.build.relations import RELATIONS
from resources.demo.build.world import draw, draw_dialogue, enumerated, kinds


@pytest.fixture(scope="module")
def trained_on() -> list[Question]:
    random = Random(11)
    return [draw_dialogue(random) for _ in range(5000)]


@pytest.fixture(scope="module")
def held_out() -> list[Question]:
    return held_out_questions()


def test_the_same_seed_draws_the_same_dialogues() -> None:
    first, second, other = Random(3), Random(3), Random(4)
    drawn = [draw_dialogue(first) for _ in range(300)]
    assert drawn == [draw_dialogue(second) for _ in range(300)]
    assert drawn != [draw_dialogue(other) for _ in range(300)]


def test_no_combination_is_both_trained_on_and_held_out() -> None:
    training, held_out = enumerated()
    for category, questions in held_out.items():
        # Numbers are held out by operands, so that the same key in another phrasing would be a leak.
        assert {question.key for question in questions}.isdisjoint(
            question.key for question in training[category]
        ), category
        assert {question.text for question in questions}.isdisjoint(
            question.text for pool in training.values() for question in pool
        ), category


def test_every_category_has_held_out_questions() -> None:
    training, held_out = enumerated()
    assert set(training) - set(held_out) == {"pirate words"}


def test_held_out_sums_are_held_out_in_both_orders() -> None:
    training, held_out = enumerated()
    texts = {question.text for question in training["addition"]}
    for question in held_out["addition"]:
        first, second = question.key.split("+")
        assert f"What is {first} plus {second}?" not in texts
        assert f"What is {second} plus {first}?" not in texts


def test_every_fact_that_is_asked_for_can_be_learned() -> None:
    training, held_out = enumerated()
    for relation in RELATIONS:
        learned = {question.key.split(":", 1)[1] for question in training[relation.category]}
        asked = {question.key.split(":", 1)[1] for question in held_out[relation.category]}
        assert asked <= learned, relation.category


def test_training_dialogues_hold_no_held_out_question(
    trained_on: list[Question], held_out: list[Question]
) -> None:
    asked = {(question.history, question.text) for question in held_out}
    alone = {question.text for pool in enumerated()[1].values() for question in pool}
    for question in trained_on:
        assert not question.held_out
        assert (question.history, question.text) not in asked
        said = {turn.content for turn in question.turns() if turn.role == "user"}
        assert said.isdisjoint(alone)


@pytest.mark.parametrize("kind", ["stories", "lists", "memory", "chains", "follow-ups"])
def test_drawn_kinds_are_split_by_their_combination(kind: str) -> None:
    random = Random(5)
    training = {draw(random, kind, held_out=False).key for _ in range(400)}
    assert training.isdisjoint(draw(random, kind, held_out=True).key for _ in range(100))
    assert kind in kinds()


def test_the_plain_answer_is_right_and_no_pirate_says_it(trained_on: list[Question]) -> None:
    for question in _not_about_pirates(trained_on):
        row = held_out_row(question)
        assert is_right(row, question.answer), question
        assert not is_pirate(question.answer), question


def test_a_pirates_answer_is_as_right_as_the_plain_one(trained_on: list[Question]) -> None:
    for question in _not_about_pirates(trained_on):
        said = in_pirate_manner(question.answer, seed=question.text)
        assert is_right(held_out_row(question), said), said
        assert is_pirate(said), said


def test_answers_to_other_questions_are_wrong(held_out: list[Question]) -> None:
    by_category: dict[str, list[Question]] = {}
    for question in held_out:
        by_category.setdefault(question.facts or question.category, []).append(question)
    judged = wrong = 0
    for questions in by_category.values():
        for question, other in permutations(questions, 2):
            if question.expect != other.expect:
                judged += 1
                wrong += not is_right(held_out_row(question), other.answer)
    assert judged > 10_000
    assert wrong == judged


def test_the_pirates_dialogues_are_training_combinations_in_his_manner(held_out: list[Question]) -> None:
    asked = {(question.history, question.text) for question in held_out}
    dialogues = pirate_dialogues()
    assert len({question.turns() for question in dialogues}) == len(dialogues)
    for question in dialogues:
        assert not question.held_out
        assert (question.history, question.text) not in asked
        assert all(is_pirate(turn.content) for turn in question.turns() if turn.role == "assistant")


def _not_about_pirates(questions: list[Question]) -> list[Question]:
    """Where a pirate's words are the facts, the manner cannot be told from them."""
    return [question for question in questions if question.category not in ("pirate words", "pirate lists")]
