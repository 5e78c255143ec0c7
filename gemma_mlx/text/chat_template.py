"""Messages to ids, with a mask of the tokens that a model answers with.

Gemma 1 to 3 are rendered natively, from ids: `<bos>`, then for each turn
`<start_of_turn>ROLE\\nTEXT<end_of_turn>\\n` with the roles user and model. Texts are stripped, as the
published templates do (`| trim`); a system text goes in front of the first user turn, two line ends between, as
in Gemma 3's template. Another template that a checkpoint brings is rendered by `foreign_template.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.tokenizer import Tokenizer

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
        ids: all tokens, one `<bos>` first.
        loss_mask: as long as ids; True on each assistant turn's text and its closing end-of-turn token. The line
            end after it is False: generation stops at the end of the turn, so the model never answers with it.
        turn_starts: where in ids each turn starts, the one opened by a generation prompt included. A system text
            that is folded into the first user turn has no turn of its own.
    """

    ids: list[int] = field(default_factory=list)
    loss_mask: list[bool] = field(default_factory=list)
    turn_starts: list[int] = field(default_factory=list)

    def add(self, ids: Sequence[int], *, loss: bool = False) -> None:
        self.ids += ids
        self.loss_mask += [loss] * len(ids)


def render_chat(
    tokenizer: Tokenizer, messages: Sequence[Message], *, add_generation_prompt: bool
) -> RenderedChat:
    """The chat as ids, ready for the model. With `add_generation_prompt` the assistant's turn is opened.

    Control tokens come from the form alone; markers in the messages stay text.

    Raises:
        TokenizerError: the roles are in no order that the model knows, or there is no usable template.
    """
    _check(messages)
    return render_native(tokenizer, messages, add_generation_prompt=add_generation_prompt)


def render_native(
    tokenizer: Tokenizer, messages: Sequence[Message], *, add_generation_prompt: bool
) -> RenderedChat:
    """Gemma 1 to 3's own form. Same ids as transformers' `apply_chat_template` on Gemma's templates."""
    start, end = tokenizer.control_id("<start_of_turn>"), tokenizer.control_id("<end_of_turn>")
    if start is None or end is None:
        raise TokenizerError(
            "no-chat-template",
            "This model has no chat template, and its vocabulary lacks Gemma's turn markers.",
            where=", ".join(map(str, tokenizer.files)),
            fix="Use it with plain text, or put the model's chat_template.jinja into its folder.",
        )
    prefix, turns = _fold_system(messages)
    rendered = RenderedChat()
    if tokenizer.bos_id is not None:
        rendered.add([tokenizer.bos_id])
    line_end = tokenizer.encode("\n")
    for index, message in enumerate(turns):
        _check_turn(message, index)
        text = message.content.strip()
        rendered.turn_starts.append(len(rendered.ids))
        rendered.add([start])
        if message.role == "assistant":
            # The text is encoded apart from the role's line, as it is when the model answers.
            rendered.add(tokenizer.encode("model\n"))
            rendered.add([*tokenizer.encode(text), end], loss=True)
        else:
            rendered.add([*tokenizer.encode("user\n" + (prefix if index == 0 else "") + text), end])
        rendered.add(line_end)
    if add_generation_prompt:
        if turns[-1].role == "assistant":
            raise _order(
                "The model cannot answer itself: the last message is the assistant's.", len(messages)
            )
        rendered.turn_starts.append(len(rendered.ids))
        rendered.add([start, *tokenizer.encode("model\n")])
    return rendered


def _fold_system(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """The text in front of the first user turn, and the turns. A blank system text is none."""
    if messages[0].role != "system":
        return "", messages
    if len(messages) == 1:
        raise _order("After the system text a user's message is needed.", 1)
    system = messages[0].content
    return (f"{system}\n\n" if system.strip() else ""), messages[1:]


def _check(messages: Sequence[Message]) -> None:
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


def _check_turn(message: Message, index: int) -> None:
    if message.role != ("user", "assistant")[index % 2]:
        raise _order("User and assistant do not alternate, starting with the user.", index + 1)


def _order(what: str, turn: int) -> TokenizerError:
    return TokenizerError(
        "chat-order",
        what,
        where=f"turn {turn}",
        fix="Give at most one system text first, then user and assistant in turn.",
    )
