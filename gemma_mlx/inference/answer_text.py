"""From tokens to the text that may be shown: whole characters only, and nothing of a stop string.

What is handed out depends on the text alone, never on where its tokens begin and end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class TokenStream(Protocol):
    """What a tokenizer's `stream()` gives: text that is final after each token."""

    def push(self, token: int) -> str: ...

    def finish(self) -> str: ...


class AnswerText:
    """Collects an answer token by token. `stopped` turns True once a stop string is complete."""

    def __init__(self, stream: TokenStream, stop: Sequence[str] = ()) -> None:
        """`stop`: strings before the first of which the text ends; empty ones are ignored."""
        self._stream = stream
        self._stop = [each for each in stop if each]
        self._held = ""
        self._shown: list[str] = []
        self.stopped = False

    @property
    def text(self) -> str:
        """All that was handed out."""
        return "".join(self._shown)

    def push(self, token: int) -> str:
        """The text that this token makes certain; often one token late, "" while a stop string may begin."""
        return self._take(self._stream.push(token))

    def finish(self, *, broken_off: bool = False) -> str:
        """What was still held back, once no token follows; of an answer `broken_off` no half character."""
        rest = self._stream.finish()
        shown = self._take(rest.rstrip("\ufffd") if broken_off else rest)
        if self.stopped:
            return shown
        return shown + self._show(len(self._held))

    def _take(self, text: str) -> str:
        if self.stopped:
            return ""
        self._held += text
        # The match that is complete first counts, so that a token that brings two changes nothing.
        matches = [(begin + len(each), begin) for each in self._stop if (begin := self._held.find(each)) >= 0]
        if matches:
            self.stopped = True
            shown = self._show(min(matches)[1])
            self._held = ""
            return shown
        return self._show(len(self._held) - self._undecided())

    def _undecided(self) -> int:
        """Length of the longest end of the held text that a stop string begins with."""
        longest = max((len(each) for each in self._stop), default=1) - 1
        for size in range(min(longest, len(self._held)), 0, -1):
            tail = self._held[-size:]
            if any(each.startswith(tail) for each in self._stop):
                return size
        return 0

    def _show(self, length: int) -> str:
        shown, self._held = self._held[:length], self._held[length:]
        if shown:
            self._shown.append(shown)
        return shown
