"""A key-value cache that knows which tokens it holds, so that a text with the same beginning reuses them."""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx

from gemma_mlx.models.config import ModelConfig
from gemma_mlx.models.decoder import Decoder

MARK_MEMORY = 1 << 30
"""Bytes that the marks of one chat may take: copies of the sliding windows at places to come back to."""

MOST_MARKS, FEWEST_MARKS = 8, 2


def affordable_marks(config: ModelConfig, itemsize: int = 2, memory: int = MARK_MEMORY) -> int:
    """How many marks fit the memory; at least two, which regenerate and edit of the last turn need."""
    windows = sum(window - 1 for window in config.layer_windows if window is not None)
    size = 2 * windows * config.num_kv_heads * config.head_dim * itemsize
    return max(FEWEST_MARKS, min(MOST_MARKS, memory // size if size else MOST_MARKS))


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the beginning that both share."""
    length = min(len(first), len(second))
    for index in range(length):
        if first[index] != second[index]:
            return index
    return length


class PromptCache:
    """The cache of one conversation, and the ids whose keys and values it holds."""

    def __init__(self, decoder: Decoder) -> None:
        itemsize = decoder.model.norm.weight.dtype.size
        self.cache = decoder.make_cache(affordable_marks(decoder.config, itemsize))
        self.ids: list[int] = []

    def begin(self, ids: Sequence[int]) -> int:
        """Goes back to the longest exact beginning of `ids` that is here; returns its length.

        At least the last token is left to compute, because its logits are wanted.
        """
        assert ids
        reached = self.cache.rewind(min(common_prefix(self.ids, ids), len(ids) - 1))
        del self.ids[reached:]
        return reached

    def settle(self, ids: Sequence[int]) -> None:
        """Notes that `ids` were computed as far as the cache has come; forgets all if it broke off within."""
        places = {layer.offset for layer in self.cache.layers}
        if len(places) != 1 or self.cache.offset > len(ids):
            self.clear()
        else:
            self.ids = list(ids[: self.cache.offset])

    def clear(self) -> None:
        """Forgets everything: the model answers otherwise than before (an adapter came or went)."""
        self.cache.clear()
        self.ids = []
        mx.clear_cache()
