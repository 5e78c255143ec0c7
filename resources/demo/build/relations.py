"""The world's relations: which table answers which question, in which words it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resources.demo.build import facts


@dataclass(frozen=True)
class Relation:
    """A table of subjects and values with its phrasings.

    `{x}` is the subject, `{y}` the value; `{ax}` and `{ay}` carry their article. A subject is a
    word, or a pair of them: `{x[0]}` and `{x[1]}`. `follow_ups` ask the same of another subject in the next
    turn. `ordered`: an answer with subject and value exchanged is wrong.
    """

    category: str
    table: Mapping[Any, str]
    phrasings: tuple[str, ...]
    answer: str
    follow_ups: tuple[str, ...] = ()
    ordered: bool = False


_AND = ("And {x}?", "What about {x}?", "Now the same for {x}, please.")
_AND_A = ("And {ax}?", "What about {ax}?", "Now the same for {ax}, please.")

RELATIONS = (
    Relation(
        "capitals", facts.CAPITALS,
        ("What is the capital of {x}?", "Which city is the capital of {x}?", "Name the capital of {x}.",
         "Do you know the capital of {x}?", "The capital of {x} is which city?", "What is {x}'s capital?",
         "Tell me the capital city of {x}."),
        "The capital of {x} is {y}.", ("And of {x}?", *_AND),
    ),
    Relation(
        "countries", {city: country for country, city in facts.CAPITALS.items()},
        ("Which country has the capital {x}?", "{x} is the capital of which country?",
         "Of which country is {x} the capital?", "What country is {x} the capital of?",
         "Name the country whose capital is {x}."),
        "{x} is the capital of {y}.", _AND,
    ),
    Relation(
        "continents", facts.CONTINENTS,
        ("On which continent is {x}?", "What continent is {x} on?", "Which continent does {x} belong to?",
         "{x} is on which continent?", "Name the continent of {x}."),
        "{x} is in {y}.", _AND,
    ),
    Relation(
        "colours", facts.COLOURS,
        ("What colour is {x}?", "Which colour does {x} have?", "Tell me the colour of {x}.",
         "What is the colour of {x}?", "What color is {x}?", "Do you know what colour {x} is?"),
        "The colour of {x} is {y}.", _AND,
    ),
    Relation(
        "mixed colours",
        facts.MIXES | {(second, first): mix for (first, second), mix in facts.MIXES.items()},
        ("What do you get when you mix {x[0]} and {x[1]}?", "Mix {x[0]} and {x[1]}. What colour is it?",
         "Which colour do {x[0]} and {x[1]} make?", "{x[0]} and {x[1]} together make which colour?",
         "What colour comes from {x[0]} and {x[1]}?"),
        "{x[0]} and {x[1]} make {y}.",
    ),
    Relation(
        "opposites", facts.OPPOSITES,
        ("What is the opposite of {x}?", "Name the opposite of {x}.", "Which word is the opposite of {x}?",
         "Tell me the opposite of {x}.", "{x} is the opposite of what?", "What is the contrary of {x}?"),
        "The opposite of {x} is {y}.", ("And of {x}?", *_AND), ordered=True,
    ),
    Relation(
        "sounds", facts.SOUNDS,
        ("What does {ax} say?", "What sound does {ax} make?", "Which sound comes from {ax}?",
         "Tell me the sound of {ax}.", "How does {ax} sound?", "What noise does {ax} make?"),
        "{ax} says {y}.", _AND_A,
    ),
    Relation(
        "babies", facts.BABIES,
        ("What is a baby {x} called?", "What do you call a baby {x}?", "What is the name for a young {x}?",
         "Name the baby of {ax}.", "How is a young {x} called?"),
        "A baby {x} is called {ay}.", _AND_A,
    ),
    Relation(
        "legs", facts.LEGS,
        ("How many legs does {ax} have?", "{ax} has how many legs?", "What number of legs does {ax} have?",
         "Count the legs of {ax}.", "Tell me how many legs {ax} has."),
        "{ax} has {y} legs.", _AND_A,
    ),
    Relation(
        "homes", facts.HOMES,
        ("Where does {ax} live?", "What is the home of {ax}?", "In what does {ax} live?",
         "Where is {ax} at home?", "Name the home of {ax}."),
        "{ax} lives in {ay}.", _AND_A,
    ),
    Relation(
        "plurals", facts.PLURALS,
        ("What is the plural of {x}?", "Name the plural of {x}.", "One {x}, two what?",
         "How do you say more than one {x}?", "Give me the plural of {x}.",
         "What is the plural form of {x}?"),
        "The plural of {x} is {y}.", ("And of {x}?", *_AND),
    ),
    Relation(
        "past tenses", facts.PASTS,
        ("What is the past tense of {x}?", "Name the past tense of {x}.", "What is the past of {x}?",
         "Today I {x}, yesterday I what?", "Give me the past tense of {x}."),
        "The past tense of {x} is {y}.", ("And of {x}?", *_AND),
    ),
    Relation(
        "kinds", facts.KINDS,
        ("What is {ax}?", "What kind of thing is {ax}?", "Tell me what {ax} is.", "Do you know what {ax} is?",
         "{ax} is what kind of thing?"),
        "{ax} is {ay}.", _AND_A,
    ),
    Relation(
        "jobs", facts.JOBS,
        ("Who {x}?", "What do you call someone who {x}?", "Which person {x}?", "Name the person who {x}.",
         "What is the job of someone who {x}?"),
        "{ay} {x}.",
    ),
    Relation(
        "sides", facts.SIDES,
        ("How many sides does {ax} have?", "{ax} has how many sides?", "Count the sides of {ax}.",
         "What number of sides does {ax} have?", "Tell me how many sides {ax} has."),
        "{ax} has {y} sides.", _AND_A,
    ),
    Relation(
        "amounts", facts.AMOUNTS,
        ("How many {x[0]} are in {x[1]}?", "How many {x[0]} does {x[1]} have?",
         "What is the number of {x[0]} in {x[1]}?", "Tell me how many {x[0]} are in {x[1]}.",
         "{x[1]} has how many {x[0]}?"),
        "{x[1]} has {y} {x[0]}.",
    ),
    Relation(
        "days after", dict(zip(facts.DAYS, facts.DAYS[1:] + facts.DAYS[:1], strict=True)),
        ("Which day comes after {x}?", "What day is after {x}?", "Today is {x}. What day is tomorrow?",
         "What is the day after {x}?", "Name the day that follows {x}."),
        "{y} comes after {x}.", _AND, ordered=True,
    ),
    Relation(
        "days before", dict(zip(facts.DAYS, facts.DAYS[-1:] + facts.DAYS[:-1], strict=True)),
        ("Which day comes before {x}?", "What day is before {x}?", "Today is {x}. What day was yesterday?",
         "What is the day before {x}?", "Name the day that {x} follows."),
        "{y} comes before {x}.", _AND, ordered=True,
    ),
    Relation(
        "months after", dict(zip(facts.MONTHS, facts.MONTHS[1:] + facts.MONTHS[:1], strict=True)),
        ("Which month comes after {x}?", "What month is after {x}?", "It is {x}. What is the next month?",
         "What is the month after {x}?", "Name the month that follows {x}."),
        "{y} comes after {x}.", _AND, ordered=True,
    ),
    Relation(
        "months before", dict(zip(facts.MONTHS, facts.MONTHS[-1:] + facts.MONTHS[:-1], strict=True)),
        ("Which month comes before {x}?", "What month is before {x}?", "It is {x}. What was the last month?",
         "What is the month before {x}?", "Name the month that {x} follows."),
        "{y} comes before {x}.", _AND, ordered=True,
    ),
    Relation(
        "letters", dict(zip(facts.ALPHABET, facts.ALPHABET[1:], strict=False)),
        ("Which letter comes after {x}?", "What letter is after {x}?", "What is the letter after {x}?",
         "Name the letter that follows {x}.", "In the alphabet, what comes after {x}?"),
        "The letter after {x} is {y}.", _AND, ordered=True,
    ),
    Relation(
        "number words", {str(number): facts.number_word(number) for number in range(100)},
        ("Write {x} as a word.", "How do you write {x} in words?", "What is {x} in words?",
         "Spell the number {x}.", "Write the number {x} in letters."),
        "{x} in words is {y}.", _AND,
    ),
    Relation(
        "digits", {facts.number_word(number): str(number) for number in range(100)},
        ("Write {x} as a number.", "How do you write {x} in digits?", "What is {x} in digits?",
         "Which number is {x}?", "Write the word {x} as a number."),
        "The number {x} is {y}.", _AND,
    ),
)  # fmt: skip


def with_article(noun: str) -> str:
    """ "an apple", "a bear"."""
    return f"{'an' if noun[0].lower() in 'aeiou' and noun != 'unicorn' else 'a'} {noun}"


def fill(template: str, subject: str | tuple[str, str], value: str = "") -> str:
    """A template with its subject and value, its first letter a capital."""
    articles = {} if isinstance(subject, tuple) else {"ax": with_article(subject)}
    text = template.format(x=subject, y=value, ay=with_article(value) if value else "", **articles)
    return text[0].upper() + text[1:]
