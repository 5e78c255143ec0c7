"""Puts rows of several key-value caches into one batch, and takes rows that are done out of it.

Rows of one batch end at the same column and are padded on the left. Keys keep the rotation of the position
they were computed at, so shifting a row's columns changes nothing but its padding.
B batch, K kv heads, S columns, d head dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlx.core as mx

from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.kv_cache import Cache, LayerCache


@dataclass
class PaddedCache:
    """A cache of B rows and how many columns of padding each begins with."""

    cache: Cache
    padding: list[int]

    @property
    def lengths(self) -> list[int]:
        """Tokens that each row holds."""
        return [self.cache.offset - padding for padding in self.padding]


def combine(decoder: Decoder, parts: Sequence[tuple[PaddedCache, Sequence[int]]]) -> PaddedCache:
    """One cache of the chosen rows of each part, in this order, padded no more than the longest row needs."""
    lengths = [part.lengths[row] for part, rows in parts for row in rows]
    columns = max(lengths)
    combined = decoder.make_cache(0)
    for index, layer in enumerate(combined.layers):
        # A sliding layer's next query sees window - 1 columns besides its own.
        first = 0 if layer.window is None else max(0, columns - (layer.window - 1))
        pieces = [_columns(part.cache.layers[index], rows, columns - first) for part, rows in parts if rows]
        keys = mx.concatenate([piece[0] for piece in pieces])
        values = mx.concatenate([piece[1] for piece in pieces])
        layer.restore((first, keys, values))
    mx.eval(combined.state())
    return PaddedCache(combined, [columns - length for length in lengths])


def _columns(layer: LayerCache, rows: Sequence[int], count: int) -> tuple[mx.array, mx.array]:
    """The last `count` columns of these rows, (B, K, count, d) of keys and values; zeros where none are."""
    index = mx.array(list(rows))
    keys, values = (buffer[index, :, max(0, layer.length - count) : layer.length] for buffer in layer.state())
    missing = count - keys.shape[2]
    if missing:
        padding = [(0, 0), (0, 0), (missing, 0), (0, 0)]
        keys, values = mx.pad(keys, padding), mx.pad(values, padding)
    return keys, values
