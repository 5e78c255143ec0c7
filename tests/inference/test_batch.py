"""Batches: each prompt is answered as if it were alone, whatever stands beside it."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.errors import ModelError, SettingsError
from gemma_mlx.events import Done, Progress, Warning
from gemma_mlx.inference.batch import generate_batch
from gemma_mlx.inference.generate import generate
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message
from tests.inference.helpers import small_loaded

SAME = ("text", "tokens", "prompt_tokens", "reason", "seed", "ids")
PROMPTS: list[Any] = [
    "Hello",
    "",
    "a much longer prompt than the others have, longer than the window of sixteen",
    "Hi!",
    [Message("user", "How are you?")],
    "x" * 33,
    "Hello",
    [
        Message("system", "Be brief."),
        Message("user", "Who?"),
        Message("assistant", "Me"),
        Message("user", "Oh"),
    ],
]


def alone(loaded: Any, prompt: Any, sampling: SamplingSettings) -> dict[str, Any]:
    *_, last = generate(loaded, prompt, sampling)
    assert isinstance(last, Done)
    return {name: last.result[name] for name in SAME}


def together(loaded: Any, prompts: Any, sampling: SamplingSettings, **rest: Any) -> list[dict[str, Any]]:
    *_, last = generate_batch(loaded, prompts, sampling, **rest)
    assert isinstance(last, Done)
    answers = last.result["answers"]
    assert last.result["tokens"] == sum(answer["tokens"] for answer in answers)
    return [{name: answer[name] for name in SAME} for answer in answers]


def endings(loaded: Any) -> Any:
    """Makes answers of many lengths: the end is likelier than it was."""
    loaded.model.lm_head.weight[107] *= 2.5
    return loaded


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("slots", [3, 16])
@pytest.mark.parametrize(
    "sampling",
    [
        SamplingSettings(temperature=0.0, max_tokens=24, seed=3),
        SamplingSettings(temperature=1.0, top_k=40, max_tokens=24, seed=3),
        SamplingSettings(temperature=0.9, repetition_penalty=1.3, top_k=0, min_p=0.02, max_tokens=24, seed=9),
    ],
    ids=["greedy", "sampled", "penalized"],
)
def test_answers_equal_those_given_one_by_one(
    generation: str, slots: int, sampling: SamplingSettings
) -> None:
    loaded = endings(small_loaded(generation))
    expected = [alone(loaded, prompt, sampling) for prompt in PROMPTS]
    assert together(loaded, PROMPTS, sampling, slots=slots) == expected


@pytest.mark.parametrize("generation", ["gemma2", "gemma3_text"])
def test_rows_that_join_after_the_window_has_wrapped_change_nothing(generation: str) -> None:
    loaded = endings(small_loaded(generation))
    sampling = SamplingSettings(temperature=1.0, max_tokens=40, seed=1)
    prompts = [f"{'word ' * (index % 7)}{index}" for index in range(14)]
    expected = [alone(loaded, prompt, sampling) for prompt in prompts]
    assert {answer["reason"] for answer in expected} == {"end", "length"}
    assert together(loaded, prompts, sampling, slots=4) == expected


def test_stop_strings_end_their_row_only() -> None:
    loaded = small_loaded()
    plain = SamplingSettings(temperature=0.0, max_tokens=20, seed=0)
    text = alone(loaded, "Hello", plain)["text"]
    sampling = plain.model_copy(update={"stop": [text[3:6]]})
    expected = [alone(loaded, prompt, sampling) for prompt in PROMPTS]
    assert expected[0]["reason"] == "stop" and len({answer["reason"] for answer in expected}) > 1
    assert together(loaded, PROMPTS, sampling) == expected


def test_without_a_seed_each_row_draws_its_own_and_can_be_repeated() -> None:
    loaded = small_loaded()
    sampling = SamplingSettings(temperature=1.5, max_tokens=16)
    answers = together(loaded, ["Hello"] * 3, sampling)
    assert len({tuple(answer["ids"]) for answer in answers}) == 3
    again = alone(loaded, "Hello", sampling.model_copy(update={"seed": answers[1]["seed"]}))
    assert again == answers[1]


def test_many_prompts_pass_through_few_slots_in_order() -> None:
    loaded = small_loaded()
    sampling = SamplingSettings(temperature=0.0, max_tokens=3, seed=0)
    events = list(generate_batch(loaded, [str(index) for index in range(40)], sampling, slots=8))
    counts = [event.done for event in events if isinstance(event, Progress)]
    assert counts == list(range(41))
    answers = events[-1].result["answers"]  # type: ignore[attr-defined]
    assert [answer["prompt_tokens"] for answer in answers] == [2] * 10 + [3] * 30
    assert answers[17]["ids"] == alone(loaded, "17", sampling)["ids"]


def test_cancelling_keeps_what_was_said() -> None:
    loaded = small_loaded()
    asked = iter(range(1000))
    sampling = SamplingSettings(temperature=0.0, max_tokens=50, seed=0)
    *_, last = generate_batch(loaded, PROMPTS * 3, sampling, lambda: next(asked) >= 10, slots=4)
    assert isinstance(last, Done) and last.outcome == "stopped"
    answers = last.result["answers"]
    assert len(answers) == 24 and all(answer["reason"] == "cancelled" for answer in answers[8:])
    assert 0 < answers[0]["tokens"] <= 10 and answers[-1]["tokens"] == 0


def test_no_prompts_no_answers() -> None:
    assert together(small_loaded(), [], SamplingSettings()) == []


def test_an_empty_chat_among_prompts_is_refused() -> None:
    with pytest.raises(SettingsError):
        together(small_loaded(), ["Hello", []], SamplingSettings())


def test_prompts_that_are_too_long_are_counted() -> None:
    loaded = small_loaded(max_position_embeddings=16)
    sampling = SamplingSettings(temperature=0.0, max_tokens=2, seed=0)
    warnings = [each for each in generate_batch(loaded, PROMPTS, sampling) if isinstance(each, Warning)]
    assert len(warnings) == 1 and warnings[0].what.startswith("4 prompts")


def test_a_nan_weight_is_an_error_that_names_it() -> None:
    loaded = small_loaded()
    loaded.model.model.norm.weight[0] = mx.nan
    with pytest.raises(ModelError) as caught:
        together(loaded, ["a", "b"], SamplingSettings(seed=0))
    assert "model.norm.weight" in caught.value.what
