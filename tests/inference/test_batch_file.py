"""Files of answers: the same whatever interrupted them, and never half of one under its own name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import mlx.nn as nn
import pytest

from gemma_mlx.errors import DatasetError, GemmaError
from gemma_mlx.events import Done, Progress, Warning
from gemma_mlx.inference.batch_file import answer_file
from gemma_mlx.inference.generate import generate
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message
from tests.inference.helpers import TinyLoaded, small_loaded

SAMPLING = SamplingSettings(temperature=1.0, max_tokens=8, seed=5)


@pytest.fixture(scope="module")
def loaded() -> Any:
    return small_loaded()


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"n{i}", "prompt": "why " * (i % 5) + str(i)}) + "\n" for i in range(30))
    )
    return path


def finish(events: Any) -> Done:
    *_, last = events
    assert isinstance(last, Done)
    return last


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_prompt_is_answered_in_order_as_it_would_be_alone(
    loaded: Any, prompts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out.jsonl"
    events = list(answer_file(loaded, prompts, out, SAMPLING, slots=4))
    done = finish(events)
    answers = lines(out)
    assert done.result["answers"] == 30 and done.result["resumed"] == 0
    assert done.result["tokens"] == sum(answer["tokens"] for answer in answers)
    assert [answer["id"] for answer in answers] == [f"n{i}" for i in range(30)]
    assert [answer["line"] for answer in answers] == list(range(1, 31))
    for index in (0, 7, 29):
        asked = [Message("user", answers[index]["prompt"])]
        alone = finish(generate(loaded, asked, SAMPLING)).result
        for name in ("text", "tokens", "prompt_tokens", "reason", "seed"):
            assert answers[index][name] == alone[name]
    counts = [event.done for event in events if isinstance(event, Progress)]
    assert counts == list(range(31)) and "tokens/s" in events[-2].note
    assert not (tmp_path / "new" / "out.jsonl.partial").exists()


@pytest.mark.parametrize(
    "sampling", [SAMPLING, SAMPLING.model_copy(update={"seed": None})], ids=["seed", "chance"]
)
def test_interrupted_at_any_place_it_ends_with_the_same_file(
    loaded: Any, prompts: Path, tmp_path: Path, sampling: SamplingSettings
) -> None:
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    partial = tmp_path / "parts.jsonl.partial"
    for stop_after in (0, 3, 11):
        events = answer_file(loaded, prompts, parts, sampling, slots=4)
        for event in events:
            if isinstance(event, Progress) and event.done >= stop_after:
                break
        events.close()
        assert not parts.exists()
        with partial.open("ab") as file:  # as a power cut leaves it
            file.write(b'{"index": 29, "text": "ha')
    events = list(answer_file(loaded, prompts, parts, sampling, slots=7))
    resumed = finish(events).result["resumed"]
    assert resumed >= 11 and not partial.exists()
    counts = [event.done for event in events if isinstance(event, Progress)]
    assert counts == list(range(resumed, 31))  # nothing is answered twice
    if sampling.seed is not None:
        finish(answer_file(loaded, prompts, whole, sampling))
        assert whole.read_bytes() == parts.read_bytes()
    else:
        assert len({answer["seed"] for answer in lines(parts)}) == 30
        answer = lines(parts)[17]
        again = sampling.model_copy(update={"seed": answer["seed"]})
        asked = [Message("user", answer["prompt"])]
        assert finish(generate(loaded, asked, again)).result["text"] == answer["text"]


def test_cancelled_keeps_the_answers_that_are_whole(loaded: Any, prompts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    asked = iter(range(10_000))
    done = finish(answer_file(loaded, prompts, out, SAMPLING, lambda: next(asked) >= 20, slots=4))
    assert done.outcome == "stopped" and 0 < done.result["answers"] < 30 and not out.exists()
    assert all(answer["reason"] != "cancelled" for answer in lines(tmp_path / "out.jsonl.partial")[1:])
    assert finish(answer_file(loaded, prompts, out, SAMPLING)).result["resumed"] == done.result["answers"]


def refused(code: str, *arguments: Any, **rest: Any) -> GemmaError:
    with pytest.raises(GemmaError) as caught:
        list(answer_file(*arguments, **rest))
    assert caught.value.code == code
    return caught.value


def test_what_was_begun_with_something_else_is_not_mixed(loaded: Any, prompts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    finish(answer_file(loaded, prompts, out, SAMPLING, lambda: True))
    other = TinyLoaded(loaded.model, loaded.config, folder=Path("another"))
    narrow = small_loaded()
    nn.quantize(narrow.model, group_size=32, bits=8)
    before = (tmp_path / "out.jsonl.partial").read_bytes()
    assert "sampling" in refused("other-answers", loaded, prompts, out, SamplingSettings()).what
    assert "model" in refused("other-answers", other, prompts, out, SAMPLING).what
    assert "weights" in refused("other-answers", narrow, prompts, out, SAMPLING).what
    assert "raw" in refused("other-answers", loaded, prompts, out, SAMPLING, raw=True).what
    prompts.write_text('{"prompt": "x"}\n')
    assert "prompts" in refused("other-answers", loaded, prompts, out, SAMPLING).what
    assert (tmp_path / "out.jsonl.partial").read_bytes() == before


def test_a_file_that_is_there_is_never_touched(loaded: Any, prompts: Path, tmp_path: Path) -> None:
    out, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    out.write_text("mine")
    refused("output-exists", loaded, prompts, out)
    assert out.read_text() == "mine"
    out.unlink()
    for foreign in ("mine", "mine\n", "{}\n", '{"gemma_mlx_answers": 1}\n', "[1]\n2\n"):
        partial.write_text(foreign)
        refused("bad-answers", loaded, prompts, out)
        assert partial.read_text() == foreign
    partial.unlink()
    os.mkfifo(partial)
    refused("cannot-write", loaded, prompts, out)


def test_two_at_once_do_not_mix(loaded: Any, prompts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    first = answer_file(loaded, prompts, out, SAMPLING)
    next(first)
    refused("in-use", loaded, prompts, out, SAMPLING)
    finish(first)
    assert len(lines(out)) == 30


def test_bad_rows_stop_it_before_anything_is_written(loaded: Any, tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": 1}\nnot json\n')
    with pytest.raises(DatasetError) as caught:
        list(answer_file(loaded, path, tmp_path / "out.jsonl"))
    assert sorted(problem.line for problem in caught.value.problems) == [2, 3]
    assert [each.name for each in tmp_path.iterdir()] == ["prompts.jsonl"]


def test_prompts_that_are_too_long_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "short"}\n{"prompt": "' + "long " * 20 + '"}\n')
    loaded = small_loaded(max_position_embeddings=60)
    events = list(answer_file(loaded, path, tmp_path / "out.jsonl", SAMPLING))
    assert [event.what[:9] for event in events if isinstance(event, Warning)] == ["1 prompts"]
