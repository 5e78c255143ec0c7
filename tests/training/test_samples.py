"""Samples of a run: the base's before the first step, the adapter's after, and the model back in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.adapters.lora import add_lora, lora_modules
from gemma_mlx.load import Loaded, load_model
from gemma_mlx.settings import LoraSettings, TrainSettings
from gemma_mlx.training import samples
from gemma_mlx.training.samples import sample_answers
from tests.tiny import write_tiny_model

PLAN = TrainSettings(sample_prompts=["one", "two"], sample_tokens=12)


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    made = load_model(write_tiny_model(tmp_path / "tiny", tokenizer=True))
    made.model.freeze()
    add_lora(made.model, LoraSettings(rank=2), 0)
    for _, module in lora_modules(made.model):
        module.lora_B = 3 * mx.random.normal(module.lora_B.shape, key=mx.random.key(3))
    made.model.train()
    return made


def texts(loaded: Loaded, step: int, *, plain_text: bool = False) -> list[str]:
    made = list(sample_answers(loaded, PLAN, step, plain_text=plain_text))
    assert [sample.prompt for sample in made] == PLAN.sample_prompts
    assert {sample.step for sample in made} == {step}
    assert loaded.model.training
    return [sample.text for sample in made]


def test_before_the_first_step_the_base_answers(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, bool]] = []
    real = samples.generate

    def watched(asked: Loaded, *rest: Any) -> Any:
        (on,) = {module.enabled for _, module in lora_modules(asked.model)}
        seen.append((on, asked.model.training))
        return real(asked, *rest)

    monkeypatch.setattr(samples, "generate", watched)
    for step in (0, 5):
        texts(loaded, step)
    assert seen == [(False, False)] * 2 + [(True, False)] * 2
    assert {module.enabled for _, module in lora_modules(loaded.model)} == {True}


def test_a_dataset_of_text_is_continued_not_asked(loaded: Loaded) -> None:
    assert texts(loaded, 5, plain_text=True) != texts(loaded, 5)


def test_closed_amid_its_answers_it_leaves_the_model_in_training(loaded: Loaded) -> None:
    answers = sample_answers(loaded, PLAN, 5, plain_text=False)
    next(answers)
    answers.close()
    assert loaded.model.training
