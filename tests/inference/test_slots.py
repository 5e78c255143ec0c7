"""The slot scheduler, as a server drives it: requests come and go between steps."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.inference.generate import generate, prompt_ids
from gemma_mlx.inference.slots import Request, Slots, Update
from gemma_mlx.settings import SamplingSettings
from tests.inference.helpers import small_loaded

SAMPLING = SamplingSettings(temperature=1.0, max_tokens=20, seed=4)


def request(loaded: Any, key: int, text: str, **changes: Any) -> Request:
    sampling = SAMPLING.model_copy(update=changes)
    return Request(key, prompt_ids(loaded.tokenizer, text), sampling, sampling.seed or 0)


def alone(loaded: Any, text: str, **changes: Any) -> dict[str, Any]:
    *_, last = generate(loaded, text, SAMPLING.model_copy(update=changes))
    return last.result  # type: ignore[attr-defined]


def drain(slots: Slots) -> list[Update]:
    updates = []
    while slots.busy:
        updates += slots.step()
    return updates


def test_requests_of_different_settings_that_come_at_different_times() -> None:
    loaded = small_loaded()
    cases: list[tuple[str, dict[str, Any]]] = [
        ("Hello", {}),
        ("A longer prompt than the window", {"temperature": 0.0}),
        ("Hi", {"repetition_penalty": 1.5, "seed": 8}),
        ("Stop", {"max_tokens": 1}),
        ("Late", {"top_k": 0, "top_p": 1.0}),
    ]
    slots = Slots(loaded, 4)
    updates = []
    for key, (text, changes) in enumerate(cases):
        slots.add(request(loaded, key, text, **changes))
        updates += slots.step() + slots.step() + slots.step()
    updates += drain(slots)
    for key, (text, changes) in enumerate(cases):
        mine = [update for update in updates if update.key == key]
        expected = alone(loaded, text, **changes)
        assert [update.result is not None for update in mine] == [False] * (len(mine) - 1) + [True]
        assert mine[-1].result is not None and mine[-1].result["ids"] == expected["ids"]
        assert "".join(update.text for update in mine) == mine[-1].result["text"] == expected["text"]


def test_a_request_joins_at_the_next_step_unless_it_is_to_wait_for_others() -> None:
    loaded = small_loaded()
    for gather, expected in ((1, {1, 2}), (2, {1})):
        slots = Slots(loaded, 4, gather)
        slots.add(request(loaded, 1, "Hello"))
        slots.step()
        slots.add(request(loaded, 2, "Hi"))
        assert {update.key for update in slots.step()} == expected
        drain(slots)
        assert slots.wanted == 4


def test_no_more_than_the_slots_are_under_way() -> None:
    loaded = small_loaded()
    slots = Slots(loaded, 2)
    for key in range(5):
        slots.add(request(loaded, key, f"Prompt {key}", max_tokens=3))
    assert slots.wanted == -3
    assert len({update.key for update in slots.step()}) == 2
    finished = [update.key for update in drain(slots) if update.result is not None]
    assert sorted(finished) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("key", [1, 2, 3])
def test_cancelling_one_leaves_the_others_as_they_were(key: int) -> None:
    loaded = small_loaded()
    slots = Slots(loaded, 2)
    texts = {1: "Hello", 2: "Hi", 3: "Waiting"}
    for name, text in texts.items():
        slots.add(request(loaded, name, text))
    updates = [*slots.step(), *slots.step()]
    last = slots.cancel(key)
    assert last is not None and last.result is not None
    assert last.result["reason"] == "cancelled" and last.result["tokens"] == (0 if key == 3 else 2)
    assert slots.cancel(key) is None and slots.cancel(99) is None
    updates += drain(slots)
    results = {update.key: update.result for update in updates if update.result is not None}
    assert set(results) == set(texts) - {key}
    for name, result in results.items():
        assert result["ids"] == alone(loaded, texts[name])["ids"]


def test_nothing_to_do_is_no_work() -> None:
    slots = Slots(small_loaded(), 2)
    assert not slots.busy and slots.step() == []
