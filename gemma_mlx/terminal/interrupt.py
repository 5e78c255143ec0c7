"""Ctrl-C: the first asks long work to stop and keep what it has, the second ends the program at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED_STATUS = 130
"""The exit status of a program that was interrupted (128 + SIGINT), as shells expect it."""


class Interrupted:
    """Whether Ctrl-C was pressed. Calling it asks, so that it serves as a `cancel` callback."""

    def __init__(self) -> None:
        self.pressed = False

    def __call__(self) -> bool:
        return self.pressed


@contextmanager
def stoppable(at_first: Callable[[], None] | None = None) -> Iterator[Interrupted]:
    """Within it, the first Ctrl-C is a wish and the second a KeyboardInterrupt.

    `at_first` is called at the first one. Outside the main thread Ctrl-C stays as it is.
    """
    interrupted = Interrupted()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if interrupted.pressed:
            raise KeyboardInterrupt
        interrupted.pressed = True
        if at_first is not None:
            at_first()

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:
        yield interrupted
        return
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
