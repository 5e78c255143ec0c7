"""What a question of the world is, and which combinations of words are kept away from training."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

HELD_OUT_SHARE = 8
"""One in so many operand combinations is held out."""


@dataclass(frozen=True)
class Turn:
    """One side's words: role "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Question:
    """A question, what came before it, the plain answer, and what an answer must contain to be right.

    `expect` are the facts that have to stand in an answer, in this order where `ordered`. `key` names the
    combination (operands, or phrasing and subject) that is either for training or held out, never both.
    `facts` names the category whose words the checker watches, where it is not the question's own.
    """

    category: str
    key: str
    text: str
    answer: str
    expect: tuple[str, ...]
    held_out: bool
    ordered: bool = False
    history: tuple[Turn, ...] = ()
    facts: str = ""

    def turns(self) -> tuple[Turn, ...]:
        """The whole dialogue, the answer included."""
        return (*self.history, Turn("user", self.text), Turn("assistant", self.answer))

    def filed_under(self, category: str) -> Question:
        """The same question in another category, checked as before."""
        return replace(self, category=category, facts=self.facts or self.category)


def digest(*parts: object) -> int:
    """A number that follows from the parts alone: the same on every machine and in every run."""
    text = "|".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def is_held_out(*parts: object) -> bool:
    """Whether the combination is kept away from training."""
    return digest("held-out", *parts) % HELD_OUT_SHARE == 0


def phrasing_is_held_out(category: str, subject: object, phrasing: int, phrasings: int) -> bool:
    """Exactly one phrasing of each subject is held out, so that its fact is learned from the others."""
    return digest("phrasing", category, subject) % phrasings == phrasing
