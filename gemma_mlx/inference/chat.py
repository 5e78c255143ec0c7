"""A chat with a model: turns as a tree, each answer streamed and kept, the prompt's computation reused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done, Event, Token
from gemma_mlx.inference.conversation import Conversation
from gemma_mlx.library.chat_tree import ChatTree, Turn
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded

FORMAT = 1
"""Version of `to_dict`."""


class ChatSession:
    """A chat. `send`, `edit`, `regenerate` and `continue_answer` yield `generate`'s events.

    Done's result also has "turn", the answer's id in `tree`. However an answer ends, what was said of it
    stays in the tree; of an answer that ended before its first word, nothing does.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        system: str = "",
        sampling: SamplingSettings | None = None,
        tree: ChatTree | None = None,
    ) -> None:
        """`system`: the system text, which may be changed between turns, as `sampling` may."""
        self.conversation = Conversation(loaded)
        self.system = system
        self.sampling = sampling or SamplingSettings()
        self.tree = tree or ChatTree()
        self._stopping = False
        for turn in self.tree:
            if turn.ids and loaded.tokenizer.decode(turn.ids) == turn.content:
                self.conversation.remember(turn.content, turn.ids)

    def send(self, text: str, cancel: Callable[[], bool] | None = None) -> Iterator[Event]:
        """Adds a message of the user at the end of the path and answers it."""
        question = self.tree.add(self.tree.end(), "user", text)
        yield from self._answer(question, cancel)

    def edit(self, identifier: int, text: str, cancel: Callable[[], bool] | None = None) -> Iterator[Event]:
        """Asks a message of the user in other words, beside the first wording, and answers it.

        Raises:
            GemmaError: the turn is not the user's.
        """
        turn = self._turn(identifier, "user")
        question = self.tree.add(turn.parent, "user", text)
        yield from self._answer(question, cancel)

    def rewrite(self, identifier: int, text: str) -> Turn:
        """Puts another answer beside the model's, in the user's words; the chat goes on from it.

        Raises:
            GemmaError: the turn is not the model's.
        """
        turn = self._turn(identifier, "assistant")
        return self.tree.add(turn.parent, "assistant", text)

    def regenerate(
        self, identifier: int | None = None, cancel: Callable[[], bool] | None = None
    ) -> Iterator[Event]:
        """Answers again, beside the answer `identifier` (none given: the last of the path).

        Raises:
            GemmaError: there is no answer, or the turn is not the model's.
        """
        turn = self._turn(self._last() if identifier is None else identifier)
        if turn.role == "assistant":
            turn = self._turn(turn.parent or 0, "user")
        yield from self._answer(turn, cancel)

    def continue_answer(
        self, identifier: int | None = None, cancel: Callable[[], bool] | None = None
    ) -> Iterator[Event]:
        """Carries on an answer where it broke off, in the same turn; what followed it stays another branch.

        Raises:
            GemmaError: there is no answer, or the turn is not the model's.
        """
        turn = self._turn(self._last() if identifier is None else identifier, "assistant")
        yield from self._stream(turn, cancel, continued=True)

    def branch(self, identifier: int) -> None:
        """Ends the path at this turn: the next message begins a branch beside what followed."""
        self.tree.cut(identifier)

    def stop(self) -> None:
        """Ends the answer that is being streamed at its next token; what was said stays."""
        self._stopping = True

    def invalidate(self) -> None:
        """Forgets what was computed of the prompt, never what was said."""
        self.conversation.invalidate()

    def messages(self, upto: int | None = None) -> list[Message]:
        """The system text and the turns of the path, or those that lead to turn `upto`, it included.

        Turns of one role that follow each other (a question without an answer) become one message.
        """
        turns = self.tree.path() if upto is None else [*self.tree.before(upto), self.tree.turn(upto)]
        messages = [Message("system", self.system)] if self.system.strip() else []
        for turn in turns:
            if messages and messages[-1].role == turn.role:
                messages[-1] = Message(turn.role, f"{messages[-1].content}\n\n{turn.content}")
            else:
                messages.append(Message(turn.role, turn.content))
        return messages

    def to_dict(self) -> dict[str, Any]:
        """All of the chat, for JSON: {"format", "system", "sampling", "tree"}."""
        return {
            "format": FORMAT,
            "system": self.system,
            "sampling": self.sampling.model_dump(mode="json"),
            "tree": self.tree.to_dict(),
        }

    @classmethod
    def from_dict(cls, loaded: Loaded, stored: dict[str, Any]) -> ChatSession:
        """The chat that `to_dict` stored, with any model.

        Raises:
            GemmaError: it is not a chat, or one of a later version.
        """
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise GemmaError(
                "bad-chat", "The stored chat is none, or of a later version of this program.", where="chat",
                fix="Open it with the version that wrote it.", kept="The stored chat is unchanged.",
            )  # fmt: skip
        return cls(
            loaded,
            system=str(stored.get("system", "")),
            sampling=check_settings(SamplingSettings, stored.get("sampling", {}), "stored chat"),
            tree=ChatTree.from_dict(stored.get("tree", {})),
        )

    def _answer(self, question: Turn, cancel: Callable[[], bool] | None) -> Iterator[Event]:
        shown_before = question.chosen
        answer = self.tree.add(question.id, "assistant", "")
        try:
            yield from self._stream(answer, cancel, continued=False)
        finally:
            if not answer.content and answer.details.get("reason") in (None, "cancelled"):
                self.tree.remove(answer.id)
                if shown_before is not None:
                    self.tree.select(shown_before)

    def _stream(self, turn: Turn, cancel: Callable[[], bool] | None, *, continued: bool) -> Iterator[Event]:
        """Streams into a turn, so that its text is there at every moment."""
        self._stopping = False
        messages = self.messages(turn.id)
        events = self.conversation.answer(
            messages if continued else messages[:-1],
            self.sampling,
            lambda: self._stopping or (cancel is not None and cancel()),
            continue_last=continued,
        )
        turn.ids = []
        for event in events:
            if isinstance(event, Token):
                turn.content += event.text
            elif isinstance(event, Done):
                turn.ids = self.conversation.said(turn.content)
                turn.details = {
                    name: value for name, value in event.result.items() if name not in ("text", "ids")
                }
                event = Done({**event.result, "turn": turn.id}, event.outcome)
            yield event

    def _last(self) -> int:
        end = self.tree.end()
        if end is None:
            raise GemmaError(
                "empty-chat", "There is no answer yet.", where="chat", fix="Send a message first.",
                kept="The chat is unchanged.",
            )  # fmt: skip
        return end

    def _turn(self, identifier: int, role: str | None = None) -> Turn:
        turn = self.tree.turn(identifier)
        if role is not None and turn.role != role:
            raise GemmaError(
                "wrong-turn", f"Turn {identifier} is the {turn.role}'s, not the {role}'s.",
                where=f"turn {identifier}", fix=f"Choose a turn of the {role}.",
                kept="The chat is unchanged.",
            )  # fmt: skip
        return turn
