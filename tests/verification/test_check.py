"""What a recording has to hold: what is missing, or leads out of an array, is said before it is compared."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.verification.check import check_recording
from gemma_mlx.verification.recording import Recording, read_recording
from tests.verification.replays import RECORDINGS, part, whole

Damage = Callable[[dict[str, Any], dict[str, np.ndarray]], Any]
SIZE = "gemma-3-1b"
OF_A_SIZE: dict[str, Damage] = {
    "no words": lambda entry, arrays: arrays.pop("words"),
    "no margins": lambda entry, arrays: arrays.pop("margins"),
    "no plan": lambda entry, arrays: entry.pop("plan"),
    "no noise": lambda entry, arrays: entry.pop("noise"),
    "noise that is text": lambda entry, arrays: entry["noise"].update(logits="much"),
    "noise without end": lambda entry, arrays: entry["noise"].update(logits=float("inf")),
    "no gradients": lambda entry, arrays: [arrays.pop(k) for k in list(arrays) if k.startswith("gradient")],
    "fewer points": lambda entry, arrays: arrays.update(points=arrays["points"][1:]),
    "positions beyond": lambda entry, arrays: arrays.update(positions=arrays["positions"] + 100_000),
    "words beyond": lambda entry, arrays: arrays.update(words=arrays["words"] + 10_000_000),
    "ids below": lambda entry, arrays: arrays.update(ids=arrays["ids"] - 300_000),
    "no target": lambda entry, arrays: arrays.update({"row.0.mask": 0 * arrays["row.0.mask"]}),
    "shorter": lambda entry, arrays: arrays.update(likeliest=arrays["likeliest"][:-1]),
    "another kind": lambda entry, arrays: entry.update(kind="video"),
    "no configuration": lambda entry, arrays: entry.pop("config"),
}
TINY: dict[str, Damage] = {
    "no seeds": lambda entry, arrays: entry["seeds"].clear(),
    "no points": lambda entry, arrays: arrays.pop("0/points"),
    "no logits": lambda entry, arrays: arrays.pop("0/logits.40"),
    "no loss": lambda entry, arrays: entry["seeds"]["0"]["train"].pop("loss fp32"),
    "no bf16": lambda entry, arrays: entry["seeds"]["0"].pop("bf16"),
    "gradients lost": lambda entry, arrays: [arrays.pop(k) for k in list(arrays) if "gradient" in k],
}


def refused(recording: Recording, name: str, damage: Damage) -> None:
    manifest = copy.deepcopy(recording.manifest)
    own = recording.of(name)
    damage(manifest["cases"][name], own)
    with pytest.raises(ModelError) as told:
        check_recording(Recording(manifest, {f"{name}/{key}": array for key, array in own.items()}))
    assert told.value.code == "damaged-recording" and name in told.value.what and told.value.fix


@pytest.fixture(scope="module")
def size() -> Recording:
    return read_recording(RECORDINGS / f"{SIZE}.safetensors")


@pytest.mark.parametrize("damage", OF_A_SIZE.values(), ids=list(OF_A_SIZE))
def test_a_size_that_is_not_whole(damage: Damage, size: Recording) -> None:
    check_recording(size)
    refused(size, SIZE, damage)


@pytest.mark.parametrize("damage", TINY.values(), ids=list(TINY))
def test_a_tiny_model_that_is_not_whole(damage: Damage) -> None:
    recording = part("gemma2", training=1)
    check_recording(recording)
    refused(recording, "gemma2", damage)


def test_nothing_at_all() -> None:
    check_recording(whole())
    for cases in ({}, [], {"gemma9": whole().cases["gemma2"]}):
        with pytest.raises(ModelError, match=r"."):
            check_recording(Recording({**whole().manifest, "cases": cases}, dict(whole().arrays)))
