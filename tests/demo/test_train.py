"""Batches carry every dialogue, and the loss falls on the answers alone."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from gemma_mlx.models.config import parse_config
from gemma_mlx.models.decoder import Decoder
from resources.demo.build.train import CONFIG, MODEL, batches, loss_of, rows_of


def test_rounds_follow_from_seed_and_number() -> None:
    first = rows_of(MODEL, 1, 0, 50)
    assert first == rows_of(MODEL, 1, 0, 50)
    assert first != rows_of(MODEL, 1, 1, 50)
    assert first != rows_of(MODEL, 2, 0, 50)


def test_every_answer_token_is_a_target_once() -> None:
    rows = rows_of(MODEL, 0, 0, 300)
    wanted = sorted(
        (tuple(ids[:-1]), position, ids[position + 1])
        for ids, answers in rows
        for position, counts in enumerate(answers[1:])
        if counts
    )
    found = []
    for ids, places, targets in batches(rows, 512, "test"):
        lines = {tuple(row[:-1]) for row, _ in rows}
        for place, target in zip(places.tolist(), targets.tolist(), strict=True):
            if target >= 0:
                index, position = divmod(place, ids.shape[1])
                line = ids[index].tolist()
                while tuple(line) not in lines:
                    assert line.pop() == 0
                found.append((tuple(line), position, target))
    assert sorted(found) == wanted


def test_the_loss_is_the_mean_over_answers() -> None:
    decoder = Decoder(parse_config({**CONFIG, "num_hidden_layers": 2}, "test"))
    ids = mx.array([[2, 9, 8, 7], [2, 5, 4, 0]])
    logits = decoder(ids).astype(mx.float32)
    expected = nn.losses.cross_entropy(logits[0, 1:3], mx.array([8, 7]), reduction="mean")
    loss = loss_of(decoder, ids, mx.array([1, 2, 0]), mx.array([8, 7, -1]))
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-5)
