"""A chat as messages, and a chat as ids: what every chat form takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gemma_mlx.errors import TokenizerError

_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass
class RenderedChat:
    """A chat as ids.

    Attributes:
        ids: all tokens, one beginning-of-text token first (where the vocabulary has one).
        loss_mask: as long as ids; True on each assistant turn's text and on the token that closes it. What
            follows (Gemma's line end) is False: generation stops at the closing token, so a model never
            answers with it.
        turn_starts: where in ids each turn starts, the one opened by a generation prompt included. A system
            text that is folded into the first user turn has no turn of its own.
    """

    ids: list[int] = field(default_factory=list)
    loss_mask: list[bool] = field(default_factory=list)
    turn_starts: list[int] = field(default_factory=list)

    def add(self, ids: Sequence[int], *, loss: bool = False) -> None:
        self.ids += ids
        self.loss_mask += [loss] * len(ids)

    def start_turn(self) -> None:
        self.turn_starts.append(len(self.ids))


def check_messages(messages: Sequence[Message]) -> None:
    """Raises TokenizerError where messages are missing, have an unknown role or hold no text."""
    if not messages:
        raise TokenizerError(
            "empty-chat", "The chat has no messages.", fix="Give at least one message of the user."
        )
    for number, message in enumerate(messages, start=1):
        if message.role not in _ROLES:
            raise TokenizerError(
                "bad-role",
                f"{message.role!r} is not a role that chats have.",
                where=f"message {number}",
                fix="Use system, user or assistant.",
            )
        if not isinstance(message.content, str):
            raise TokenizerError(
                "bad-content",
                "The message's content is not a text.",
                where=f"message {number}",
                fix="Give each message a string.",
            )


def fold_system(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """What goes in front of the first user's text, and the turns: no system role in Gemma 1 to 3.

    The system text stays as it is, with two line ends after it (Gemma 3's template). A blank one is none.

    Raises:
        TokenizerError: no user's message follows the system text.
    """
    if messages[0].role != "system":
        return "", messages
    if len(messages) == 1 or messages[1].role != "user":
        raise order_error("After the system text a user's message is needed.", 2)
    system = messages[0].content
    return (f"{system}\n\n" if system.strip() else ""), messages[1:]


def order_error(what: str, number: int) -> TokenizerError:
    return TokenizerError(
        "chat-order",
        what,
        where=f"message {number}",
        fix="Give at most one system text first, then user and assistant in turn.",
    )
