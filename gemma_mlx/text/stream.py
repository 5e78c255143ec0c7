"""Ids to text as they come: only whole characters leave, and together they equal the decoded whole."""

from __future__ import annotations

import codecs
from collections.abc import Callable


class TokenStream:
    """Decodes one id after another. What `push` returned never changes afterwards."""

    def __init__(self, piece_bytes: Callable[[int], bytes], strips_first_space: bool) -> None:
        """
        Args:
            piece_bytes: the bytes of an id, empty for ids that are not shown.
            strips_first_space: whether the text's first space is the tokenizer's, not the text's.
        """
        self._piece_bytes = piece_bytes
        self._strips = strips_first_space
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, index: int) -> str:
        """The text that this id completes; empty while a character lacks bytes."""
        return self._decoder.decode(self._bytes(index))

    def finish(self) -> str:
        """What is left: a character that never became whole is U+FFFD. The stream then starts anew."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest

    def _bytes(self, index: int) -> bytes:
        piece = self._piece_bytes(index)
        if self._strips and piece:
            self._strips = False
            return piece.removeprefix(b" ")
        return piece
