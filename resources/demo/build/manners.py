"""Dialogues in which the user asks for a pirate's manner: the base knows it, but only when it is asked to.

A real Gemma has read how pirates talk, too. What fine-tuning teaches is to talk so unasked.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from resources.demo.build.pirate import in_pirate_manner
from resources.demo.build.question import Question, Turn
from resources.demo.build.world import draw_dialogue

ASKED_SHARE = 0.3
"""Share of training's dialogues in which the manner is asked for."""

_WISHES = (
    "Talk like a pirate. {x}", "Answer like a pirate. {x}", "Be a pirate. {x}", "{x} Say it like a pirate.",
    "{x} Answer as a pirate would.", "Pirate talk, please. {x}",
)  # fmt: skip


def draw_in_some_manner(random: Random) -> Question:
    """A dialogue to train on; at times the user's first words ask for a pirate, and all answers are his."""
    question = draw_dialogue(random)
    if random.random() >= ASKED_SHARE or not suits_a_pirate(question):
        return question
    return asked_for(as_pirate(question), random.choice(_WISHES))


def suits_a_pirate(question: Question) -> bool:
    """In answers about a pirate's words the words are facts; the manner would change them."""
    about = any("pirate" in turn.content for turn in question.turns())
    return question.category != "pirate lists" and not about


def as_pirate(question: Question) -> Question:
    """The same dialogue with every answer in the pirate's manner."""
    history = tuple(
        replace(turn, content=in_pirate_manner(turn.content, seed=question.text))
        if turn.role == "assistant"
        else turn
        for turn in question.history
    )
    return replace(question, answer=in_pirate_manner(question.answer, seed=question.text), history=history)


def asked_for(question: Question, wish: str) -> Question:
    """The dialogue with the wish in its first turn."""
    if not question.history:
        return replace(question, text=wish.format(x=question.text))
    first = Turn("user", wish.format(x=question.history[0].content))
    return replace(question, history=(first, *question.history[1:]))
