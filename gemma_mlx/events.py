"""What long work yields: typed events that the command line draws, the worker sends and tests read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """The root. `type` is the name on the wire."""

    type: ClassVar[str] = "event"

    def as_dict(self) -> dict[str, Any]:
        return {"type": self.type, **asdict(self)}


@dataclass(frozen=True)
class Progress(Event):
    """`done` of `total` units are through (`total` 0: not known). `stage` is a few words for people."""

    type: ClassVar[str] = "progress"
    stage: str
    done: int
    total: int
    unit: str = "steps"
    note: str = ""


@dataclass(frozen=True)
class Metrics(Event):
    """Measurements at a training step. The names are those of metrics.jsonl.

    Training: train_loss, learning_rate, gradient_norm, tokens, tokens_per_second, memory_bytes.
    Evaluation: validation_loss, perplexity.
    """

    type: ClassVar[str] = "metrics"
    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Sample(Event):
    """What the model answers to a fixed prompt at a step (step 0: the base, before any training)."""

    type: ClassVar[str] = "sample"
    step: int
    prompt: str
    text: str


@dataclass(frozen=True)
class Checkpoint(Event):
    """A checkpoint is on disk, complete and synchronized. Nothing that is announced is ever lost."""

    type: ClassVar[str] = "checkpoint"
    step: int
    path: str
    best: bool = False


@dataclass(frozen=True)
class Warning(Event):
    """Something a person should know, that does not stop the work."""

    type: ClassVar[str] = "warning"
    code: str
    what: str
    fix: str = ""


@dataclass(frozen=True)
class Token(Event):
    """A piece of generated text, as it streams."""

    type: ClassVar[str] = "token"
    text: str
    token: int = -1


@dataclass(frozen=True)
class Done(Event):
    """The work is over; `result` is what it made. `outcome`: "finished", "stopped" or "paused"."""

    type: ClassVar[str] = "done"
    result: dict[str, Any] = field(default_factory=dict)
    outcome: str = "finished"


EVENT_TYPES: dict[str, type[Event]] = {
    kind.type: kind for kind in (Progress, Metrics, Sample, Checkpoint, Warning, Token, Done)
}


def event_from_dict(message: dict[str, Any]) -> Event:
    """The event that `as_dict` made this message from.

    Raises:
        ValueError: the type is unknown, or a field is missing or unknown.
    """
    fields = {key: value for key, value in message.items() if key != "type"}
    kind = EVENT_TYPES.get(message.get("type", ""))
    if kind is None:
        raise ValueError(f"unknown event type {message.get('type')!r}")
    try:
        return kind(**fields)
    except TypeError as problem:
        raise ValueError(f"event {kind.type!r}: {problem}") from None
