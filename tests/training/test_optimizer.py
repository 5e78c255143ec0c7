"""Optimizers and schedules against written-out formulas; their state can be stored and taken up."""

from __future__ import annotations

import math

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.optimizer import Optimizer, clip_gradients, learning_rate_at

NAMES = ("a.lora_A", "a.lora_B")


def gradient(step: int) -> dict[str, mx.array]:
    keys = mx.random.split(mx.random.key(step), len(NAMES))
    return {name: mx.random.normal((4, 6), key=key) for name, key in zip(NAMES, keys, strict=True)}


def run(settings: TrainSettings, steps: int, rate: float = 1e-2) -> tuple[dict[str, mx.array], Optimizer]:
    optimizer, parameters = Optimizer(settings), {name: mx.ones((4, 6)) for name in NAMES}
    for step in range(steps):
        parameters = optimizer.update(parameters, gradient(step), rate)
    return parameters, optimizer


def test_adamw_is_bias_corrected_and_decoupled() -> None:
    """torch.optim.AdamW in double precision; uncorrected, the first update would be 3.16 times larger."""
    parameters, _ = run(TrainSettings(weight_decay=0.1), 5)
    p, m, v = np.ones((4, 6)), np.zeros((4, 6)), np.zeros((4, 6))
    for step in range(1, 6):
        g = np.array(gradient(step - 1)["a.lora_A"], np.float64)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p * (1 - 1e-2 * 0.1)
        p = p - 1e-2 / (1 - 0.9**step) * m / (np.sqrt(v) / math.sqrt(1 - 0.999**step) + 1e-8)
    assert np.abs(np.array(parameters["a.lora_A"]) - p).max() < 1e-6


def test_the_first_adamw_update_has_the_size_of_the_learning_rate() -> None:
    parameters, _ = run(TrainSettings(), 1, rate=1e-3)
    assert np.allclose(np.abs(np.array(parameters["a.lora_A"]) - 1), 1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", ["adamw", "adafactor", "lion"])
def test_a_stored_state_goes_on_to_the_bit(kind: str) -> None:
    settings = TrainSettings(optimizer=kind, weight_decay=0.01)
    whole, _ = run(settings, 6)
    parameters, optimizer = run(settings, 3)
    fresh = Optimizer(settings)
    fresh.restore(optimizer.state(), optimizer.steps)
    for step in range(3, 6):
        parameters = fresh.update(parameters, gradient(step), 1e-2)
    for name in NAMES:
        assert mx.array_equal(parameters[name], whole[name])


def test_small_optimizers_keep_a_smaller_state() -> None:
    sizes = {}
    for kind in ("adamw", "adafactor", "lion"):
        _, optimizer = run(TrainSettings(optimizer=kind), 1)
        sizes[kind] = sum(array.size for array in optimizer.state().values())
    assert sizes["lion"] == sizes["adamw"] / 2
    assert sizes["adafactor"] < sizes["lion"]


def test_lora_plus_moves_b_faster() -> None:
    parameters, _ = run(TrainSettings(lora_plus_ratio=16), 1, rate=1e-3)
    moved = {name: float(mx.abs(array - 1).mean()) for name, array in parameters.items()}
    assert moved["a.lora_B"] / moved["a.lora_A"] == pytest.approx(16, rel=1e-3)


def test_clipping_scales_all_gradients_together() -> None:
    gradients = {"a": mx.array([3.0, 0.0]), "b": mx.array([4.0])}
    clipped, norm = clip_gradients(gradients, 1.0)
    assert float(norm) == 5.0
    assert np.allclose(np.array(clipped["a"]), [0.6, 0], atol=1e-6)
    unchanged, _ = clip_gradients(gradients, None)
    assert mx.array_equal(unchanged["b"], gradients["b"])
    within, _ = clip_gradients(gradients, 10.0)
    assert mx.array_equal(within["b"], gradients["b"])


@pytest.mark.parametrize(
    ("schedule", "step", "share"),
    [
        ("linear", 0, 0.0), ("linear", 5, 0.5), ("linear", 10, 1.0),
        ("linear", 55, 0.5), ("linear", 100, 0.0),
        ("cosine", 10, 1.0), ("cosine", 55, 0.5), ("cosine", 100, 0.0),
        ("constant", 5, 0.5), ("constant", 99, 1.0),
    ],
)  # fmt: skip
def test_schedules_are_those_of_transformers(schedule: str, step: int, share: float) -> None:
    settings = TrainSettings(schedule=schedule, warmup_steps=10, learning_rate=1e-3)
    assert learning_rate_at(step, 100, settings) == pytest.approx(share * 1e-3, abs=1e-12)


def test_a_run_shorter_than_its_warm_up_still_rises() -> None:
    settings = TrainSettings(warmup_steps=100, learning_rate=1.0)
    rates = [learning_rate_at(step, 4, settings) for step in range(4)]
    assert rates == sorted(rates) and rates[-1] > 0
