"""Which of a vocabulary's added symbols are control tokens, and which are ordinary text.

Gemma's vocabulary holds two kinds of symbols that are matched whole in raw text: runs of blanks and HTML
tags, which are text like any other, and markers such as `<end_of_turn>` or `<unused7>`, which steer the
model. Both back ends ask this file, so they agree. Source: the user-defined symbols of Gemma 2's
tokenizer.model.
"""

from __future__ import annotations

import re

_HTML_TAG = re.compile(
    r"</?(?:table|caption|thead|tbody|tfoot|tr|th|td|h[1-6]|blockquote|strong|em|b|i|u|s|sub|sup|code)>"
)
_BRACKETED = re.compile(r"<[^\s<>]+>|\[[^\s\[\]]+\]|<｜[^<>]+｜>", re.DOTALL)

TURN_MARKERS = ("<start_of_turn>", "<end_of_turn>")
"""Gemma's turn markers: control tokens whatever type a vocabulary gives them."""


def is_control(spelling: str, declared: bool) -> bool:
    """Whether an added symbol steers the model, so that typed text must never produce it.

    `declared` says that the vocabulary itself marks it as control (SentencePiece) or special (tokenizers).
    Other added symbols are control when they look like a marker (`<...>` or `[...]`) and are no HTML tag.
    """
    if declared or spelling in TURN_MARKERS:
        return True
    return bool(_BRACKETED.fullmatch(spelling)) and not _HTML_TAG.fullmatch(spelling)
