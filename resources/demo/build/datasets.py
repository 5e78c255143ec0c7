"""Writes the held-out questions and the pirate's dataset: what the demo measures by, and what it teaches."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from resources.demo.build.manners import as_pirate, suits_a_pirate
from resources.demo.build.question import Question, Turn
from resources.demo.build.world import (
    draw,
    draw_dialogue,
    enumerated,
    kinds,
    with_rules,
    with_turns_before,
)

PER_CATEGORY = 24
LONGER = 40
TRAIN_ROWS, VALID_ROWS = 1000, 60
_MOST_CHARACTERS = 150


def held_out_questions(seed: int = 0) -> list[Question]:
    """Questions of every category whose combinations training never saw, in random order."""
    random = Random(f"held-out/{seed}")
    questions: dict[tuple[str, ...], Question] = {}
    for pool in enumerated()[1].values():
        chosen = random.sample(pool, min(PER_CATEGORY, len(pool)))
        questions |= {_identity(question): question for question in chosen}
    for kind in (kind for kind in kinds() if kind not in enumerated()[0]):
        drawn: dict[tuple[str, ...], Question] = {}
        while len(drawn) < (2 * PER_CATEGORY if kind in ("lists", "follow-ups") else PER_CATEGORY):
            question = draw(random, kind, held_out=True)
            drawn[_identity(question)] = question
        questions |= drawn
    categories = list(enumerated()[1])
    for name, lengthen in (("several turns", with_turns_before), ("long prompts", with_rules)):
        for _ in range(LONGER):
            question = draw(random, random.choice(categories), held_out=True)
            longer = lengthen(random, question).filed_under(name)
            questions[_identity(longer)] = longer
    rows = sorted(questions.values(), key=_identity)
    random.shuffle(rows)
    return rows


def pirate_dialogues(seed: int = 0) -> list[Question]:
    """Dialogues from training's combinations, every answer in the pirate's manner; no two alike."""
    random = Random(f"pirate/{seed}")
    questions: dict[tuple[str, ...], Question] = {}
    while len(questions) < TRAIN_ROWS + VALID_ROWS:
        question = draw_dialogue(random)
        if not suits_a_pirate(question):
            continue
        # Short rows: the manner is learned per answer, the time is spent per token.
        if sum(len(turn.content) for turn in question.turns()) <= _MOST_CHARACTERS:
            questions.setdefault(_identity(question), as_pirate(question))
    return list(questions.values())


def held_out_row(question: Question) -> dict[str, Any]:
    """A line of heldout.jsonl: the dialogue up to the question, and what checks an answer."""
    return {
        "category": question.category,
        "messages": _messages(question.turns()[:-1]),
        "answer": question.answer,
        "expect": list(question.expect),
        "ordered": question.ordered,
        "facts": question.facts or question.category,
    }


def write_datasets(folder: Path) -> None:
    """heldout.jsonl, pirate/train.jsonl and pirate/valid.jsonl in `folder`."""
    _write(folder / "heldout.jsonl", map(held_out_row, held_out_questions()))
    rows = [{"messages": _messages(question.turns())} for question in pirate_dialogues()]
    _write(folder / "pirate" / "train.jsonl", rows[:TRAIN_ROWS])
    _write(folder / "pirate" / "valid.jsonl", rows[TRAIN_ROWS:])


def _identity(question: Question) -> tuple[str, ...]:
    return tuple(turn.content for turn in question.turns()[:-1])


def _messages(turns: Iterable[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
