"""Continuous batching: rows join when their prompt is read, leave when their answer ends, and never wait.

What a row says does not depend on the rows beside it. B batch, L length, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np

from gemma_mlx.inference.answer_text import AnswerText
from gemma_mlx.inference.cache_rows import PaddedCache, combine
from gemma_mlx.inference.decoding import PREFILL_CHUNK
from gemma_mlx.inference.generate import not_finite_error, token_picker
from gemma_mlx.inference.prefixes import PrefixStore
from gemma_mlx.inference.sampling import NOT_A_TOKEN, RowSampling, TokenPicker
from gemma_mlx.models.kv_cache import Cache
from gemma_mlx.models.layout import LeftPadded
from gemma_mlx.settings import SamplingSettings

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded

PREFILL_TOKENS = 8192
"""Prompt tokens, padding included, that are read together."""

IDLE_SHARE = 4
"""A batch is put together anew once one in so many of its rows is idle: doing so copies the cache."""


@dataclass
class Request:
    """A prompt to answer. `key` comes back with each of its updates.

    `reused` is set when the prompt was read: how many of its tokens were known from another.
    """

    key: int
    ids: list[int]
    sampling: SamplingSettings
    seed: int
    reused: int = 0


@dataclass
class Update:
    """What a step gave one request: a token's text, or with the last of it `result` as `generate`'s Done."""

    key: int
    text: str
    token: int
    result: dict[str, Any] | None = None


def answer_result(request: Request, text: str, ids: list[int], reason: str) -> dict[str, Any]:
    """What is told of an answer once it has ended."""
    return {
        "text": text,
        "tokens": len(ids),
        "prompt_tokens": len(request.ids),
        "reason": reason,
        "seed": request.seed,
        "ids": ids,
    }


@dataclass
class _Row:
    request: Request
    text: AnswerText
    ids: list[int] = field(default_factory=list)
    reason: str = ""

    def sampling(self, pending: int | None = None) -> RowSampling:
        said = [*self.request.ids, *self.ids] + ([] if pending is None else [pending])
        return RowSampling(self.request.sampling, self.request.seed, said)


class Slots:
    """Up to `slots` answers at once. Call `add` at any time between two calls of `step`.

    `gather`: how many requests wait for each other before they join a batch that is under way. 1 serves
    people, more serves throughput, because each joining copies the cache.
    `prefixes`: where prompts are kept for others that begin as they do.
    """

    def __init__(
        self, loaded: Loaded, slots: int = 16, gather: int = 1, prefixes: PrefixStore | None = None
    ) -> None:
        assert 1 <= gather <= slots
        self.loaded = loaded
        self.slots = slots
        self.gather = gather
        self.prefixes = prefixes
        self._waiting: deque[Request] = deque()
        self._rows: list[_Row] = []
        self._held: PaddedCache | None = None
        self._pending: mx.array | None = None  # (B,) the tokens that were picked and not read yet
        self._picker: TokenPicker | None = None

    @property
    def wanted(self) -> int:
        """How many more requests find work at once."""
        return self.slots - len(self._waiting) - sum(not row.reason for row in self._rows)

    @property
    def busy(self) -> bool:
        """Whether any answer is under way or waits."""
        return bool(self._waiting) or any(not row.reason for row in self._rows)

    def add(self, request: Request) -> None:
        """Takes a request, which joins as soon as there is room."""
        assert request.ids
        self._waiting.append(request)

    def cancel(self, key: int) -> Update | None:
        """Ends a request where it is; its last update, None where the key is not known."""
        for request in self._waiting:
            if request.key == key:
                self._waiting.remove(request)
                return self._finish(self._row(request), "cancelled")
        for row in self._rows:
            if row.request.key == key and not row.reason:
                return self._finish(row, "cancelled")
        return None

    def step(self) -> list[Update]:
        """One token for each answer that is under way.

        Raises:
            ModelError: the model's logits are not finite numbers.
        """
        self._arrange()
        if self._pending is None:
            return []
        picked = self._pending
        # The step after a token is queued before the token is read, as in `decode`.
        if any(not row.reason and len(row.ids) + 1 < row.request.sampling.max_tokens for row in self._rows):
            self._pending = self._next(picked)
            mx.async_eval(self._pending)
        updates: list[Update] = []
        for row, token in zip(self._rows, _numbers(picked), strict=True):
            if not row.reason:
                updates += self._take(row, token)
        return updates

    def _take(self, row: _Row, token: int) -> Iterator[Update]:
        """What a token means to its row."""
        if token == NOT_A_TOKEN:
            raise not_finite_error(self.loaded, len(row.ids))
        if token in self.loaded.tokenizer.end_ids:
            yield self._finish(row, "end")
            return
        row.ids.append(token)
        text = row.text.push(token)
        reason = "stop" if row.text.stopped else ""
        if not reason and len(row.ids) == row.request.sampling.max_tokens:
            reason = "length"
        if reason:
            last = self._finish(row, reason)
            yield Update(last.key, text + last.text, token, last.result)
        else:
            yield Update(row.request.key, text, token)

    def _finish(self, row: _Row, reason: str) -> Update:
        row.reason = reason
        rest = row.text.finish(broken_off=reason != "end")
        result = answer_result(row.request, row.text.text, row.ids, reason)
        return Update(row.request.key, rest, NOT_A_TOKEN, result)

    def _next(self, picked: mx.array) -> mx.array:
        """Feeds one token to each row, (B,), and picks the ones after them."""
        assert self._held is not None and self._picker is not None
        decoder, held = self.loaded.model, self._held
        positions = [length + 1 for length in held.lengths]
        hidden = decoder.hidden(picked[:, None], held.cache, _layout(held.padding))
        return self._picker.pick(decoder.head(hidden[:, -1]), positions)

    def _arrange(self) -> None:
        """Lets rows leave and join, where enough of either have gathered."""
        active = [index for index, row in enumerate(self._rows) if not row.reason]
        joining = min(len(self._waiting), self.slots - len(active))
        leaving = len(self._rows) - len(active)
        worth = max(1, len(self._rows) // IDLE_SHARE)
        if active and leaving < worth and joining < self.gather:
            return
        if not joining and not leaving:
            return
        parts: list[tuple[PaddedCache, Sequence[int]]] = []
        pending: list[int] = []
        rows = [self._rows[index] for index in active]
        if active:
            assert self._held is not None and self._pending is not None
            parts.append((self._held, active))
            picked = _numbers(self._pending)
            pending = [picked[index] for index in active]
        self._held = self._pending = self._picker = None
        self._rows = rows
        whole: list[Request] = []
        for request in [self._waiting.popleft() for _ in range(joining)]:
            begun = self.prefixes.begin(request.ids) if self.prefixes is not None else None
            if begun is None:
                whole.append(request)
                continue
            request.reused = begun.offset
            held, first = self._read([request], begun)
            parts.append((held, [0]))
            pending += first
            rows.append(self._row(request))
        for group in self._groups(whole):
            held, first = self._read(group)
            parts.append((held, range(len(group))))
            pending += first
            rows += [self._row(request) for request in group]
        if rows:
            self._held = combine(self.loaded.model, parts)
            self._pending = mx.array(pending, mx.int32)
            samplings = [row.sampling(token) for row, token in zip(rows, pending, strict=True)]
            self._picker = token_picker(self.loaded, samplings)
        mx.clear_cache()

    def _groups(self, requests: list[Request]) -> Iterator[list[Request]]:
        """Prompts of like lengths, so that little is padded, and not too many tokens together."""
        group: list[Request] = []
        for request in sorted(requests, key=lambda each: len(each.ids)):
            if group and (len(group) + 1) * len(request.ids) > PREFILL_TOKENS:
                yield group
                group = []
            group.append(request)
        if group:
            yield group

    def _read(self, group: list[Request], begun: Cache | None = None) -> tuple[PaddedCache, list[int]]:
        """Reads prompts, left-padded, and picks each one's first token. `begun` holds one's beginning."""
        decoder = self.loaded.model
        columns = max(len(request.ids) for request in group)
        padding = [columns - len(request.ids) for request in group]
        ids = mx.array([[0] * pad + request.ids for pad, request in zip(padding, group, strict=True)])
        cache, layout = begun or decoder.make_cache(0), _layout(padding)
        for begin in range(cache.offset, columns, PREFILL_CHUNK):
            hidden = decoder.hidden(ids[:, begin : begin + PREFILL_CHUNK], cache, layout)
            mx.eval(cache.state())
        picker = token_picker(self.loaded, [self._row(request).sampling() for request in group])
        first = picker.pick(decoder.head(hidden[:, -1]), [len(request.ids) for request in group])
        held = PaddedCache(cache, padding)
        if self.prefixes is not None:
            for row, request in enumerate(group):
                self.prefixes.keep(request.ids, held, row)
        return held, _numbers(first)

    def _row(self, request: Request) -> _Row:
        return _Row(request, AnswerText(self.loaded.tokenizer.stream(), request.sampling.stop))


def _numbers(tokens: mx.array) -> list[int]:
    """(B,) as Python's integers; waits for them."""
    return np.array(tokens).tolist()


def _layout(padding: Sequence[int]) -> LeftPadded | None:
    return LeftPadded(mx.array(list(padding), mx.int32)) if any(padding) else None
