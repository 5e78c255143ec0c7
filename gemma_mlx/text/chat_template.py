"""Messages to ids, by Gemma's own form or by the checkpoint's template: the one door for chats.

A checkpoint's template counts where it brings one. Where it writes what Gemma's form writes, the native form
is used, so that chats do not depend on a stranger's template; a checkpoint without one has Gemma's form.
"""

from __future__ import annotations

from collections.abc import Sequence

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.foreign_template import ForeignTemplate
from gemma_mlx.text.gemma_form import has_gemma_form, render_gemma
from gemma_mlx.text.messages import Message, RenderedChat, check_messages
from gemma_mlx.text.tokenizer import Tokenizer

__all__ = ["Message", "RenderedChat", "render_chat"]

_USER, _ANSWER = Message("user", " Say <b>\n\n "), Message("assistant", "\nYes. ")
_PROBES = (
    ((_USER,), True),
    ((_USER, _ANSWER), False),
    ((_USER, _ANSWER, _USER), True),
    ((Message("system", "Be brief."), _USER), True),
)
"""Chats by which a template is compared with Gemma's form: blanks to strip, several turns, a system text."""


def render_chat(
    tokenizer: Tokenizer, messages: Sequence[Message], *, add_generation_prompt: bool
) -> RenderedChat:
    """The chat as ids, ready for the model. With `add_generation_prompt` the assistant's turn is opened.

    Control tokens come from the form alone: markers in the messages stay text.

    Raises:
        TokenizerError: the roles are in an order that the model does not know, or the checkpoint's template
            is missing, wrong, or takes too much time or memory.
    """
    check_messages(messages)
    if tokenizer.chat_form is None:
        tokenizer.chat_form = _choose(tokenizer)
    if isinstance(tokenizer.chat_form, ForeignTemplate):
        return tokenizer.chat_form.render(messages, add_generation_prompt=add_generation_prompt)
    return render_gemma(tokenizer, messages, add_generation_prompt=add_generation_prompt)


def _choose(tokenizer: Tokenizer) -> ForeignTemplate | str:
    if tokenizer.chat_template is None:
        return "gemma"
    foreign = ForeignTemplate(tokenizer, tokenizer.chat_template)
    return "gemma" if has_gemma_form(tokenizer) and _is_gemma(tokenizer, foreign) else foreign


def _is_gemma(tokenizer: Tokenizer, foreign: ForeignTemplate) -> bool:
    """Whether the template writes Gemma's form. One that refuses system texts (Gemma 1, 2) does too."""
    foreign.prepare([(tuple(message.role for message in chat), opened) for chat, opened in _PROBES])
    for chat, opened in _PROBES:
        native = render_gemma(tokenizer, chat, add_generation_prompt=opened)
        try:
            written = foreign.render(chat, add_generation_prompt=opened)
        except TokenizerError as problem:
            if problem.code in ("chat-refused", "chat-template-drops-text"):
                return False
            raise
        if written != native:
            return False
    return True
