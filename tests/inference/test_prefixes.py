"""Prompts that begin as others did read less and are answered the same."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.inference.cache_rows import PaddedCache
from gemma_mlx.inference.prefixes import PrefixStore
from gemma_mlx.inference.slots import Request, Slots
from gemma_mlx.settings import SamplingSettings
from tests.inference.helpers import small_loaded, some_ids
from tests.tiny import WINDOW

GREEDY = SamplingSettings(temperature=0.0, max_tokens=12)


def answers(slots: Slots, *prompts: list[int]) -> list[tuple[list[int], int]]:
    """Each prompt's answer and how many tokens of it were reused, all asked at once."""
    requests = [Request(key, ids, GREEDY, 0) for key, ids in enumerate(prompts)]
    for request in requests:
        slots.add(request)
    said: dict[int, list[int]] = {}
    while slots.busy:
        for update in slots.step():
            if update.result is not None:
                said[update.key] = update.result["ids"]
    return [(said[request.key], request.reused) for request in requests]


def fresh(loaded: Any, ids: list[int]) -> list[int]:
    return answers(Slots(loaded), ids)[0][0]


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
def test_the_next_turn_of_a_chat_reads_only_what_is_new(generation: str) -> None:
    """Longer than the window, so that a sliding layer holds only its end."""
    loaded = small_loaded(generation)
    slots = Slots(loaded, 4, prefixes=PrefixStore(loaded.model, least=8))
    first = some_ids(3 * WINDOW)
    (said, reused), *_ = answers(slots, first)
    assert reused == 0 and said == fresh(loaded, first)
    second = [*first, *said, *some_ids(9, seed=1)]
    (again, reused), *_ = answers(slots, second)
    assert reused == len(first) and again == fresh(loaded, second)


def test_chats_that_begin_with_the_same_text_share_it() -> None:
    loaded = small_loaded()
    slots = Slots(loaded, 4, prefixes=PrefixStore(loaded.model, least=8))
    system = some_ids(WINDOW - 4)
    prompts = [[*system, *some_ids(2 + seed, seed)[1:]] for seed in (1, 2, 3)]
    answers(slots, prompts[0])
    for ids, (said, reused) in zip(prompts[1:], answers(slots, *prompts[1:]), strict=True):
        assert reused >= len(system) and said == fresh(loaded, ids)


def test_a_beginning_that_has_left_the_window_is_read_again() -> None:
    loaded = small_loaded()
    slots = Slots(loaded, 4, prefixes=PrefixStore(loaded.model, least=8))
    shared = some_ids(2 * WINDOW)
    answers(slots, [*shared, 300, 301])
    ((said, reused),) = answers(slots, [*shared, 302])
    assert reused == 0 and said == fresh(loaded, [*shared, 302])


def test_the_same_prompt_leaves_its_last_token_to_compute() -> None:
    loaded = small_loaded("gemma")
    slots = Slots(loaded, 4, prefixes=PrefixStore(loaded.model, least=8))
    ids = some_ids(20)
    first = answers(slots, ids)
    second = answers(slots, ids)
    assert second == [(first[0][0], 19)]


def held(store: PrefixStore, ids: list[int]) -> int:
    cache = store.begin(ids)
    return 0 if cache is None else cache.offset


def read(store: PrefixStore, ids: list[int]) -> None:
    import mlx.core as mx

    cache = store.decoder.make_cache(0)
    mx.eval(store.decoder.hidden(mx.array([ids]), cache))
    store.keep(ids, PaddedCache(cache, [0]), 0)


def test_what_was_not_used_for_longest_is_dropped_and_the_memory_is_bounded() -> None:
    decoder = small_loaded("gemma").model
    one = PrefixStore(decoder, least=8)
    a, b, c = (some_ids(40, seed) for seed in range(3))
    read(one, a)
    store = PrefixStore(decoder, memory=2 * one.nbytes, least=8)
    read(store, a)
    read(store, b)
    assert held(store, a) == 39  # used now, so b goes first
    read(store, c)
    assert (held(store, a), held(store, b), held(store, c)) == (39, 0, 39)
    assert store.nbytes <= store.memory
    small = PrefixStore(decoder, memory=10, least=8)
    read(small, a)
    assert small.nbytes == 0


def test_a_longer_prompt_takes_the_place_of_its_beginning_and_short_ones_are_not_kept() -> None:
    store = PrefixStore(small_loaded("gemma").model, least=8)
    long = some_ids(40)
    read(store, long[:20])
    read(store, long)
    assert len(store._kept) == 1 and held(store, [*long[:20], 3]) == 20
    store.clear()
    read(store, long[:7])
    assert store.nbytes == 0 and held(store, long) == 0
