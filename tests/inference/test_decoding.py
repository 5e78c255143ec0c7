"""Prefill in chunks and pipelined decoding give what one pass over everything gives."""

from __future__ import annotations

import mlx.core as mx
import pytest

from gemma_mlx.inference.decoding import decode, first_logits, prefill
from gemma_mlx.inference.sampling import RowSampling, TokenPicker
from gemma_mlx.settings import SamplingSettings
from tests.inference.helpers import some_ids, tiny_decoder

GREEDY = SamplingSettings(temperature=0.0)


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 40])
@pytest.mark.parametrize("chunk", [7, 512])
def test_logits_after_chunked_prefill_equal_one_pass(generation: str, length: int, chunk: int) -> None:
    decoder, ids = tiny_decoder(generation), some_ids(length)
    cache = decoder.make_cache()
    list(prefill(decoder, ids, cache, chunk=chunk, marks=[length // 2, length - 1]))
    logits = first_logits(decoder, ids, cache)
    whole = decoder(mx.array(ids)[None])[:, -1]
    assert cache.offset == length
    assert mx.abs(logits - whole).max().item() < 1e-4


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
def test_greedy_decoding_equals_recomputing_everything_at_each_token(generation: str) -> None:
    decoder, ids = tiny_decoder(generation), some_ids(13)
    cache = decoder.make_cache()
    picker = TokenPicker([RowSampling(GREEDY, 0)], 512)
    generated = list(decode(decoder, picker, cache, first_logits(decoder, ids, cache), 30))
    slow = list(ids)
    for _ in range(30):
        slow.append(mx.argmax(decoder(mx.array(slow)[None])[0, -1]).item())
    assert generated == slow[13:]


def test_when_a_token_is_yielded_the_cache_holds_it_unless_it_is_the_last() -> None:
    decoder, ids = tiny_decoder(), some_ids(5)
    cache = decoder.make_cache()
    picker = TokenPicker([RowSampling(GREEDY, 0)], 512)
    offsets = [cache.offset for _ in decode(decoder, picker, cache, first_logits(decoder, ids, cache), 4)]
    assert offsets == [6, 7, 8, 8]


def test_prefill_reports_progress_and_can_be_cancelled_between_chunks() -> None:
    decoder, ids = tiny_decoder(), some_ids(50)
    cache = decoder.make_cache()
    steps = [(event.done, event.total) for event in prefill(decoder, ids, cache, chunk=20)]
    assert steps == [(0, 50), (20, 50), (40, 50)] and cache.offset == 40
    cache.clear()
    answers = iter([False, True])
    list(prefill(decoder, ids, cache, chunk=20, cancelled=lambda: next(answers)))
    assert cache.offset == 20


def test_a_mark_within_a_chunk_is_set_though_the_next_is_cancelled() -> None:
    decoder, ids = tiny_decoder(), some_ids(700)
    cache = decoder.make_cache()
    answers = iter([False, True])
    list(prefill(decoder, ids, cache, chunk=20, marks=[13, 699], cancelled=lambda: next(answers)))
    assert cache.offset == 20
    list(prefill(decoder, ids, cache, chunk=20))
    assert cache.rewind(15) == 13


def test_marks_are_places_that_the_cache_comes_back_to() -> None:
    decoder, ids = tiny_decoder(), some_ids(60)
    cache = decoder.make_cache()
    list(prefill(decoder, ids, cache, chunk=25, marks=[30, 59, 60]))
    assert cache.offset == 59
    first_logits(decoder, ids, cache)
    for _ in range(3):  # far beyond what the sliding layers keep
        decoder.hidden(mx.array([[7] * 300]), cache)
    assert cache.rewind(59) == 59
    whole = decoder(mx.array(ids)[None])[:, -1]
    assert mx.abs(first_logits(decoder, ids, cache) - whole).max().item() < 1e-4
