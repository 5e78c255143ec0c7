"""The cache goes back exactly, or says how far it could go, also when the window has wrapped."""

from __future__ import annotations

import mlx.core as mx
import pytest

from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.kv_cache import Cache
from tests.models.test_decoder import relative, some_ids, tiny_decoder
from tests.tiny import TINY_GENERATIONS, WINDOW


@pytest.fixture(params=TINY_GENERATIONS)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return tiny_decoder(request.param)


def feed(decoder: Decoder, cache: Cache, ids: mx.array, chunk: int = 13) -> mx.array:
    """Logits of the last chunk, after feeding all."""
    for begin in range(0, ids.shape[1], chunk):
        logits = decoder(ids[:, begin : begin + chunk], cache)
    return logits


def long_length() -> int:
    """Enough tokens that sliding layers have dropped columns several times."""
    return 3 * (2 * WINDOW + 256)


def test_marks_survive_a_wrapped_window(decoder: Decoder) -> None:
    ids = some_ids(decoder, 1, long_length())
    cache = decoder.make_cache()
    feed(decoder, cache, ids[:, :100])
    cache.mark()
    feed(decoder, cache, ids[:, 100:])
    assert cache.rewind(100) == 100
    other = some_ids(decoder, 1, 37, seed=9)
    logits = feed(decoder, cache, other)
    expected = decoder(mx.concatenate([ids[:, :100], other], axis=1))
    assert relative(logits, expected[:, -logits.shape[1] :]) < 5e-6


def test_a_mark_can_be_used_twice(decoder: Decoder) -> None:
    ids = some_ids(decoder, 1, long_length())
    cache = decoder.make_cache()
    feed(decoder, cache, ids[:, :60])
    cache.mark()
    first = feed(decoder, cache, ids[:, 60:])
    cache.rewind(60)
    assert mx.array_equal(feed(decoder, cache, ids[:, 60:]), first)


def test_rewinding_without_marks_is_exact_or_starts_anew(decoder: Decoder) -> None:
    length = long_length()
    ids = some_ids(decoder, 1, length)
    for position in (length - 1, length - 5, length - 200, 40):
        cache = decoder.make_cache()
        feed(decoder, cache, ids)
        reached = cache.rewind(position)
        assert reached in (0, position)
        assert cache.offset == reached
        logits = feed(decoder, cache, ids[:, reached:])
        assert relative(logits[:, -1], decoder(ids)[:, -1]) < 5e-6


def test_a_short_way_back_is_always_possible(decoder: Decoder) -> None:
    """Within what the slack keeps, nothing is computed again."""
    cache = decoder.make_cache()
    feed(decoder, cache, some_ids(decoder, 1, 200))
    assert cache.rewind(150) == 150


def test_a_mark_costs_nothing_before_its_window_is_forgotten() -> None:
    decoder = tiny_decoder("gemma2")
    ids = some_ids(decoder, 1, long_length())
    marked, plain = decoder.make_cache(), decoder.make_cache()
    for cache in (marked, plain):
        feed(decoder, cache, ids[:, :100])
    marked.mark(70)
    marked.mark(90)
    assert marked.nbytes == plain.nbytes
    for cache in (marked, plain):
        feed(decoder, cache, ids[:, 100:])
    assert marked.nbytes > plain.nbytes
    for place in (90, 70):  # going back to one leaves the other
        assert marked.rewind(place + 5) == place
        logits = feed(decoder, marked, ids[:, place:])
        assert relative(logits, decoder(ids)[:, -logits.shape[1] :]) < 5e-6


def test_a_place_that_is_gone_cannot_be_marked() -> None:
    decoder = tiny_decoder("gemma2")
    cache = decoder.make_cache()
    feed(decoder, cache, some_ids(decoder, 1, long_length()))
    cache.mark(40)
    assert cache.rewind(41) == 0


def test_marks_beyond_a_rewind_are_gone() -> None:
    """After going back and on with other text, an old mark would describe a text that is not there."""
    decoder = tiny_decoder("gemma2")
    ids, other = some_ids(decoder, 1, long_length()), some_ids(decoder, 1, long_length(), seed=5)
    cache = decoder.make_cache()
    feed(decoder, cache, ids[:, :50])
    cache.mark()
    feed(decoder, cache, ids[:, 50:120])
    cache.mark()
    cache.rewind(50)
    feed(decoder, cache, other[:, :500])
    assert cache.rewind(120) == 50


def test_marks_are_bounded_in_number() -> None:
    decoder = tiny_decoder("gemma2")
    cache = decoder.make_cache(marks=2)
    for begin in range(0, 400, 40):
        feed(decoder, cache, some_ids(decoder, 1, 40, seed=begin))
        cache.mark()
    feed(decoder, cache, some_ids(decoder, 1, long_length()))
    assert cache.rewind(361) == 360
    assert cache.rewind(200) == 0


def test_memory_of_sliding_layers_stays_bounded() -> None:
    decoder = tiny_decoder("gemma2")
    cache = decoder.make_cache()
    feed(decoder, cache, some_ids(decoder, 1, 3000), chunk=64)
    sliding, full = cache.layers[0], cache.layers[1]
    assert sliding.window is not None and full.window is None
    assert full.nbytes >= 3000 / 700 * sliding.nbytes


def test_rows_can_leave_a_batch() -> None:
    decoder = tiny_decoder("gemma3_text")
    ids = some_ids(decoder, 3, 50)
    cache = decoder.make_cache()
    decoder(ids[:, :49], cache)
    cache.keep_rows([2, 0])
    logits = decoder(mx.stack([ids[2, 49:], ids[0, 49:]]), cache)
    assert relative(logits[0, -1], decoder(ids[2:])[0, -1]) < 5e-6
