"""One sequence through the decoder: the prompt in chunks, then token after token without waiting.

B batch (1 here), L length, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import mlx.core as mx

from gemma_mlx.events import Progress
from gemma_mlx.inference.sampling import TokenPicker
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.kv_cache import Cache

PREFILL_CHUNK = 512
"""Prompt tokens in one forward pass. Fixed: with other chunks, sums round in other places."""

CLEAR_EVERY = 256
"""Tokens between two releases of the buffers that a growing cache leaves behind."""


def prefill(
    decoder: Decoder,
    ids: Sequence[int],
    cache: Cache,
    *,
    marks: Iterable[int] = (),
    chunk: int = PREFILL_CHUNK,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Brings the cache from its offset towards the end of `ids`; the last chunk is left to `first_logits`.

    `marks`: positions before the last token to mark in the cache. What follows the furthest in the last chunk
    is computed by itself, as it will be when an answer is made again from there, so that both round alike.
    Ends early, between two chunks, once `cancelled`.
    """
    begin = cache.offset
    total = len(ids) - begin
    wanted = sorted({mark for mark in marks if begin <= mark < len(ids)})
    furthest = wanted[-1] if wanted else 0
    yield Progress("Reading the prompt", 0, total, "tokens")
    _mark(cache, wanted)
    while not cancelled():
        place = cache.offset
        stop = place + chunk
        if stop >= len(ids):
            stop = furthest if furthest > place else len(ids)
        if stop >= len(ids):
            break
        decoder.hidden(mx.array(list(ids[place:stop]))[None], cache)
        mx.eval(cache.state())
        mx.clear_cache()
        _mark(cache, wanted)
        yield Progress("Reading the prompt", stop - begin, total, "tokens")


def _mark(cache: Cache, places: Iterable[int]) -> None:
    for place in places:
        if place <= cache.offset:
            cache.mark(place)


def first_logits(decoder: Decoder, ids: Sequence[int], cache: Cache) -> mx.array:
    """Logits (1, V) after the last of `ids`; computes what the cache has not yet."""
    assert cache.offset < len(ids)
    hidden = decoder.hidden(mx.array(list(ids[cache.offset :]))[None], cache)
    return decoder.head(hidden[:, -1])


def decode(decoder: Decoder, picker: TokenPicker, cache: Cache, logits: mx.array, most: int) -> Iterator[int]:
    """Up to `most` token ids, the first from logits (1, V).

    The step after a token is queued before the token is read, so that the device never waits for Python.
    When a token is yielded the cache holds it already, unless it is the last of `most`.
    """
    position = cache.offset
    token = picker.pick(logits, [position])
    mx.async_eval(token)
    for count in range(most):
        following = token
        if count + 1 < most:
            hidden = decoder.hidden(token[None], cache)
            following = picker.pick(decoder.head(hidden[:, -1]), [position + count + 1])
            mx.async_eval(following)
        chosen = token.item()
        assert isinstance(chosen, int)
        yield chosen
        if count % CLEAR_EVERY == CLEAR_EVERY - 1:
            mx.clear_cache()
        token = following
