"""The world's numbers: sums, comparisons, counting and lists, with combinations of operands held out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

from resources.demo.build.question import Question, is_held_out, phrasing_is_held_out

LARGEST_OPERAND = 50
LARGEST_NUMBER = 99
LARGEST_FACTOR = 10

PLUS = (
    "What is {a} plus {b}?", "{a} + {b} = ?", "Add {a} and {b}.", "How much is {a} plus {b}?",
    "What is the sum of {a} and {b}?", "What is {a} + {b}?",
    "I have {a} apples and get {b} more. How many apples do I have?",
)  # fmt: skip
MINUS = (
    "What is {a} minus {b}?", "{a} - {b} = ?", "Take {b} from {a}.", "How much is {a} minus {b}?",
    "What is {a} - {b}?", "I have {a} apples and give away {b}. How many apples are left?",
)  # fmt: skip
TIMES = (
    "What is {a} times {b}?", "{a} x {b} = ?", "Multiply {a} by {b}.", "How much is {a} times {b}?",
    "What is the product of {a} and {b}?", "What is {a} x {b}?",
)  # fmt: skip
LARGER = (
    "Which is larger, {a} or {b}?", "Which number is bigger, {a} or {b}?", "What is more, {a} or {b}?",
    "Name the larger of {a} and {b}.",
)  # fmt: skip
SMALLER = (
    "Which is smaller, {a} or {b}?", "Which number is smaller, {a} or {b}?", "What is less, {a} or {b}?",
    "Name the smaller of {a} and {b}.",
)  # fmt: skip
COUNT = ("Count from {a} to {b}.", "Please count from {a} to {b}.", "Can you count from {a} to {b}?")
PARITY = ("Is {a} even or odd?", "Is {a} odd or even?", "Is the number {a} even or odd?", "Even or odd: {a}?")
NEXT = (
    "Which number comes after {a}?", "What number is after {a}?", "What comes next after {a}?",
    "Name the number that follows {a}.", "What is one more than {a}?",
)  # fmt: skip
BEFORE = (
    "Which number comes before {a}?", "What number is before {a}?", "What comes just before {a}?",
    "Name the number that {a} follows.", "What is one less than {a}?",
)  # fmt: skip
DOUBLE = ("What is double {a}?", "Double {a}.", "What is twice {a}?", "How much is two times {a}?")


def number_questions() -> Iterator[Question]:
    """Every question about numbers, held-out ones included."""
    yield from _sums()
    yield from _products()
    yield from _comparisons()
    yield from _counting()
    yield from _single_numbers()


def _sums() -> Iterator[Question]:
    # A held-out pair is held out in both orders and in every phrasing.
    for a, b in combinations_with_replacement(range(LARGEST_OPERAND + 1), 2):
        kept = is_held_out("plus", a, b)
        for first, second in {(a, b), (b, a)}:
            for text in PLUS:
                answer = f"{first} plus {second} is {a + b}."
                yield _number("addition", f"{a}+{b}", text.format(a=first, b=second), answer, a + b, kept)
        kept = is_held_out("minus", a, b)
        for text in MINUS:
            answer = f"{b} minus {a} is {b - a}."
            yield _number("subtraction", f"{b}-{a}", text.format(a=b, b=a), answer, b - a, kept)


def _products() -> Iterator[Question]:
    # A product is a fact to know, not to compute: one phrasing of each pair is held out.
    for a in range(LARGEST_FACTOR + 1):
        for b in range(LARGEST_FACTOR + 1):
            for index, text in enumerate(TIMES):
                kept = phrasing_is_held_out("times", (a, b), index, len(TIMES))
                answer = f"{a} times {b} is {a * b}."
                key = f"{index}:{a}x{b}"
                yield _number("multiplication", key, text.format(a=a, b=b), answer, a * b, kept)


def _comparisons() -> Iterator[Question]:
    for a, b in combinations_with_replacement(range(LARGEST_NUMBER + 1), 2):
        if a == b:
            continue
        kept = is_held_out("compare", a, b)
        for first, second in ((a, b), (b, a)):
            for text in LARGER:
                answer = f"{b} is larger than {a}."
                yield _number("comparisons", f"{a}<{b}", text.format(a=first, b=second), answer, b, kept)
            for text in SMALLER:
                answer = f"{a} is smaller than {b}."
                yield _number("comparisons", f"{a}<{b}", text.format(a=first, b=second), answer, a, kept)


def _counting() -> Iterator[Question]:
    for start in range(LARGEST_OPERAND + 1):
        for steps in range(2, 9):
            for name, numbers in (
                ("up", range(start, start + steps + 1)),
                ("down", range(start, start - steps - 1, -1)),
            ):
                if numbers[-1] < 0:
                    continue
                kept = is_held_out("count", numbers[0], numbers[-1])
                for text in COUNT:
                    yield Question(
                        "counting " + name, f"{numbers[0]}..{numbers[-1]}",
                        text.format(a=numbers[0], b=numbers[-1]), ", ".join(map(str, numbers)) + ".",
                        tuple(map(str, numbers)), kept, ordered=True,
                    )  # fmt: skip


def _single_numbers() -> Iterator[Question]:
    for a in range(LARGEST_NUMBER + 1):
        word = "odd" if a % 2 else "even"
        kept = is_held_out("parity", a)
        for text in PARITY:
            yield Question("even or odd", str(a), text.format(a=a), f"{a} is {word}.", (word,), kept)
        for index, text in enumerate(NEXT):
            kept = phrasing_is_held_out("next", a, index, len(NEXT))
            answer = f"{a + 1} comes after {a}."
            yield _number("next number", f"{index}:{a}", text.format(a=a), answer, a + 1, kept)
        for index, text in enumerate(BEFORE):
            kept = phrasing_is_held_out("before", a, index, len(BEFORE))
            if a > 0:
                answer = f"{a - 1} comes before {a}."
                yield _number("number before", f"{index}:{a}", text.format(a=a), answer, a - 1, kept)
        if a <= 50:
            for index, text in enumerate(DOUBLE):
                kept = phrasing_is_held_out("double", a, index, len(DOUBLE))
                answer = f"Double {a} is {2 * a}."
                yield _number("doubling", f"{index}:{a}", text.format(a=a), answer, 2 * a, kept)


def _number(category: str, key: str, text: str, answer: str, value: int, held_out: bool) -> Question:
    return Question(category, key, text, answer, (str(value),), held_out, ordered=True)
