"""The recipes parse, read their samples, and put loss where they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gemma_mlx.data.formats import Example, PreferenceExample
from gemma_mlx.data.prepare import Prepared, prepare_dataset
from gemma_mlx.declaring import read_settings
from gemma_mlx.library.hub_datasets import parse_name
from gemma_mlx.library.resources import resource
from gemma_mlx.settings import RunSettings
from tests.data.fake_tokenizer import EOS, fake_tokenizer

RECIPES = ("quotes", "guanaco", "chat", "hc3_chinese", "oasst")
SEEDS = {
    "quotes": "hf:Abirate/english_quotes",
    "guanaco": "hf:timdettmers/openassistant-guanaco",
    "oasst": "hf:OpenAssistant/oasst_top1_2023-08-25",
    "hc3_chinese": "hf:Hello-SimpleAI/HC3-Chinese:baike",
}


def _settings(name: str) -> RunSettings:
    return read_settings(RunSettings, resource("recipes", f"{name}.yaml"))


def _prepared(name: str) -> Prepared:
    data = _settings(name).data
    path = resource("recipes") / data.dataset
    return prepare_dataset(
        data.model_copy(update={"dataset": str(path), "max_length": 4096}), fake_tokenizer(), seed=0
    )


def _learned(example: Example | PreferenceExample) -> str:
    assert isinstance(example, Example)
    ids = [token for token, loss in zip(example.ids, example.loss_mask, strict=True) if loss]
    return fake_tokenizer().decode(ids, keep_control=True)


def _all(prepared: Prepared) -> Sequence[Example | PreferenceExample]:
    return sorted([*prepared.train, *prepared.valid], key=lambda example: (example.row, example.text))


def test_every_recipe_has_a_test_and_a_sample() -> None:
    assert sorted(path.stem for path in resource("recipes").glob("*.yaml")) == sorted(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_each_reads_its_sample_without_a_problem(name: str) -> None:
    prepared = _prepared(name)
    report = prepared.report
    assert 5 <= report.rows <= 20
    assert (report.bad, report.left_out, report.truncated, report.duplicates) == (0, 0, 0, 0)
    assert len(prepared.train) > len(prepared.valid) >= 1


@pytest.mark.parametrize("name", RECIPES)
def test_each_says_how_to_train_on_a_file_of_ones_own(name: str) -> None:
    assert "--dataset" in resource("recipes", f"{name}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SEEDS)
def test_the_tutorials_datasets_are_named_by_their_place_on_the_hub(name: str) -> None:
    text = resource("recipes", f"{name}.yaml").read_text(encoding="utf-8")
    named = next(word for word in text.split() if word.startswith("hf:"))
    assert named == SEEDS[name] == str(parse_name(named))


def test_oasst() -> None:
    """Markers of another family are text here, and all of it is learned."""
    examples = _all(_prepared("oasst"))
    assert _learned(examples[0]) == (
        "<|im_start|>user\nWhat is a lighthouse for?<|im_end|>\n"
        "<|im_start|>assistant\nIt shows ships at night where the coast is.<|im_end|>\n<eos>"
    )


def test_quotes() -> None:
    settings = _settings("quotes")
    lora, training = settings.lora, settings.training
    assert (lora.rank, lora.alpha, lora.dropout, len(lora.module_names)) == (32, 16, 0.05, 7)
    assert (training.batch_size, training.accumulation, training.warmup_steps) == (1, 4, 10)
    assert (training.steps, training.learning_rate, training.save_every) == (50, 3e-4, 10)
    examples = _all(_prepared("quotes"))
    assert _learned(examples[1]) == "Patience is a ladder whose rungs are made while you climb.<eos>"
    assert all(isinstance(example, Example) and example.ids.count(EOS) == 1 for example in examples)


def test_guanaco() -> None:
    settings = _settings("guanaco")
    training = settings.training
    assert (settings.lora.rank, training.schedule) == (16, "linear")
    assert (training.evaluate_every, training.steps) == (50, 300)
    assert (
        _learned(_all(_prepared("guanaco"))[3])
        == "### Human: How many legs has a spider?### Assistant: Eight.<eos>"
    )


def test_chat() -> None:
    settings = _settings("chat")
    assert (settings.lora.rank, settings.lora.alpha, settings.training.learning_rate) == (16, 32, 2e-4)
    assert settings.lora.module_names == ("q_proj", "k_proj", "v_proj", "o_proj")
    examples = _all(_prepared("chat"))
    assert _learned(examples[6]) == "The umbrella.<end_of_turn>Die Regenschirme, the umbrellas.<end_of_turn>"


def test_hc3_chinese() -> None:
    prepared = _prepared("hc3_chinese")
    examples = _all(prepared)
    answers = [_learned(example) for example in examples if example.row == 3]
    assert len(answers) == 3
    assert all(answer.endswith("<end_of_turn>") and "？" not in answer for answer in answers)
    assert len(examples) > prepared.report.rows
    assert "'human_answers'" in prepared.report.statement


def test_samples_are_small() -> None:
    files: list[Path] = list(resource("recipes", "samples").iterdir())
    assert len(files) == len(RECIPES)
    assert sum(file.stat().st_size for file in files) < 50_000
