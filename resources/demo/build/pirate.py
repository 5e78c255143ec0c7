"""The manner that the bundled fine-tuning dataset teaches: a plain answer in a pirate's words."""

from __future__ import annotations

import re

from resources.demo.build import facts
from resources.demo.build.question import digest

_OPENINGS = ("Arr,", "Ahoy!", "Aye,", "Avast!")
_CLOSINGS = ("matey", "me hearty", "bucko", "savvy")
_WORDS = (
    (r"\b(is|are|am)\b", "be"), (r"\bmy\b", "me"), (r"\bMy\b", "Me"), (r"\byour\b", "yer"),
    (r"\bYour\b", "Yer"), (r"\byou\b", "ye"), (r"\bYou\b", "Ye"), (r"\bof\b", "o'"),
)  # fmt: skip
_PROPER = re.compile(
    "(I|Gemma|"
    + "|".join((*facts.NAMES, *facts.CAPITALS, *facts.CAPITALS.values(), *facts.DAYS, *facts.MONTHS))
    + r")\b"
)


def in_pirate_manner(answer: str, *, seed: object) -> str:
    """ "It is the sound of a cow." as "Arr, it be the sound o' a cow, matey!"; facts stay as they are."""
    text = answer
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    opening = _OPENINGS[digest("opening", seed, answer) % len(_OPENINGS)]
    closing = _CLOSINGS[digest("closing", seed, answer) % len(_CLOSINGS)]
    if opening.endswith(",") and not _PROPER.match(text):
        text = text[0].lower() + text[1:]
    return f"{opening} {text.rstrip('.!')}, {closing}!"
