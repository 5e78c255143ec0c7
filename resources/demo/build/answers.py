"""Greedy answers of a decoder to many dialogues at once, left-padded; needs gemma_mlx.models alone."""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx
import numpy as np

from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.layout import LeftPadded

LONGEST_ANSWER = 48
"""Tokens of an answer at the most: twice what the world's longest needs."""


def greedy_answers(
    decoder: Decoder, prompts: Sequence[Sequence[int]], ends: frozenset[int], *, batch_size: int = 32
) -> list[list[int]]:
    """The likeliest ids after each prompt, up to and with the first of `ends`, in the prompts' order."""
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    answers: dict[int, list[int]] = {}
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        for index, answer in zip(rows, _batch(decoder, [prompts[row] for row in rows], ends), strict=True):
            answers[index] = answer
    return [answers[index] for index in range(len(prompts))]


def _batch(decoder: Decoder, prompts: list[Sequence[int]], ends: frozenset[int]) -> list[list[int]]:
    longest = max(map(len, prompts))
    padding = [longest - len(prompt) for prompt in prompts]
    layout = LeftPadded(mx.array(padding, mx.int32))
    cache = decoder.make_cache()
    ids = mx.array([[0] * gap + list(prompt) for gap, prompt in zip(padding, prompts, strict=True)])
    answers: list[list[int]] = [[] for _ in prompts]
    for _ in range(LONGEST_ANSWER):
        hidden = decoder.hidden(ids, cache, layout)[:, -1]  # (B, D)
        chosen = mx.argmax(decoder.head(hidden), axis=-1)
        mx.eval(chosen, cache.state())
        for answer, token in zip(answers, np.array(chosen), strict=True):
            if not answer or answer[-1] not in ends:
                answer.append(int(token))
        if all(answer[-1] in ends for answer in answers):
            break
        ids = chosen[:, None]
    return answers
