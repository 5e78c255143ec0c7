"""Cuts markdown into stretches of prose and blocks of code, so that a stream rewrites only the last one."""

from __future__ import annotations

import re
from dataclasses import dataclass

PROSE_LENGTH = 1200
"""Letters after which prose goes on in a new segment at the next empty line."""

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_GOES_ON = re.compile(r"^(\s|[-*+>|]|\d+[.)])")
"""Lines that may belong to what stands before the empty line: lists, quotes, tables, indented text."""


@dataclass(frozen=True)
class Segment:
    """A stretch of prose (markdown), or the inside of a code block with its language."""

    text: str
    code: bool = False
    language: str = ""


def split_markdown(text: str) -> list[Segment]:
    """The segments of a text, which may end anywhere: an open block of code is code already."""
    segments: list[Segment] = []
    lines: list[str] = []
    fence = language = ""
    length = 0

    def close(code: bool) -> None:
        nonlocal length
        body = "\n".join(lines)
        if code or body.strip():
            segments.append(Segment(body if code else body.strip("\n"), code, language if code else ""))
        lines.clear()
        length = 0

    for line in text.split("\n"):
        match = _FENCE.match(line)
        if fence:
            if match and match[1][0] == fence[0] and len(match[1]) >= len(fence) and not match[2].strip():
                close(True)
                fence = ""
            else:
                lines.append(line)
            continue
        if match:
            close(False)
            fence, language = match[1], match[2].strip().split(" ")[0].lower()
            continue
        if length > PROSE_LENGTH and lines and not lines[-1].strip() and line and not _GOES_ON.match(line):
            close(False)
        lines.append(line)
        length += len(line) + 1
    close(bool(fence))
    return segments
