"""What a handler is given: its job, a way to speak between yields, and what the user wishes meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from gemma_mlx.errors import Cancelled
from gemma_mlx.events import Event
from gemma_mlx.worker import protocol
from gemma_mlx.worker.channel import Channel

Wish = Literal["", "stop", "pause"]
CommandT = TypeVar("CommandT", bound=protocol.Command)


class Inbox:
    """Commands that wait and wishes by job; filled by the reading thread, emptied by the working one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[protocol.Command] = deque()
        self._wishes: dict[str, Wish] = {}
        self._closed = False

    def take_in(self, command: protocol.Command) -> None:
        """Sort one command in."""
        with self._changed:
            if isinstance(command, protocol.Cancel):
                self._wishes[command.target] = "stop"
            elif isinstance(command, protocol.Pause):
                self._wishes.setdefault(command.target, "pause")
            elif isinstance(command, protocol.Shutdown):
                self._closed = True
            else:
                self._waiting.append(command)
            self._changed.notify()

    def close(self) -> None:
        """The window is gone: what runs is to pause, what waits is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        return self._closed

    def wish(self, job: str) -> Wish:
        """What is wanted of a job. A window that is gone wants to resume later."""
        return self._wishes.get(job, "pause" if self._closed else "")

    def next(self) -> protocol.Command | None:
        """The next command, waited for; None when there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else self._waiting.popleft()

    def take(self, kind: type[CommandT]) -> list[CommandT]:
        """The commands of a kind that wait, out of their turn, but for those that nobody wants any more."""
        with self._changed:
            found = [command for command in self._waiting if isinstance(command, kind)]
            for command in found:
                self._waiting.remove(command)
            return [command for command in found if not self._wishes.get(command.job)]


class Context:
    """The job that a handler works at. `memory` lives as long as the process: a loaded model, a dataset."""

    def __init__(self, job: str, channel: Channel, inbox: Inbox, memory: dict[str, Any]) -> None:
        self.job = job
        self.memory = memory
        self._channel = channel
        self._inbox = inbox

    def wish(self) -> Wish:
        """ "" to go on, "stop" to end and keep, "pause" to end and resume later."""
        return self._inbox.wish(self.job)

    def cancelled(self) -> bool:
        return bool(self.wish())

    def check(self) -> None:
        """For work that has nothing to hand back.

        Raises:
            Cancelled: the user asked to stop.
        """
        if self.cancelled():
            raise Cancelled(kept="Nothing was changed.")

    def emit(self, event: Event) -> None:
        """Send an event from inside a callback, where a generator cannot yield. Raises as `check`."""
        self.check()
        self._channel.event(self.job, event)

    def take(self, kind: type[CommandT]) -> list[CommandT]:
        """Commands of a kind that wait while this job runs, to be answered in between."""
        return self._inbox.take(kind)


Answer = Event | protocol.PartMessage | protocol.ResultMessage
Handler = Callable[[Context, Any], Any]
"""Called with the context and the command; gives an iterator of Answers, the last of which ends the job."""


def result(command: protocol.Command, data: protocol.Frame) -> protocol.ResultMessage:
    """The typed answer that ends a command."""
    return protocol.ResultMessage(job=command.job, data=data.model_dump(mode="json"))


def part(command: protocol.Command, name: str, data: protocol.Frame) -> protocol.PartMessage:
    """A typed part of an answer."""
    return protocol.PartMessage(job=command.job, name=name, data=data.model_dump(mode="json"))
