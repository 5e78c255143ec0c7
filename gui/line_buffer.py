"""Lines out of chunks: what a pipe delivers, cut at newlines, within a limit."""

from __future__ import annotations


class LineTooLong(ValueError):
    """No newline came within the limit."""


class LineBuffer:
    """Keeps chunks in a list until one holds a newline: joining a growing buffer each time is quadratic."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._length = 0

    def push(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, without their newlines.

        Raises:
            LineTooLong: a line is longer than the limit; what was held is dropped.
        """
        lines = []
        start = 0
        while (end := chunk.find(b"\n", start)) != -1:
            self._hold(chunk[start:end])
            lines.append(b"".join(self._chunks))
            self._clear()
            start = end + 1
        if start < len(chunk):
            self._hold(chunk[start:])
        return lines

    def _hold(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > self._limit:
            self._clear()
            raise LineTooLong(f"a line is longer than {self._limit:,} bytes")
        self._chunks.append(piece)

    def _clear(self) -> None:
        self._chunks.clear()
        self._length = 0
