"""The thread that owns the model: requests come in from any thread, tokens go out as they are made.

All of MLX's work happens on this one thread. Each name of the shelf has a batch of its own, and the batches
that have work take turns, a token at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue

import mlx.core as mx

from gemma_mlx.errors import GemmaError
from gemma_mlx.inference.generate import prompt_ids
from gemma_mlx.inference.prefixes import PREFIX_MEMORY, PrefixStore
from gemma_mlx.inference.slots import Request, Slots, Update
from gemma_mlx.serving.shelf import Shelf
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message

Deliver = Callable[[Update | GemmaError], None]
"""Takes each update of a request, the last of which has a result or is an error. Called on the thread."""


class Busy(GemmaError):
    """More requests wait than the server keeps."""

    def __init__(self) -> None:
        super().__init__(
            "server-busy", "The server has as many requests waiting as it keeps.", fix="Ask again later."
        )


class Stopped(GemmaError):
    """The server shuts down."""

    def __init__(self) -> None:
        super().__init__("server-stopped", "The server is shutting down.", fix="Ask again later.")


@dataclass
class _Job:
    name: str
    request: Request
    deliver: Deliver


class Engine:
    """Up to `slots` answers at once of each name; up to `waiting` requests besides wait for their turn."""

    def __init__(self, open_shelf: Callable[[], Shelf], *, slots: int = 16, waiting: int = 256) -> None:
        """`open_shelf` loads the models; it is called on the thread, and ends early once `left` is set."""
        self.slots = slots
        self.waiting = waiting
        self.served = 0  # answers that came to an end
        self.left = threading.Event()  # nobody waits for the models any more
        self._open_shelf = open_shelf
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._keys = count()
        self._lock = threading.Lock()
        self._jobs: dict[int, _Job] = {}
        self._stopping = False
        self._opened: SimpleQueue[Shelf | BaseException] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._shelf: Shelf
        self._lanes: dict[str, Slots] = {}

    def start(self) -> Shelf:
        """Loads the models and begins to work; raises what loading raises."""
        self._thread.start()
        try:
            opened = self._opened.get()
        except BaseException:  # Ctrl-C
            self.left.set()
            self._thread.join()
            raise
        if isinstance(opened, BaseException):
            self._thread.join()
            raise opened
        return opened

    def submit(
        self, name: str, ids: list[int], sampling: SamplingSettings, seed: int, to: Deliver
    ) -> Request:
        """Takes a request. From any thread.

        Raises:
            Busy: too many wait.
            Stopped: the server shuts down.
        """
        with self._lock:
            if self._stopping:
                raise Stopped
            if len(self._jobs) >= self.slots + self.waiting:
                raise Busy
            job = _Job(name, Request(next(self._keys), ids, sampling, seed), to)
            self._jobs[job.request.key] = job
            self._inbox.put(lambda: self._add(job))
        return job.request

    def cancel(self, key: int) -> None:
        """Ends a request where it is and frees its slot; nothing where it has ended. From any thread."""
        self._inbox.put(lambda: self._cancel(key))

    @property
    def active(self) -> int:
        """Requests that are under way or wait."""
        return len(self._jobs)

    def end_all(self) -> None:
        """Takes no more requests and ends those there are with an error. From any thread."""
        with self._lock:
            self._stopping = True
            self._inbox.put(lambda: self._fail(self._shelf.names, Stopped()))

    def stop(self) -> None:
        """Ends all requests and the thread."""
        self.end_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            try:
                self._shelf = self._open_shelf()
                for name in self._shelf.names:
                    self._lanes[name] = self._new_lane()
                # The tokenizer is read and the chat's form chosen here, where a failure is told at the start.
                prompt_ids(self._shelf.loaded.tokenizer, [Message("user", "Hello")])
            except BaseException as problem:
                self._opened.put(problem)
                return
            self._opened.put(self._shelf)
            if self.left.is_set():
                return
            while self._take_messages():
                for name, lane in self._lanes.items():
                    if lane.busy:
                        self._step(name, lane)
        finally:
            # Threads of streams that outlive their Python thread abort the program when it ends.
            mx.clear_streams()

    def _take_messages(self) -> bool:
        """Does what other threads asked for; waits where there is no other work. False: it is over."""
        while True:
            idle = not any(lane.busy for lane in self._lanes.values())
            if self._stopping and idle and self._inbox.empty():
                return False
            try:
                self._inbox.get(block=idle)()
            except Empty:
                return True

    def _step(self, name: str, lane: Slots) -> None:
        self._shelf.use(name)
        try:
            updates = lane.step()
        except Exception as problem:
            if not isinstance(problem, GemmaError):
                problem = GemmaError("internal", f"The answer broke off: {type(problem).__name__}: {problem}")
            self._fail([name], problem)
            return
        for update in updates:
            self._deliver(update)

    def _deliver(self, update: Update) -> None:
        job = self._jobs[update.key]
        if update.result is not None:
            self._end(update.key)
        job.deliver(update)

    def _add(self, job: _Job) -> None:
        if job.request.key in self._jobs:  # its batch may have failed meanwhile
            self._lanes[job.name].add(job.request)

    def _cancel(self, key: int) -> None:
        job = self._jobs.get(key)
        if job is not None:
            update = self._lanes[job.name].cancel(key)
            assert update is not None
            self._deliver(update)

    def _fail(self, names: list[str], problem: GemmaError) -> None:
        """Ends all requests of these names with an error, and begins their batches anew."""
        for name in names:
            self._lanes[name] = self._new_lane()
        for key, job in list(self._jobs.items()):
            if job.name in names:
                self._end(key)
                job.deliver(problem)
        mx.clear_cache()

    def _end(self, key: int) -> None:
        with self._lock:
            del self._jobs[key]
            self.served += 1

    def _new_lane(self) -> Slots:
        memory = PREFIX_MEMORY // len(self._shelf.names)
        return Slots(self._shelf.loaded, self.slots, prefixes=PrefixStore(self._shelf.loaded.model, memory))
