"""Renders a chat by the checkpoint's own template, such as Qwen2's, without showing it a word of the chat.

The template gets a placeholder for each message. What it writes around the placeholders may hold control
tokens; the messages, put in afterwards, cannot. As the outcome depends on the roles alone, each order of
roles is rendered once, however many chats there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.messages import Message, RenderedChat, fold_system
from gemma_mlx.text.template_sandbox import Rendering, render_template
from gemma_mlx.text.tokenizer import Tokenizer

# Private characters that no template writes; the blanks around show whether the template strips.
_OPEN, _CLOSE, _BLANK = "\U000f4d4c", "\U000f4d4d", "\u2003"
_PLACEHOLDER = re.compile(f"({_BLANK}?){_OPEN}([0-9]+){_CLOSE}({_BLANK}?)")
_MOST_SHAPES = 4096
_UNSUITED = ("chat-refused", "chat-template-drops-text")

Shape = tuple[tuple[str, ...], bool]
"""The roles of a chat and whether the assistant's turn is to be opened: all that a template sees of it."""


@dataclass(frozen=True)
class _Slot:
    """Where a message goes, and which of its outer blanks the template keeps."""

    message: int
    keeps_start: bool
    keeps_end: bool

    def text(self, messages: Sequence[Message]) -> str:
        text = messages[self.message].content
        text = text if self.keeps_start else text.lstrip()
        return text if self.keeps_end else text.rstrip()


@dataclass(frozen=True)
class _Piece:
    """One step of an outline: ordinary text, a control token's id or a message; and what it counts as."""

    item: str | int | _Slot
    loss: bool = False
    starts_turn: bool = False


class ForeignTemplate:
    """A checkpoint's template for one tokenizer. Outlines are kept by order of roles."""

    def __init__(self, tokenizer: Tokenizer, template: str) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._outlines: dict[Shape, list[_Piece] | TokenizerError] = {}
        names = sorted(tokenizer.control_tokens, key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, names))) if names else None

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool) -> RenderedChat:
        """The chat as the template writes it. A system text that it refuses goes in front of the user's.

        Raises:
            TokenizerError: the template refuses the messages, leaves one out, is wrong, or takes too long.
        """
        shape = (tuple(message.role for message in messages), add_generation_prompt)
        self.prepare([shape])
        outline = self._outlines[shape]
        if isinstance(outline, TokenizerError) and outline.code in _UNSUITED and shape[0][0] == "system":
            prefix, turns = fold_system(messages)
            first = Message("user", prefix + turns[0].content.strip())
            return self.render([first, *turns[1:]], add_generation_prompt=add_generation_prompt)
        if isinstance(outline, TokenizerError):
            raise outline
        return _fill(outline, self._tokenizer, messages)

    def prepare(self, shapes: Sequence[Shape]) -> None:
        """Renders the outlines that are not there yet, all at once."""
        missing = [shape for shape in dict.fromkeys(shapes) if shape not in self._outlines]
        if not missing:
            return
        if len(self._outlines) + len(missing) > _MOST_SHAPES:
            self._outlines.clear()
        renderings = render_template(self._template, [self._variables(shape) for shape in missing])
        for shape, rendering in zip(missing, renderings, strict=True):
            self._outlines[shape] = self._outline(shape, rendering)

    def _variables(self, shape: Shape) -> dict[str, Any]:
        roles, add_generation_prompt = shape
        return {
            **self._tokenizer.special_tokens,
            "messages": [
                {"role": role, "content": f"{_BLANK}{_OPEN}{number}{_CLOSE}{_BLANK}"}
                for number, role in enumerate(roles)
            ],
            "add_generation_prompt": add_generation_prompt,
            "tools": None,
            "documents": None,
        }

    def _outline(self, shape: Shape, rendering: Rendering) -> list[_Piece] | TokenizerError:
        where = ", ".join(map(str, self._tokenizer.files))
        if rendering.problem == "refused":
            return TokenizerError(
                "chat-refused",
                f"The model's chat template refuses these messages: {rendering.reason}",
                where=f"messages of {', '.join(shape[0])}",
                fix="Give the roles in an order that the model was trained on.",
            )
        if rendering.problem:
            code = "chat-template-limits" if rendering.problem == "limits" else "bad-chat-template"
            return TokenizerError(
                code,
                f"The model's chat template cannot be used: {rendering.reason}",
                where=f"chat template of {where}",
                fix="Download the model again, or correct its chat_template.",
            )
        slots = list(_PLACEHOLDER.finditer(rendering.text))
        dropped = sorted(set(range(len(shape[0]))) - {int(match[2]) for match in slots})
        if dropped:
            return TokenizerError(
                "chat-template-drops-text",
                f"The model's chat template leaves out the text of message {dropped[0] + 1} "
                f"({shape[0][dropped[0]]}).",
                where=f"chat template of {where}",
                fix="Leave that message out, or correct the template.",
            )
        outline: list[_Piece] = []
        position, role = 0, ""
        for match in slots:
            outline += self._between(rendering.text[position : match.start()], role, opens=True)
            role = shape[0][int(match[2])]
            slot = _Slot(int(match[2]), bool(match[1]), bool(match[3]))
            outline.append(_Piece(slot, loss=role == "assistant"))
            position = match.end()
        outline += self._between(rendering.text[position:], role, opens=shape[1])
        return self._with_one_bos(outline)

    def _between(self, text: str, role: str, opens: bool) -> list[_Piece]:
        """What the template writes between two messages: the end of one turn, then the start of another.

        The end is the first control token, if but blanks stand before it, and the blanks after it. A model
        learns to write that token after its own text. `role` is the role before, "" at the chat's beginning;
        `opens` says whether another turn follows.
        """
        parts: list[str | int] = []
        position = 0
        for match in self._control.finditer(text) if self._control else ():
            parts += [text[position : match.start()], self._tokenizer.control_tokens[match[0]]]
            position = match.end()
        parts = [part for part in (*parts, text[position:]) if part != ""]
        leading = 1 if parts and isinstance(parts[0], str) and not parts[0].strip() else 0
        if role == "system" and not any(isinstance(part, int) for part in parts):
            opens = False  # the system text stands within the user's turn, as in Gemma 3's template
        closing = 0
        if role and len(parts) > leading and isinstance(parts[leading], int):
            closing = leading + 1
        pieces = [_Piece(part, loss=role == "assistant") for part in parts[:closing]]
        rest = parts[closing:]
        if closing and rest and isinstance(rest[0], str) and not rest[0].strip():
            pieces.append(_Piece(rest.pop(0)))
        if opens:
            # An empty text marks the turn's start where the template writes nothing before the message.
            return [*pieces, _Piece(rest[0] if rest else "", starts_turn=True), *map(_Piece, rest[1:])]
        return [*pieces, *map(_Piece, rest)]

    def _with_one_bos(self, outline: list[_Piece]) -> list[_Piece]:
        """One beginning-of-text token in front, if the template writes any or the tokenizer asks for it."""
        bos = self._tokenizer.bos_id
        if bos is None:
            return outline
        written = any(piece.item == bos for piece in outline)
        # What stood at a dropped token keeps the place: an empty text writes nothing.
        outline = [replace(piece, item="") if piece.item == bos else piece for piece in outline]
        return [_Piece(bos), *outline] if written or self._tokenizer.adds_bos else outline


def _fill(outline: Sequence[_Piece], tokenizer: Tokenizer, messages: Sequence[Message]) -> RenderedChat:
    """The outline with the messages in it, as ids.

    Between two control tokens all text, the template's and the user's, is encoded in one piece, as
    transformers does. A new turn and an assistant's text start anew, as they do when the model answers.
    """
    rendered = RenderedChat()
    pending, loss = "", False

    def flush() -> None:
        nonlocal pending
        if pending:
            rendered.add(tokenizer.encode(pending), loss=loss)
            pending = ""

    for piece in outline:
        if piece.starts_turn or piece.loss != loss or isinstance(piece.item, int):
            flush()
        loss = piece.loss
        if piece.starts_turn:
            rendered.start_turn()
        if isinstance(piece.item, int):
            rendered.add([piece.item], loss=loss)
        else:
            pending += piece.item if isinstance(piece.item, str) else piece.item.text(messages)
    flush()
    return rendered
