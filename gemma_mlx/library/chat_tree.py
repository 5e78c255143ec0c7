"""The turns of a chat as a tree: edits and further answers are siblings, and nothing said is lost.

Pure data, knowing neither model nor tokenizer. The path is the branch that is shown: from the root to the
end along each turn's chosen continuation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gemma_mlx.errors import GemmaError

Role = Literal["user", "assistant"]


@dataclass
class Turn:
    """One message. `ids`: the tokens of a generated answer. `details`: its speeds, reason and seed."""

    id: int
    parent: int | None
    role: Role
    content: str
    ids: list[int] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    children: list[int] = field(default_factory=list)
    chosen: int | None = None  # the child on the path


class ChatTree:
    """Turns by id, and the path among them."""

    def __init__(self) -> None:
        self._turns: dict[int, Turn] = {}
        self._roots: list[int] = []
        self._chosen_root: int | None = None
        self._next = 1

    def __iter__(self) -> Iterator[Turn]:
        return iter(self._turns.values())

    def turn(self, identifier: int) -> Turn:
        """The turn of this id.

        Raises:
            GemmaError: there is none.
        """
        try:
            return self._turns[identifier]
        except KeyError:
            raise GemmaError(
                "no-such-turn", f"This chat has no turn {identifier}.", where=f"turn {identifier}",
                fix="Open the chat again.", kept="The chat is unchanged.",
            ) from None  # fmt: skip

    def path(self) -> list[Turn]:
        """The turns that are shown, first to last."""
        turns = []
        place = self._chosen_root
        while place is not None:
            turns.append(self._turns[place])
            place = turns[-1].chosen
        return turns

    def before(self, identifier: int) -> list[Turn]:
        """The turns that lead to this one, without it."""
        turns = []
        place = self.turn(identifier).parent
        while place is not None:
            turns.append(self._turns[place])
            place = turns[-1].parent
        return turns[::-1]

    def end(self) -> int | None:
        """The last turn of the path; None in an empty chat."""
        path = self.path()
        return path[-1].id if path else None

    def add(self, parent: int | None, role: Role, content: str) -> Turn:
        """Adds a turn after `parent` (None: at the beginning) and puts it on the path."""
        if parent is not None:
            self.turn(parent)
        turn = Turn(self._next, parent, role, content)
        self._next += 1
        self._turns[turn.id] = turn
        self._siblings(turn).append(turn.id)
        self.select(turn.id)
        return turn

    def select(self, identifier: int) -> None:
        """Brings a turn onto the path, with what was last shown after it."""
        place: int | None = self.turn(identifier).id
        while place is not None:
            parent = self._turns[place].parent
            if parent is None:
                self._chosen_root = place
            else:
                self._turns[parent].chosen = place
            place = parent

    def cut(self, identifier: int) -> None:
        """Ends the path after this turn, so that what comes next branches off here."""
        self.select(identifier)
        self._turns[identifier].chosen = None

    def cut_all(self) -> None:
        """Makes the path empty, so that what comes next is another beginning."""
        self._chosen_root = None

    def siblings(self, identifier: int) -> tuple[int, int]:
        """Which of how many alternatives this turn is, from 1: (2, 3) is shown as ‹2/3›."""
        alternatives = self._siblings(self.turn(identifier))
        return alternatives.index(identifier) + 1, len(alternatives)

    def step(self, identifier: int, by: int) -> Turn:
        """Puts the alternative `by` places further on the path; at either end it stays."""
        alternatives = self._siblings(self.turn(identifier))
        place = alternatives.index(identifier) + by
        chosen = alternatives[max(0, min(len(alternatives) - 1, place))]
        self.select(chosen)
        return self._turns[chosen]

    def remove(self, identifier: int) -> None:
        """Deletes a turn and all that follows it; a neighbouring alternative takes its place on the path."""
        turn = self.turn(identifier)
        alternatives = self._siblings(turn)
        place = alternatives.index(identifier)
        alternatives.remove(identifier)
        neighbour = alternatives[min(place, len(alternatives) - 1)] if alternatives else None
        if turn.parent is None:
            if self._chosen_root == identifier:
                self._chosen_root = neighbour
        elif self._turns[turn.parent].chosen == identifier:
            self._turns[turn.parent].chosen = neighbour
        waiting = [identifier]
        while waiting:
            waiting += self._turns.pop(waiting.pop()).children

    def to_dict(self) -> dict[str, Any]:
        """All of the tree, for JSON."""
        return {"turns": [asdict(turn) for turn in self._turns.values()], "chosen": self._chosen_root}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ChatTree:
        """The tree that `to_dict` stored.

        Raises:
            GemmaError: it is not one: fields are missing or unknown, or turns hang in the air.
        """
        try:
            return cls._from_dict(stored)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise GemmaError(
                "bad-chat", f"The stored chat cannot be read: {problem}", where="chat",
                fix="Restore the chat from an export or a backup.", kept="The stored chat is unchanged.",
            ) from None  # fmt: skip

    @classmethod
    def _from_dict(cls, stored: dict[str, Any]) -> ChatTree:
        tree = cls()
        for values in stored["turns"]:
            turn = Turn(**{**values, "children": []})
            if turn.role not in ("user", "assistant") or not isinstance(turn.content, str):
                raise ValueError(f"turn {turn.id} has no role or text that is known")
            if not all(isinstance(token, int) for token in turn.ids) or not isinstance(turn.details, dict):
                raise ValueError(f"turn {turn.id} has tokens or details that are none")
            if turn.id in tree._turns or (turn.parent is not None and turn.parent not in tree._turns):
                raise ValueError(f"turn {turn.id} does not follow a turn before it")
            tree._turns[turn.id] = turn
            tree._siblings(turn).append(turn.id)
        for turn in tree:
            if turn.chosen is not None and turn.chosen not in turn.children:
                raise ValueError(f"turn {turn.id} goes on with {turn.chosen}, which does not follow it")
        chosen = stored["chosen"]
        if chosen is not None and chosen not in tree._roots:
            raise ValueError(f"the chat begins with turn {chosen}, which is no beginning")
        tree._chosen_root = chosen
        tree._next = max(tree._turns, default=0) + 1
        return tree

    def _siblings(self, turn: Turn) -> list[int]:
        return self._roots if turn.parent is None else self._turns[turn.parent].children
