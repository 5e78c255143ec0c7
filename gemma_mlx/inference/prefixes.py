"""Keys and values of prompts that were read lately, so that a prompt with the same beginning reads less.

The next turn of a chat begins with the whole prompt of the turn before, and many chats begin with the same
system text. B batch, S columns.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gemma_mlx.inference.cache_rows import PaddedCache, combine
from gemma_mlx.inference.prompt_cache import common_prefix
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.kv_cache import Cache

LEAST_REUSED = 32
"""Fewer tokens are read faster together with other prompts than a rest is read alone."""

PREFIX_MEMORY = 1 << 30
"""Bytes that the kept prompts of one model may take."""


@dataclass
class _Kept:
    ids: list[int]
    cache: Cache  # one row, as long as ids


class PrefixStore:
    """The prompts kept, those not used for longest dropped first."""

    def __init__(self, decoder: Decoder, memory: int = PREFIX_MEMORY, least: int = LEAST_REUSED) -> None:
        self.decoder = decoder
        self.memory = memory
        self.least = least
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._next = 0

    @property
    def nbytes(self) -> int:
        """Bytes that are held."""
        return sum(entry.cache.nbytes for entry in self._kept.values())

    def keep(self, ids: list[int], held: PaddedCache, row: int) -> None:
        """Copies the row of a cache that has just read `ids` and nothing after them."""
        assert held.lengths[row] == len(ids)
        if len(ids) < self.least:
            return
        cache = combine(self.decoder, [(held, [row])]).cache
        for key, entry in list(self._kept.items()):
            shared = common_prefix(entry.ids, ids)
            if shared == len(entry.ids) and _reaches(cache, shared):
                del self._kept[key]  # the new one serves wherever this one would
        self._kept[self._next] = _Kept(list(ids), cache)
        self._next += 1
        while len(self._kept) > 1 and self.nbytes > self.memory:
            self._kept.popitem(last=False)
        if self.nbytes > self.memory:
            self._kept.clear()

    def begin(self, ids: list[int]) -> Cache | None:
        """A cache of one row that holds the longest beginning of `ids` that is here; None where it is short.

        At least the last token is left to compute, because its logits are wanted.
        """
        best, found = 0, None
        for key, entry in self._kept.items():
            shared = min(common_prefix(entry.ids, ids), len(ids) - 1)
            if shared > best and shared >= self.least and _reaches(entry.cache, shared):
                best, found = shared, key
        if found is None:
            return None
        self._kept.move_to_end(found)
        cache = self.decoder.make_cache(0)
        for layer, kept in zip(cache.layers, self._kept[found].cache.layers, strict=True):
            keys, values = (buffer[:, :, : best - kept.start] for buffer in kept.state())
            # A slice is an array of its own: what is appended to it does not reach the kept one.
            layer.restore((kept.start, keys, values))
        return cache

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()


def _reaches(cache: Cache, position: int) -> bool:
    return all(layer.can_rewind(position) for layer in cache.layers)
