"""A run that is likely to need more than there is is told of, and one that runs is held to its plan."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.benchmarks.workload import Workload, model_config
from gemma_mlx.events import Warning
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training import memory, trainer
from gemma_mlx.training.memory import (
    SMALL_BUFFERS,
    MemoryBounds,
    allowed_memory,
    memory_warning,
    shorten_command_buffers,
    step_memory,
    total_memory,
)
from tests.tiny import write_tiny_model
from tests.training.test_trainer import dataset, settings

__all__ = ["dataset"]

CONFIG = model_config(Workload("gemma-2-2b", "equal", 1, 8, 8, 0.0, 1))
RUN = RunSettings(
    quantization=QuantizeSettings(bits=4),
    data=DataSettings(max_length=2048),
    training=TrainSettings(batch_size=8),
)
LENGTHS = np.array([100, 2048, 300])


def test_a_job_may_take_most_of_the_memory_but_not_all() -> None:
    assert 0 < allowed_memory() < total_memory()


def test_what_fits_is_not_spoken_of() -> None:
    assert memory_warning(CONFIG, RUN, LENGTHS, 200 * 10**9) is None
    assert memory_warning(CONFIG, RUN, np.array([], np.int64), 1) is None
    assert memory_warning(CONFIG, RUN, LENGTHS, 0) is None  # the system does not say what it has


def test_what_does_not_fit_is_told_with_what_would() -> None:
    found = memory_warning(CONFIG, RUN, LENGTHS, 9 * 10**9)
    assert found is not None and found.code == "may-not-fit"
    assert "GB more than the 9.0 GB" in found.what and "batch_size 1" in found.fix


def test_a_run_says_it_before_its_first_step(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "allowed_memory", lambda: 1000)
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    events = list(trainer.train(settings(model, dataset, steps=1), tmp_path / "run"))
    kinds = [event.code if isinstance(event, Warning) else event.type for event in events]
    assert kinds.index("may-not-fit") < kinds.index("metrics")


def limits() -> tuple[int, int]:
    """MLX's memory limit and cache limit as they stand."""
    memory_limit, cache_limit = mx.set_memory_limit(1), mx.set_cache_limit(1)
    mx.set_memory_limit(memory_limit)
    mx.set_cache_limit(cache_limit)
    return memory_limit, cache_limit


@pytest.fixture
def same_limits() -> Iterator[None]:
    before = limits()
    yield
    assert limits() == before


def test_mlx_is_held_to_what_was_expected(same_limits: None) -> None:
    """What it waits from is a share of what training takes: the base's weights are there anyway."""
    with MemoryBounds(TrainSettings(), 5 * 10**9, 10**9) as bounds:
        assert limits()[0] == pytest.approx(5.95e9)
        bounds.ease(int(6.01e9))  # the array that was handed over last comes on top
        assert limits()[0] == pytest.approx(5.95e9)
        bounds.ease(int(6.1e9))  # the forecast was too low
        assert limits()[0] == pytest.approx(5e9 + 0.95 * 1.25e9)


def test_no_more_than_the_ceiling_is_ever_allowed(same_limits: None) -> None:
    with MemoryBounds(TrainSettings(memory_limit_gb=2), 10**9, 10**10) as bounds:
        assert limits() == (pytest.approx(1.9e9), 250_000_000)
        bounds.ease(10**10)
        assert limits()[0] == pytest.approx(1.9e9)


def test_what_waits_takes_less_and_gives_the_same_numbers(same_limits: None) -> None:
    def work() -> mx.array:
        x = mx.ones((256, 256))
        for _ in range(60):
            x = mx.sin(x) + x * 0.5
        return x.sum()

    def peak() -> tuple[int, float]:
        mx.clear_cache()
        mx.reset_peak_memory()
        total = work().item()
        assert isinstance(total, float)
        return mx.get_peak_memory(), total

    free = max(peak()[0] for _ in range(3))
    with MemoryBounds(TrainSettings(), mx.get_active_memory(), 1):
        held, total = peak()
    assert held < free and total == peak()[1]


def test_a_run_leaves_the_limits_as_they_were(tmp_path: Path, dataset: Path, same_limits: None) -> None:
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    list(trainer.train(settings(model, dataset, steps=1), tmp_path / "run"))


def test_a_pair_takes_what_two_rows_take() -> None:
    pairs = RUN.with_training(objective="dpo")
    single = RUN.with_training(batch_size=16)
    equal = np.full(4, 500)
    assert step_memory(CONFIG, pairs, 2 * equal) == step_memory(CONFIG, single, equal)


def test_layers_that_are_computed_again_as_a_whole_take_more(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = RUN.training.model_copy(update={"gradient_checkpointing": True})
    run = RUN.model_copy(update={"training": plan})
    ours = step_memory(CONFIG, run, LENGTHS)
    monkeypatch.setattr(ModelConfig, "packs", False)
    assert step_memory(CONFIG, run, LENGTHS) > 2 * ours


@pytest.mark.parametrize(
    ("cuda", "plan", "shortened"),
    [
        (True, TrainSettings(gradient_checkpointing=True), True),
        (True, TrainSettings(memory_limit_gb=5), True),
        (True, TrainSettings(), False),
        (False, TrainSettings(gradient_checkpointing=True), False),
    ],
)
def test_command_buffers_are_short_on_cuda_where_memory_counts(
    cuda: bool, plan: TrainSettings, shortened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ops, megabytes = SMALL_BUFFERS
    monkeypatch.setenv(ops, "9")  # somebody's own choice stays
    monkeypatch.setenv(megabytes, "")
    monkeypatch.delenv(megabytes)
    monkeypatch.setattr(mx.cuda, "is_available", lambda: cuda)
    shorten_command_buffers(plan)
    assert os.environ[ops] == "9"
    assert os.environ.get(megabytes) == (SMALL_BUFFERS[megabytes] if shortened else None)
