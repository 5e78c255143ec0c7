"""A run that is likely to need more than the machine has is told of before it starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gemma_mlx.benchmarks.workload import Workload, model_config
from gemma_mlx.events import Warning
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training import memory, trainer
from gemma_mlx.training.memory import allowed_memory, memory_warning, total_memory
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
