"""The key-value cache of a generation: full and sliding layers, rewinding, and marks that survive a wrap.

A sliding layer forgets what has left its window, so it cannot go back arbitrarily far. `Cache.mark()` names a
place worth returning to (a turn of a chat), whose window is copied once it is about to be forgotten;
`Cache.rewind()` goes to the nearest place that is still exact. B batch, K kv heads, S cached length, d head
dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx

from gemma_mlx.models.config import ModelConfig

_GROWTH = 256
"""Columns by which a buffer grows, so that decoding does not reallocate at each token."""

Window = tuple[int, mx.array, mx.array]
"""The position of the first column, keys and values (B, K, S, d): a copy, which later writes do not touch."""


class LayerCache:
    """Keys and values of one layer: (B, K, capacity, d), of which `length` columns from `start` on count."""

    def __init__(self, window: int | None) -> None:
        self.window = window
        self.start = 0  # the position of the first column kept
        self.length = 0  # columns in use
        self._keys: mx.array | None = None
        self._values: mx.array | None = None
        self._marks: dict[int, Window | None] = {}  # None: its window is still in the buffers

    @property
    def offset(self) -> int:
        """Tokens seen so far: the position of the next one."""
        return self.start + self.length

    @property
    def nbytes(self) -> int:
        """Memory of the buffers and of what marks keep, in bytes."""
        kept = [array for saved in self._marks.values() if saved is not None for array in saved[1:]]
        return sum(array.nbytes for array in (self._keys, self._values, *kept) if array is not None)

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

    def mark(self, position: int) -> None:
        """Makes a place that is here in full one that `return_to` can come back to."""
        self._marks[position] = None

    def unmark(self, position: int) -> None:
        """Forgets a mark."""
        self._marks.pop(position, None)

    def rewind(self, position: int) -> None:
        """Forgets the columns from `position` on, and marks beyond; only where `can_rewind`."""
        assert self.can_rewind(position)
        self.length = position - self.start
        self._forget_after(position)

    def return_to(self, position: int) -> None:
        """Goes back to a mark."""
        saved = self._marks[position]
        if saved is None:
            self.rewind(position)
            return
        self._forget_after(position)  # earlier marks have their copies already, since they reach further back
        self.restore(saved)

    def restore(self, window: Window) -> None:
        """Puts these columns in the place of all that is here."""
        self.start, self._keys, self._values = window
        self.length = self._keys.shape[2]

    def _forget_after(self, position: int) -> None:
        # What comes next may differ, so marks beyond this place describe a text that is gone.
        self._marks = {place: saved for place, saved in self._marks.items() if place <= position}

    def _keep_marks(self, first: int) -> None:
        """Copies the windows of marks that reach to before the column at position `first`."""
        if self.window is None or self._keys is None or self._values is None:
            return
        for place, saved in self._marks.items():
            begin = max(self.start, place - (self.window - 1))
            if saved is None and begin < first:
                columns = slice(begin - self.start, place - self.start)
                # Adding a zero copies: a slice alone would keep the whole buffer alive.
                copies = [mx.contiguous(buffer[:, :, columns] + 0) for buffer in (self._keys, self._values)]
                mx.eval(copies)
                self._marks[place] = (begin, copies[0], copies[1])

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Leaves only these rows of the batch; marks are dropped."""
        self._marks.clear()
        if self._keys is not None and self._values is not None:
            index = mx.array(list(rows))
            self._keys, self._values = self._keys[index], self._values[index]

    def clear(self) -> None:
        """Forgets everything."""
        self.start = self.length = 0
        self._keys = self._values = None
        self._marks.clear()

    def _make_room(self, like: mx.array, added: int) -> None:
        """Grows the buffers; a sliding layer first drops what no later query can see."""
        capacity = 0 if self._keys is None else self._keys.shape[2]
        if self.length + added <= capacity:
            return
        kept = self.length
        if self.window is not None and self.length > 2 * self.window + _GROWTH:
            kept = self.window - 1
        dropped = self.length - kept
        if dropped:
            self._keep_marks(self.start + dropped)
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
        self._marks: list[int] = []  # in the order of the text
        self._most_marks = marks

    @property
    def offset(self) -> int:
        """Tokens seen so far."""
        return self.layers[0].offset

    @property
    def nbytes(self) -> int:
        """Memory of the buffers and marks, in bytes."""
        return sum(layer.nbytes for layer in self.layers)

    def state(self) -> list[mx.array]:
        """The arrays to evaluate after a step."""
        return [array for layer in self.layers for array in layer.state()]

    def mark(self, position: int | None = None) -> None:
        """Makes a place (this one, or one that is still exact) one that `rewind` can come back to.

        It costs nothing until a sliding layer forgets what the place needs; then it costs a window's copy.
        """
        place = self.offset if position is None else position
        if place in self._marks or not all(layer.can_rewind(place) for layer in self.layers):
            return
        self._marks = sorted([*self._marks, place])
        for layer in self.layers:
            layer.mark(place)
        while len(self._marks) > self._most_marks:
            # Regenerate and edit go to the newest marks; the earliest costs least to recompute.
            earliest = self._marks.pop(0)
            for layer in self.layers:
                layer.unmark(earliest)

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
                for layer in self.layers:
                    layer.return_to(reached)
            else:
                self.clear()
        self._marks = [place for place in self._marks if place <= reached]
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
