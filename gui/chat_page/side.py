"""One side of a chat: its worker with the model in it, and the answer that is being streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gemma_mlx.events import Event, Progress, Token
from gemma_mlx.library.chat_tree import ChatTree, Turn
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.worker import protocol
from gemma_mlx.worker.results import LoadedForChat
from gui.worker_client import Failure, Job, Outcome, WorkerClient, WorkerProcess

BATCH = 40
"""Milliseconds between repaints of a streamed answer."""


class Side(QObject):
    """Loads, answers, stops, ejects. What is streamed goes straight into the turn."""

    changed = Signal()
    """Loaded, loading or not: show it."""
    grew = Signal(int)
    """The turn of this id has more text."""
    answered = Signal(int, bool)
    """The answer in the turn of this id is over; whether it went well. 0: the model could not be loaded."""
    failed = Signal(object)
    """Failure."""

    def __init__(self, workers: WorkerClient) -> None:
        super().__init__()
        self._workers = workers
        self.model, self.adapter = "", ""
        self.loaded: LoadedForChat | None = None
        self.loading: tuple[str, int, int] | None = None
        self.turn: Turn | None = None
        self.quiet = False
        self._worker: WorkerProcess | None = None
        self._load: Job | None = None
        self._answer: Job | None = None
        self._batch = QTimer(self, singleShot=True, interval=BATCH)
        self._batch.timeout.connect(self._tell)

    @property
    def busy(self) -> bool:
        """Whether an answer is under way."""
        return self.turn is not None

    def choose(self, model: str, adapter: str) -> None:
        """Be of this model from now on. Another one that is loaded is let go."""
        if (model, adapter) != (self.model, self.adapter):
            self.eject()
            self.model, self.adapter = model, adapter
            self.changed.emit()

    def load(self) -> None:
        """Put the chosen model into memory, if it is not there."""
        if self.loaded is not None or self.loading is not None or not self.model:
            return
        if self._worker is None or not self._worker.alive:
            self._worker = self._workers.open()
            self._worker.quiet.connect(self._on_quiet)
            self._worker.ended.connect(self._on_ended)
        self.loading = (self.tr("Starting"), 0, 0)
        self._load = self._worker.run(protocol.LoadForChat(model=self.model, adapter=self.adapter or None))
        self._load.happened.connect(self._on_load_event)
        self._load.finished.connect(self._on_loaded)
        self._load.failed.connect(self._on_load_failed)
        self.changed.emit()

    def eject(self) -> None:
        """Free the memory. An answer under way ends with what was said."""
        worker, self._worker = self._worker, None
        turn, self.turn = self.turn, None
        self._load = self._answer = None
        self.loaded, self.loading = None, None
        self._batch.stop()
        if worker is not None:
            worker.close()
        self.changed.emit()
        if turn is not None:
            turn.details.setdefault("reason", "cancelled")
            self.answered.emit(turn.id, True)

    def answer(
        self, turn: Turn, messages: Sequence[protocol.ChatMessage], sampling: SamplingSettings, carry_on: bool
    ) -> None:
        """Stream an answer into a turn. The model is loaded first, if need be: commands wait in the pipe."""
        self.turn = turn
        self.load()
        if self._worker is None:
            self.turn = None
            self.answered.emit(turn.id, False)
            return
        command = protocol.ChatTurn(messages=list(messages), sampling=sampling, continue_last=carry_on)
        self._answer = self._worker.run(command)
        self._answer.happened.connect(self._on_event)
        self._answer.finished.connect(self._on_answered)
        self._answer.failed.connect(self._on_failed)
        self.changed.emit()

    def stop(self) -> None:
        """End the answer at its next token; what was said stays. A loading that is under way ends, too."""
        if self.loading is not None:
            self.eject()
        elif self._worker is not None and self._answer is not None:
            self._worker.cancel(self._answer)

    def abandon(self) -> Turn | None:
        """End the answer at once and say nothing more of it; gives its turn, with what was said so far."""
        if self._worker is not None and self._answer is not None:
            self._worker.cancel(self._answer)
        turn, self.turn, self._answer = self.turn, None, None
        self._batch.stop()
        if turn is not None:
            turn.details = {"reason": "cancelled"}
            self.changed.emit()
        return turn

    def _on_load_event(self, event: Event) -> None:
        if isinstance(event, Progress) and self.sender() is self._load:
            self.loading = (event.stage, event.done, event.total)
            self.changed.emit()

    def _on_loaded(self, data: dict[str, Any]) -> None:
        if self.sender() is self._load:
            self._load, self.loading = None, None
            self.loaded = LoadedForChat.model_validate(data)
            self.changed.emit()

    def _on_load_failed(self, failure: Failure) -> None:
        if self.sender() is not self._load:
            return
        turn, self.turn = self.turn, None
        self._answer = None
        self.eject()
        if failure.code != "cancelled":
            self.failed.emit(failure)
        if turn is not None:
            self.answered.emit(turn.id, False)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Token) and self.sender() is self._answer and self.turn is not None:
            self.turn.content += event.text
            if not self._batch.isActive():
                self._batch.start()

    def _on_answered(self, data: dict[str, Any]) -> None:
        if self.sender() is not self._answer or self.turn is None:
            return
        self.turn.details = {name: value for name, value in data.items() if name not in ("text", "ids")}
        self._over(True)

    def _on_failed(self, failure: Failure) -> None:
        if self.sender() is not self._answer or self.turn is None:
            return
        self.turn.details = {"reason": "failed"}
        self._over(False)
        if failure.code != "cancelled":
            self.failed.emit(failure)

    def _over(self, well: bool) -> None:
        turn, self.turn, self._answer = self.turn, None, None
        self._batch.stop()
        self.changed.emit()
        if turn is not None:
            self.answered.emit(turn.id, well)

    def _tell(self) -> None:
        if self.turn is not None:
            self.grew.emit(self.turn.id)

    def _on_quiet(self, quiet: bool) -> None:
        self.quiet = quiet
        self.changed.emit()

    def _on_ended(self, _outcome: Outcome) -> None:
        """Its jobs have failed before, and said why."""
        if self.sender() is self._worker:
            self._worker = None
            self.loaded, self.loading = None, None
            self.changed.emit()


def messages_of(tree: ChatTree, system: str, last: int) -> list[protocol.ChatMessage]:
    """The system text and the turns up to turn `last`, it included; turns of one role become one message."""
    messages: list[protocol.ChatMessage] = []
    if system.strip():
        messages.append(protocol.ChatMessage(role="system", content=system.strip()))
    for turn in [*tree.before(last), tree.turn(last)]:
        text = turn.content
        if messages and messages[-1].role == turn.role:
            text = f"{messages.pop().content}\n\n{text}"
        messages.append(protocol.ChatMessage(role=turn.role, content=text))
    return messages
