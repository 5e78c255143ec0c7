"""Rows of several caches put together go on as they would alone."""

from __future__ import annotations

import mlx.core as mx
import pytest

from gemma_mlx.inference.cache_rows import PaddedCache, combine
from gemma_mlx.models.layout import LeftPadded
from tests.inference.helpers import some_ids, tiny_decoder


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
def test_rows_of_any_lengths_combined_give_the_logits_of_each_alone(generation: str) -> None:
    decoder = tiny_decoder(generation)
    texts = [some_ids(length, seed) for seed, length in enumerate((5, 40, 17, 60))]
    parts = []
    for text in texts:
        cache = decoder.make_cache()
        decoder.hidden(mx.array([text]), cache)
        parts.append(PaddedCache(cache, [0]))
    held = combine(decoder, [(part, [0]) for part in parts])
    assert held.padding == [55, 20, 43, 0] and held.lengths == [5, 40, 17, 60]
    chosen = combine(decoder, [(held, [2, 0])])  # the longest have left: less padding
    assert chosen.padding == [0, 12] and chosen.cache.offset == 17
    joined = combine(decoder, [(chosen, [1, 0]), (parts[3], [0])])
    assert joined.padding == [55, 43, 0]

    following = mx.array([[300], [301], [302]])
    logits = decoder(following, joined.cache, LeftPadded(mx.array(joined.padding)))[:, -1]
    for row, (text, token) in enumerate(zip((texts[0], texts[2], texts[3]), (300, 301, 302), strict=True)):
        whole = decoder(mx.array([[*text, token]]))[0, -1]
        assert mx.abs(logits[row] - whole).max().item() < 1e-4


def test_sliding_layers_keep_no_more_than_their_window() -> None:
    decoder = tiny_decoder("gemma2")
    cache = decoder.make_cache()
    decoder.hidden(mx.array([some_ids(200)]), cache)
    layers = combine(decoder, [(PaddedCache(cache, [0]), [0])]).cache.layers
    assert [layer.state()[0].shape[2] for layer in layers] == [15, 200, 15, 200]
