"""Tests of events on the wire: each comes back as it was, and what is none is refused."""

from __future__ import annotations

import json

import pytest

from gemma_mlx import events

EXAMPLES = [
    events.Progress("Training", 3, 10, "steps", "loss 2.5"),
    events.Metrics(3, {"train_loss": 2.5}),
    events.Sample(3, "Who?", "«Me»"),
    events.Checkpoint(3, "/runs/one/checkpoints/step-000003", best=True),
    events.Warning("some-code", "Careful.", "Do that."),
    events.Token(" and", 7),
    events.Done({"step": 3}, outcome="stopped"),
]


def test_there_is_an_example_of_each() -> None:
    assert {type(event) for event in EXAMPLES} == set(events.EVENT_TYPES.values())


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.type)
def test_an_event_comes_back_as_it_was(event: events.Event) -> None:
    message = json.loads(json.dumps(event.as_dict()))
    assert message["type"] == event.type
    assert events.event_from_dict(message) == event


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "unheard"},
        {"type": "token"},
        {"type": "token", "text": "a", "more": 1},
        {"type": "event"},
    ],
)
def test_what_is_no_event_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        events.event_from_dict(message)
