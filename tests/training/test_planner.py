"""The planner: what it proposes fits, nothing larger would, and a refusal says by how much and what would."""

from __future__ import annotations

import re

import pytest

from gemma_mlx.benchmarks.workload import Workload, model_config
from gemma_mlx.errors import TrainingError
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training.forecast import memory_forecast
from gemma_mlx.training.planner import Rows, check_fits, propose

ROWS = Rows(longest=1024, mean=512)


@pytest.fixture(scope="module")
def config() -> ModelConfig:
    return model_config(Workload("gemma-2-2b", "equal", 1, 8, 8, 0.0, 1))


def run(bits: int | None = 4, **training: object) -> RunSettings:
    return RunSettings(
        quantization=QuantizeSettings(bits=4) if bits else None,
        data=DataSettings(max_length=1024),
        training=TrainSettings(**({"batch_size": 1} | training)),
    )


def needed(config: ModelConfig, settings: RunSettings, rows: Rows = ROWS) -> int:
    return memory_forecast(config, settings, longest=rows.longest, mean=rows.mean).total


@pytest.mark.parametrize("gigabytes", [5, 8, 16, 40])
def test_what_is_proposed_fits_and_one_row_more_would_not(config: ModelConfig, gigabytes: int) -> None:
    allowed = gigabytes * 10**9
    plan = propose(config, run(), ROWS, allowed)
    assert plan.forecast.total == needed(config, plan.settings) <= allowed
    more = plan.settings.with_training(batch_size=plan.settings.training.batch_size + 1)
    assert needed(config, more) > allowed


@pytest.mark.parametrize("asked", [100, 4096])
def test_a_batch_above_the_usual_ones_is_found_too(config: ModelConfig, asked: int) -> None:
    """4,096 rows were asked for: as many as fit are proposed, not 64."""
    rows = Rows(longest=64, mean=32)
    plan = propose(config, run(batch_size=asked), rows, 80 * 10**9)
    batch = plan.settings.training.batch_size
    assert 64 < batch <= asked and plan.forecast.total <= 80 * 10**9
    if batch < asked:
        assert needed(config, plan.settings.with_training(batch_size=batch + 1), rows) > 80 * 10**9


def test_checkpointing_only_where_the_batch_asked_for_needs_it(config: ModelConfig) -> None:
    roomy, tight = propose(config, run(), ROWS, 20 * 10**9), propose(config, run(), ROWS, 4 * 10**9)
    assert not roomy.settings.training.gradient_checkpointing
    assert tight.settings.training.gradient_checkpointing and tight.changes["gradient_checkpointing"] is True


def test_a_wish_for_checkpointing_is_kept(config: ModelConfig) -> None:
    plan = propose(config, run(gradient_checkpointing=True), ROWS, 40 * 10**9)
    assert plan.settings.training.gradient_checkpointing


def test_a_smaller_batch_where_the_one_asked_for_cannot_fit(config: ModelConfig) -> None:
    plan = propose(config, run(batch_size=64), ROWS, 6 * 10**9)
    assert plan.settings.training.batch_size < 64 and plan.forecast.total <= 6 * 10**9


def test_a_refusal_says_by_how_much_and_what_would_fit(config: ModelConfig) -> None:
    allowed = 4 * 10**9
    with pytest.raises(TrainingError) as caught:
        propose(config, run(bits=None), ROWS, allowed)
    assert caught.value.code == "does-not-fit"
    said = re.search(r"needs ([\d.]+) GB at its peak, ([\d.]+) GB more", caught.value.what)
    assert said and float(said[1]) - 4 == pytest.approx(float(said[2]), abs=0.11)
    assert "bits 4" in caught.value.fix
    assert propose(config, run(), ROWS, allowed)  # and it does


def test_the_length_that_is_named_fits(config: ModelConfig) -> None:
    allowed = 25 * 10**8
    with pytest.raises(TrainingError) as caught:
        propose(config, run(), ROWS, allowed)
    found = re.search(r"max_length (\d+)", caught.value.fix)
    assert found
    length = int(found[1])
    assert propose(config, run(), Rows(length, min(512, length)), allowed)
    with pytest.raises(TrainingError):
        propose(config, run(), Rows(length + 64, min(512, length + 64)), allowed)


def test_a_model_that_is_too_large_is_said_to_be(config: ModelConfig) -> None:
    with pytest.raises(TrainingError) as caught:
        propose(config, run(), ROWS, 10**9)
    assert "smaller model" in caught.value.fix


def test_settings_that_do_not_fit_come_back_with_those_that_do(config: ModelConfig) -> None:
    assert check_fits(config, run(), ROWS, 40 * 10**9).total < 40 * 10**9
    with pytest.raises(TrainingError) as caught:
        check_fits(config, run(batch_size=32), ROWS, 6 * 10**9)
    assert "It fits with" in caught.value.fix and "gradient_checkpointing True" in caught.value.fix


def test_the_length_that_is_named_fits_with_the_method_asked_for(config: ModelConfig) -> None:
    """Full fine-tuning was told a length with which only an adapter fits."""
    full, rows = run(bits=None, method="full"), Rows(1024, 1024)
    least = needed(config, full.with_training(gradient_checkpointing=True, loss_chunk=32), Rows(64, 64))
    for allowed in (least * 98 // 100, least * 1005 // 1000):
        with pytest.raises(TrainingError) as caught:
            propose(config, full, rows, allowed)
        assert "train an adapter (method lora)" in caught.value.fix
        found = re.search(r"or max_length (\d+)", caught.value.fix)
        assert bool(found) == (allowed > least)
        if found:
            assert propose(config, full, Rows(int(found[1]), int(found[1])), allowed)


def test_what_only_fits_together_is_offered_together(config: ModelConfig) -> None:
    """All weights, then an adapter over shorter rows, then over a quantized base."""
    full, found = run(bits=None, method="full"), []
    for gigabytes in (6.1, 3.5, 2.5):
        with pytest.raises(TrainingError) as caught:
            propose(config, full, Rows(1024, 1024), int(gigabytes * 1e9))
        found.append(caught.value.fix)
        length = re.search(r"max_length (\d+)", found[-1])
        longest = int(length[1]) if length else 1024
        quantized = run(bits=4 if "bits 4" in found[-1] else None)
        assert " or " not in found[-1] and propose(
            config, quantized, Rows(longest, longest), int(gigabytes * 1e9)
        )
    assert "(method lora) and max_length" in found[0], found
    assert "(method lora) and quantize the base (bits 4)." in found[1], found
    assert "(method lora) and quantize the base (bits 4) and max_length" in found[2], found
