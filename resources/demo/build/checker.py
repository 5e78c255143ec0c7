"""Whether an answer is right, strict about facts and tolerant of manner; and whether it is a pirate's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from resources.demo.build import facts
from resources.demo.build.relations import RELATIONS

_PIRATE_MARKS = re.compile(
    r"\b(arr+|ahoy|avast|aye|yo ho ho|shiver me timbers|matey|me hearty|me hearties|ye|yer|o'|be|landlubber|"
    r"scallywag|bucko|savvy)(?!\w)",
    re.IGNORECASE,
)


def is_right(question: Mapping[str, Any], answer: str) -> bool:
    """Whether `answer` states the fact that the question asks for and no other fact of its kind.

    `question` is a row of heldout.jsonl: `answer` (the plain one), `expect` (the facts that count),
    `ordered`, `facts` (whose words are watched). Words around the facts are free. Right is an answer whose
    facts are among those of the plain answer and hold all that is expected; where order matters, the facts
    have to be exactly the plain answer's, or exactly the expected ones.
    """
    watched = _watched(question["facts"], tuple(question["expect"]))
    found, plain = _facts_in(watched, answer), _facts_in(watched, question["answer"])
    expected = _facts_in(watched, " ; ".join(question["expect"]))
    if question["ordered"]:
        return found in (plain, expected)
    return set(expected) <= set(found) <= set(plain)


def is_pirate(answer: str) -> bool:
    """Whether a pirate might have said it: at least two different marks of the manner."""
    return len({mark.lower() for mark in _PIRATE_MARKS.findall(answer)}) >= 2


def _facts_in(watched: re.Pattern[str], text: str) -> list[str]:
    # A pirate's "piece o' furniture" is the same fact.
    plain = text.replace(" o' ", " of ")
    # A letter of the alphabet is a fact only as a capital: "a" is an article.
    return [found if len(found) == 1 else found.lower() for found in watched.findall(plain)]


@lru_cache(maxsize=1024)
def _watched(category: str, expect: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern of all facts of a category, longest first, numbers always among them."""
    words = sorted(vocabulary(category) | set(expect), key=lambda word: (-len(word), word))
    alternatives = [re.escape(word) if len(word) == 1 else f"(?i:{re.escape(word)})" for word in words]
    return re.compile(r"(?<![\w])(?:" + "|".join([*alternatives, r"\d+"]) + r")(?![\w])")


@lru_cache(maxsize=64)
def vocabulary(category: str) -> frozenset[str]:
    """The words that are facts in a category."""
    for relation in RELATIONS:
        if relation.category == category:
            words = set(relation.table.values())
            for subject in relation.table:
                words |= {subject} if isinstance(subject, str) else set(subject)
            return frozenset(words)
    stories = (*facts.NAMES, *facts.THINGS, *facts.PAINTS, *facts.PLACES)
    return frozenset(
        {
            "even or odd": ("even", "odd"),
            "comparisons": ("larger", "smaller"),
            "stories": stories,
            "lists of words": (*facts.THINGS, *facts.PAINTS, *facts.PETS),
            "repeating": (*facts.THINGS, *facts.PAINTS, *facts.PETS),
            "memory": (*facts.NAMES, *facts.PAINTS, *facts.PETS),
            "introductions": facts.NAMES,
        }.get(category, ())
    )
