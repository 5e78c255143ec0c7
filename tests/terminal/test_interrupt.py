"""Tests of Ctrl-C: once is a wish, twice is the end, and afterwards all is as before."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from gemma_mlx.terminal.interrupt import stoppable


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_a_wish_and_the_second_the_end() -> None:
    told = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stoppable(lambda: told.append(1)) as interrupted:
        assert not interrupted()
        press()
        assert interrupted()
        assert told == [1]
        press()
    assert told == [1]
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_nothing_breaks() -> None:
    answers = []

    def work() -> None:
        with stoppable() as interrupted:
            answers.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [False]
