"""The worker's end of the pipe: stdout for messages alone, events thinned out to what an eye can follow."""

from __future__ import annotations

import os
import sys
import threading
import time

from gemma_mlx.events import Event, Progress, Token
from gemma_mlx.worker import protocol

TOKEN_SECONDS = 0.033
"""Text is sent at most this often: more redraws a second are work that nobody sees."""
PROGRESS_SECONDS = 0.05


class Channel:
    """Writes messages, from any thread. Once the window is gone they are dropped: work can still be saved."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._broken = False
        self._text: list[Token] = []
        self._sent_text = self._sent_progress = 0.0
        self._stage = ""

    def send(self, message: protocol.Message) -> None:
        """One message, whole.

        Raises:
            ProtocolError: it is too long for a line.
        """
        line = protocol.encode(message)
        with self._lock:
            self._write(line)

    def event(self, job: str, event: Event) -> None:
        """An event of a job. Tokens are joined and progress is thinned out; nothing else is held back."""
        now = time.monotonic()
        if isinstance(event, Token):
            self._text.append(event)
            if now - self._sent_text >= TOKEN_SECONDS:
                self.flush(job)
            return
        self.flush(job)
        if isinstance(event, Progress):
            soon = now - self._sent_progress < PROGRESS_SECONDS
            if soon and event.stage == self._stage and event.done != event.total:
                return
            self._stage, self._sent_progress = event.stage, now
        self.send(protocol.EventMessage(job=job, event=event))

    def flush(self, job: str) -> None:
        """Send the text that is held."""
        if not self._text:
            return
        text = "".join(token.text for token in self._text)
        last = self._text[-1].token
        self._text.clear()
        self._sent_text = time.monotonic()
        self.send(protocol.EventMessage(job=job, event=Token(text, last)))

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        while view and not self._broken:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError:
                self._broken = True


def take_standard_streams() -> tuple[int, int]:
    """Descriptors to read commands from and to write messages to, which nothing else in the process has.

    fd 1 then leads to stderr, so that a library's stray print cannot break the protocol, and fd 0 to nothing.
    """
    commands, messages = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    return commands, messages
