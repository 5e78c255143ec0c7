"""Choosing the next token: filters with transformers' meaning and order, noise from (seed, position) alone.

B batch, V vocabulary, N candidates. The filters are those of transformers' generation/logits_process.py, in
the order of its `_get_logits_processor`: repetition penalty, temperature, top-k, top-p, min-p.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import mlx.core as mx

from gemma_mlx.settings import SamplingSettings

TIE_ROOM = 64
"""Candidates beyond top-k, so that tokens tied with the k-th stay in, as transformers keeps them."""

NOT_A_TOKEN = -1
"""What `TokenPicker.pick` gives for a row whose logits are not all finite."""


@dataclass(frozen=True)
class RowSampling:
    """How one row is sampled. `ids`: what it holds so far (the prompt), for the repetition penalty."""

    settings: SamplingSettings
    seed: int
    ids: Sequence[int] = ()


def draw_seed(settings: SamplingSettings) -> int:
    """The settings' seed, or one by chance; 63 bits."""
    return secrets.randbits(63) if settings.seed is None else settings.seed


def noise_key(seed: int, position: int) -> tuple[int, int]:
    """The two words of the random key at a position of a text: a function of nothing else."""
    digest = hashlib.blake2b(struct.pack("<QQ", seed, position), digest_size=8).digest()
    first, second = struct.unpack("<II", digest)
    return first, second


class TokenPicker:
    """Picks one token for each row of a batch. No row's choice depends on what the other rows are."""

    def __init__(
        self,
        rows: Sequence[RowSampling],
        vocabulary: int,
        usable: int | None = None,
        also: Iterable[int] = (),
    ) -> None:
        """`vocabulary`: V of the logits. Ids from `usable` on have no piece: only `also` are picked."""
        self.rows = list(rows)
        self.vocabulary = vocabulary
        settings = [row.settings for row in rows]
        self._masked = None
        if usable is not None and usable < vocabulary:
            self._masked = mx.arange(vocabulary) >= usable
            self._masked[mx.array([*also, 0], mx.int32)] = False
        greedy = [each.temperature == 0 for each in settings]
        self._all_greedy = all(greedy)
        self._greedy = mx.array(greedy) if any(greedy) else None
        self._penalty = None
        if any(each.repetition_penalty != 1 for each in settings):
            self._penalty = _column([each.repetition_penalty for each in settings])
            self._seen = _seen(rows, vocabulary)
        if not self._all_greedy:
            self._filters = Filters(settings, vocabulary)

    def pick(self, logits: mx.array, positions: Sequence[int]) -> mx.array:
        """logits (B, V) to ids (B,) int32, unevaluated; NOT_A_TOKEN where a row is not all finite.

        `positions`: where each row's new token will stand in its own text, padding not counted.
        """
        finite = _all_finite(logits)
        if self._penalty is not None:
            logits = penalize(logits.astype(mx.float32), self._seen, self._penalty)
        if self._masked is not None:
            logits = mx.where(self._masked, -mx.inf, logits)
        if self._all_greedy:
            ids = mx.argmax(logits, axis=-1)
        else:
            ids = self._sample(logits, positions)
            if self._greedy is not None:
                ids = mx.where(self._greedy, mx.argmax(logits, axis=-1), ids)
        ids = ids.astype(mx.int32)
        if self._penalty is not None:
            self._seen = mx.put_along_axis(self._seen, ids[:, None], mx.array(True), axis=-1)
        return mx.where(finite, ids, NOT_A_TOKEN)

    def _sample(self, logits: mx.array, positions: Sequence[int]) -> mx.array:
        """Gumbel's trick: the largest of logit + noise is a draw from the softmax."""
        noise = self._noise(positions)
        scores, candidates = self._filters(logits)
        if candidates is None:
            return mx.argmax(scores + noise, axis=-1)
        # The noise belongs to the token, not to its rank: rounding that swaps two ranks changes nothing.
        best = mx.argmax(scores + mx.take_along_axis(noise, candidates, axis=-1), axis=-1, keepdims=True)
        return mx.take_along_axis(candidates, best, axis=-1)[:, 0]

    def _noise(self, positions: Sequence[int]) -> mx.array:
        """Gumbel noise (B, V): each row's from its own key, the same whether it stands alone or not."""
        keys = [noise_key(row.seed, at) for row, at in zip(self.rows, positions, strict=True)]
        if len(keys) == 1:
            return mx.random.gumbel((1, self.vocabulary), key=mx.array(keys[0], mx.uint32))
        return mx.vmap(lambda key: mx.random.gumbel((self.vocabulary,), key=key))(mx.array(keys, mx.uint32))


class Filters:
    """Temperature, top-k, top-p and min-p of a batch, each row with its own (temperature 0 counts as 1)."""

    def __init__(self, settings: Sequence[SamplingSettings], vocabulary: int) -> None:
        self.temperature = _column([each.temperature or 1.0 for each in settings])
        top_k = [min(each.top_k or vocabulary, vocabulary) for each in settings]
        self.keep_all = all(each.top_p == 1 for each in settings) and min(top_k) == vocabulary
        self.candidates = min(vocabulary, max(top_k) + TIE_ROOM)
        self.vocabulary = vocabulary
        self.has_top_k = min(top_k) < vocabulary
        self.kth = mx.array([self.candidates - k for k in top_k], mx.int32)[:, None]
        # transformers drops a token when it and all less likely ones have at most 1 - top_p together.
        self.tail = _column([1 - each.top_p if each.top_p < 1 else -1.0 for each in settings])
        self.min_p = _column([each.min_p for each in settings])
        self.has_top_p = any(each.top_p < 1 for each in settings)
        self.not_last = mx.arange(self.candidates) < self.candidates - 1
        self.has_min_p = any(each.min_p > 0 for each in settings)

    def __call__(self, logits: mx.array) -> tuple[mx.array, mx.array | None]:
        """logits (B, V) to scores (B, N), -inf where filtered out, and their ids (B, N); None: 0 to V-1."""
        candidates = None
        if not self.keep_all:
            logits, candidates = self._likeliest(logits)
        scores = logits.astype(mx.float32) / self.temperature
        if candidates is not None:
            if self.has_top_k:
                kth = mx.take_along_axis(scores, self.kth, axis=-1)
                scores = mx.where(scores < kth, -mx.inf, scores)
            if self.has_top_p:
                tails = mx.cumsum(mx.softmax(scores, axis=-1), axis=-1)
                scores = mx.where((tails <= self.tail) & self.not_last, -mx.inf, scores)
        if self.has_min_p:
            chances = mx.softmax(scores, axis=-1)
            likeliest = mx.max(chances, axis=-1, keepdims=True)
            scores = mx.where(chances < self.min_p * likeliest, -mx.inf, scores)
        return scores, candidates

    def _likeliest(self, logits: mx.array) -> tuple[mx.array, mx.array]:
        """The largest logits and their ids, (B, N), in ascending order as transformers' top-p has them."""
        if self.candidates == self.vocabulary:
            chosen = mx.argsort(logits, axis=-1)
            return mx.take_along_axis(logits, chosen, axis=-1), chosen
        first = self.vocabulary - self.candidates
        chosen = mx.argpartition(logits, first, axis=-1)[:, first:]
        largest = mx.take_along_axis(logits, chosen, axis=-1)
        order = mx.argsort(largest, axis=-1)
        return mx.take_along_axis(largest, order, axis=-1), mx.take_along_axis(chosen, order, axis=-1)


@partial(mx.compile, shapeless=True)
def _all_finite(logits: mx.array) -> mx.array:
    """(B, V) to booleans (B,); compiled, so that a step of decoding launches one kernel for it."""
    return mx.all(mx.isfinite(logits), axis=-1)


def penalize(logits: mx.array, seen: mx.array, penalty: mx.array) -> mx.array:
    """Repetition penalty (Keskar et al. 2019): seen tokens' logits (B, V) are made less likely.

    `seen` (B, V) booleans, `penalty` (B, 1).
    """
    return mx.where(seen, mx.where(logits < 0, logits * penalty, logits / penalty), logits)


def _seen(rows: Sequence[RowSampling], vocabulary: int) -> mx.array:
    """Which tokens each row holds already, (B, V) booleans."""
    marks = []
    for row in rows:
        present = mx.zeros((vocabulary,), mx.bool_)
        if row.ids:
            present[mx.array(sorted(set(row.ids)))] = True
        marks.append(present)
    return mx.stack(marks)


def _column(values: Sequence[float]) -> mx.array:
    """Numbers by row as (B, 1) float32."""
    return mx.array(list(values), mx.float32)[:, None]
