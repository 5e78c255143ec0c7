"""The key-value cache of a generation: full and sliding layers, rewinding, and marks that survive a wrap.

A sliding layer forgets what has left its window, so it cannot go back arbitrarily far. `Cache.mark()` keeps
a copy of its window at a place worth returning to (a turn of a chat); `Cache.rewind()` goes to the nearest
place that is still exact. B batch, K kv heads, S cached length, d head dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx

from gemma_mlx.models.config import ModelConfig

_GROWTH = 256
"""Columns by which a buffer grows, so that decoding does not reallocate at each token."""


class LayerCache:
    """Keys and values of one layer: (B, K, capacity, d), of which `length` columns from `start` on count."""

    def __init__(self, window: int | None) -> None:
        self.window = window
        self.start = 0  # the position of the first column kept
        self.length = 0  # columns in use
        self._keys: mx.array | None = None
        self._values: mx.array | None = None

    @property
    def offset(self) -> int:
        """Tokens seen so far: the position of the next one."""
        return self.start + self.length

    @property
    def nbytes(self) -> int:
        """Memory of the buffers, in bytes."""
        return sum(buffer.nbytes for buffer in (self._keys, self._values) if buffer is not None)

    def update(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Appends (B, K, L, d) and returns all that the L new queries may attend to, the new columns last."""
        added = keys.shape[2]
        self._make_room(keys, added)
        assert self._keys is not None and self._values is not None
        end = self.length + added
        self._keys[:, :, self.length : end] = keys
        self._values[:, :, self.length : end] = values
        self.length = end
        first = 0 if self.window is None else max(0, end - added - (self.window - 1))
        return self._keys[:, :, first:end], self._values[:, :, first:end]

    def state(self) -> list[mx.array]:
        """The arrays to evaluate after a step."""
        return [buffer for buffer in (self._keys, self._values) if buffer is not None]

    def can_rewind(self, position: int) -> bool:
        """Whether the window that ends at `position` is still here in full."""
        needed = 0 if self.window is None else max(0, position - (self.window - 1))
        return position <= self.offset and self.start <= needed

    def rewind(self, position: int) -> None:
        """Forgets the columns from `position` on; only where `can_rewind`."""
        assert self.can_rewind(position)
        self.length = position - self.start

    def window_copy(self) -> tuple[int, mx.array, mx.array] | None:
        """What a sliding layer needs to come back to this place; None where rewinding always works."""
        if self.window is None or self._keys is None or self._values is None:
            return None
        first = max(0, self.length - (self.window - 1))
        # Adding a zero copies: a slice alone would keep the whole buffer alive and block in-place writes.
        copies = [
            mx.contiguous(buffer[:, :, first : self.length] + 0) for buffer in (self._keys, self._values)
        ]
        mx.eval(copies)
        return self.start + first, copies[0], copies[1]

    def restore(self, saved: tuple[int, mx.array, mx.array]) -> None:
        """Goes back to a `window_copy`."""
        self.start, self._keys, self._values = saved
        self.length = self._keys.shape[2]

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Leaves only these rows of the batch."""
        if self._keys is not None and self._values is not None:
            index = mx.array(list(rows))
            self._keys, self._values = self._keys[index], self._values[index]

    def clear(self) -> None:
        """Forgets everything."""
        self.start = self.length = 0
        self._keys = self._values = None

    def _make_room(self, like: mx.array, added: int) -> None:
        """Grows the buffers; a sliding layer first drops what no later query can see."""
        capacity = 0 if self._keys is None else self._keys.shape[2]
        if self.length + added <= capacity:
            return
        kept = self.length
        if self.window is not None and self.length > 2 * self.window + _GROWTH:
            kept = self.window - 1
        dropped = self.length - kept
        batch, heads, _, dimension = like.shape
        # A restored window fits exactly: it grows as any other, without touching the saved copy.
        size = -(-(kept + added) // _GROWTH) * _GROWTH
        room = mx.zeros((batch, heads, size - kept, dimension), like.dtype)
        if self._keys is None or self._values is None or kept == 0:
            self._keys, self._values = room, mx.zeros_like(room)
        else:
            self._keys = mx.concatenate([self._keys[:, :, dropped : self.length], room], axis=2)
            self._values = mx.concatenate([self._values[:, :, dropped : self.length], room], axis=2)
        self.start += dropped
        self.length = kept


class Cache:
    """The caches of all layers of one decoder, moved together."""

    def __init__(self, windows: Sequence[int | None], marks: int = 8) -> None:
        self.layers = [LayerCache(window) for window in windows]
        self._marks: dict[int, list[tuple[int, mx.array, mx.array] | None]] = {}
        self._most_marks = marks

    @property
    def offset(self) -> int:
        """Tokens seen so far."""
        return self.layers[0].offset

    @property
    def nbytes(self) -> int:
        """Memory of the buffers and marks, in bytes."""
        marks = (saved for mark in self._marks.values() for saved in mark if saved is not None)
        return sum(layer.nbytes for layer in self.layers) + sum(
            keys.nbytes + values.nbytes for _, keys, values in marks
        )

    def state(self) -> list[mx.array]:
        """The arrays to evaluate after a step."""
        return [array for layer in self.layers for array in layer.state()]

    def mark(self) -> None:
        """Makes this place one that `rewind` can come back to, whatever leaves the window later."""
        self._marks.pop(self.offset, None)
        self._marks[self.offset] = [layer.window_copy() for layer in self.layers]
        while len(self._marks) > self._most_marks:
            # Regenerate and edit go to the newest marks; the earliest costs least to recompute.
            del self._marks[min(self._marks)]

    def rewind(self, position: int) -> int:
        """Goes back to `position`, or to the nearest earlier place that is still exact.

        Returns the position reached (0: empty); the tokens from there on have to be computed again.
        """
        assert position >= 0
        position = min(position, self.offset)
        if all(layer.can_rewind(position) for layer in self.layers):
            for layer in self.layers:
                layer.rewind(position)
            reached = position
        else:
            reached = max((place for place in self._marks if place <= position), default=0)
            if reached:
                for layer, saved in zip(self.layers, self._marks[reached], strict=True):
                    if saved is None:
                        layer.rewind(reached)
                    else:
                        layer.restore(saved)
            else:
                self.clear()
        # What comes next may differ, so marks beyond this place describe a text that is gone.
        self._marks = {place: saved for place, saved in self._marks.items() if place <= reached}
        return reached

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Leaves only these rows of the batch; marks are dropped."""
        self._marks.clear()
        for layer in self.layers:
            layer.keep_rows(rows)

    def clear(self) -> None:
        """Forgets everything, marks too."""
        self._marks.clear()
        for layer in self.layers:
            layer.clear()


def make_cache(config: ModelConfig, marks: int = 8) -> Cache:
    """An empty cache for a decoder of this configuration; at most `marks` marks are kept."""
    return Cache(config.layer_windows, marks)
