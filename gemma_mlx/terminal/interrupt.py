"""Ctrl-C: the first asks long work to stop and keep what it has, the second ends the program at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED_STATUS = 130
"""The exit status of a program that was interrupted (128 + SIGINT), as shells expect it."""


class Control:
    """What long work asks between its steps. Empty: go on; "stop": keep what there is and end."""

    def __init__(self) -> None:
        self._wish = ""

    def cancelled(self) -> str:
        return self._wish

    def __call__(self) -> bool:
        """The same question for work that only knows yes and no."""
        return bool(self._wish)

    def stop(self) -> None:
        self._wish = "stop"


@contextmanager
def stoppable(note: str = "", tell: object = None) -> Iterator[Control]:
    """Within it, the first Ctrl-C is a wish and the second a KeyboardInterrupt.

    `tell` is called with `note` at the first one. Outside the main thread nothing is changed.
    """
    control = Control()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if control.cancelled():
            raise KeyboardInterrupt
        control.stop()
        if callable(tell) and note:
            tell(note)

    try:
        before = signal.signal(signal.SIGINT, interrupted)
    except ValueError:
        yield control
        return
    try:
        yield control
    finally:
        signal.signal(signal.SIGINT, before)
