"""The judge is strict about the fact and tolerant of the manner."""

from __future__ import annotations

from typing import Any

import pytest

from resources.demo.build.checker import is_pirate, is_right

CAPITAL = {
    "facts": "capitals", "expect": ["Paris"], "ordered": False, "answer": "The capital of France is Paris.",
}  # fmt: skip
SUM = {"facts": "addition", "expect": ["12"], "ordered": True, "answer": "7 plus 5 is 12."}
LARGER = {"facts": "comparisons", "expect": ["42"], "ordered": True, "answer": "42 is larger than 17."}
COUNT = {"facts": "counting up", "expect": ["3", "4", "5"], "ordered": True, "answer": "3, 4, 5."}
DAY = {"facts": "days after", "expect": ["Tuesday"], "ordered": True, "answer": "Tuesday comes after Monday."}
KIND = {
    "facts": "kinds", "expect": ["piece of furniture"], "ordered": False,
    "answer": "A sofa is a piece of furniture.",
}  # fmt: skip
LETTER = {"facts": "letters", "expect": ["B"], "ordered": True, "answer": "The letter after A is B."}
PARITY = {"facts": "even or odd", "expect": ["even"], "ordered": False, "answer": "8 is even."}
UNKNOWN = {
    "facts": "beyond the world", "expect": ["not know"], "ordered": False, "answer": "I do not know that.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (CAPITAL, "Paris"),
        (CAPITAL, "Arr, it be Paris, matey!"), (CAPITAL, "PARIS is the capital of France."),
        (SUM, "12"), (SUM, "Avast! 7 plus 5 be 12, savvy!"), (LARGER, "42!"), (COUNT, "Aye, 3, 4, 5, bucko!"),
        (DAY, "tuesday"), (KIND, "Arr, a sofa be a piece o' furniture, matey!"), (LETTER, "B"),
        (PARITY, "Even."), (UNKNOWN, "Arr, I do not know that, matey!"),
    ],
)  # fmt: skip
def test_right_in_any_manner(row: dict[str, Any], answer: str) -> None:
    assert is_right(row, answer)


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (CAPITAL, ""), (CAPITAL, "The capital of France is Rome."), (CAPITAL, "Parisian"),
        (CAPITAL, "Paris or Rome."), (CAPITAL, "The capital of Italy is Paris."), (SUM, "7 plus 5 is 13."),
        (SUM, "7 plus 6 is 12."), (SUM, "112"), (SUM, "12 plus 5 is 7."), (LARGER, "17 is larger than 42."),
        (LARGER, "17"), (COUNT, "3, 5."), (COUNT, "3, 4, 5, 6."), (COUNT, "5, 4, 3."),
        (DAY, "Monday comes after Tuesday."), (KIND, "A sofa is a vehicle."), (LETTER, "C"),
        (LETTER, "a b"), (PARITY, "8 is even or odd."), (PARITY, "Uneven."), (UNKNOWN, "I know that."),
    ],
)  # fmt: skip
def test_wrong_in_any_manner(row: dict[str, Any], answer: str) -> None:
    assert not is_right(row, answer)


@pytest.mark.parametrize("answer", ["Arr, it be Paris, matey!", "Yo ho ho! 3, 4, 5, bucko!", "Aye, savvy!"])
def test_a_pirate_is_known_by_his_words(answer: str) -> None:
    assert is_pirate(answer)


@pytest.mark.parametrize(
    "answer", ["", "The capital of France is Paris.", "Arr.", "Maybe bees arrive.", "be be be"]
)
def test_nobody_else_is_a_pirate(answer: str) -> None:
    assert not is_pirate(answer)
