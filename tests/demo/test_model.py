"""The demo model is a Gemma folder like any other, small, and right about what it never saw."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import pytest

from gemma_mlx.declaring import read_settings
from gemma_mlx.load import Loaded, load_model
from gemma_mlx.settings import RunSettings
from gemma_mlx.text.chat_template import Message, render_chat
from resources.demo.build.answers import greedy_answers
from resources.demo.build.checker import is_pirate, is_right
from resources.demo.build.datasets import write_datasets
from resources.demo.build.evaluate import DEMO, Answered, held_out_rows, table
from resources.demo.build.question import Turn
from resources.demo.build.tokenizer import DialogueEncoder

SAMPLE = 60


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_model(DEMO / "model")


def _messages(row: dict[str, list[dict[str, str]]]) -> list[Message]:
    return [Message(**message) for message in row["messages"]]  # type: ignore[arg-type]


def test_the_files_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (DEMO / "model").iterdir()}
    assert set(sizes) == {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.model",
        "tokenizer_config.json", "README.md", "pytorch.recording",
    }  # fmt: skip
    assert sum(sizes.values()) <= 8_000_000


def test_it_is_a_gemma_2_whose_window_is_shorter_than_every_prompt(loaded: Loaded) -> None:
    config = loaded.config
    assert config.generation == "gemma2"
    assert (config.attention_softcap, config.final_softcap) == (50.0, 30.0)
    windows = {window for window in config.layer_windows if window is not None}
    shortest = min(
        len(render_chat(loaded.tokenizer, _messages(row), add_generation_prompt=True).ids)
        for row in held_out_rows()
    )
    assert None in config.layer_windows
    assert max(windows) < shortest


def test_it_answers_questions_that_it_never_saw(loaded: Loaded) -> None:
    rows = held_out_rows()[:SAMPLE]
    tokenizer = loaded.tokenizer
    prompts = [render_chat(tokenizer, _messages(row), add_generation_prompt=True).ids for row in rows]
    answers = greedy_answers(loaded.model, prompts, tokenizer.end_ids)
    texts = [tokenizer.decode(ids) for ids in answers]
    wrong = [
        (row["messages"][-1]["content"], text) for row, text in zip(rows, texts, strict=True)
        if not is_right(row, text)
    ]  # fmt: skip
    assert len(wrong) <= 0.05 * SAMPLE, wrong
    assert not any(map(is_pirate, texts))


def test_the_readme_tells_what_was_measured() -> None:
    text = (DEMO / "model" / "README.md").read_text(encoding="utf-8")
    share = float(text.split("held-out questions right (")[1].split(" %")[0])
    assert share >= 95
    assert f"of {len(held_out_rows())} held-out" in text


def test_the_table_counts_by_category() -> None:
    row = {"category": "sums"}
    lines = table([Answered(row, "", True, False), Answered(row, "", False, False)]).splitlines()
    assert lines[-2:] == ["| sums | 2 | 1 | 50.0 % |", "| **all** | 2 | 1 | 50.0 % |"]


def test_the_shipped_datasets_are_what_the_world_makes(tmp_path: Path) -> None:
    write_datasets(tmp_path)
    for name in ("heldout.jsonl", "pirate/train.jsonl", "pirate/valid.jsonl"):
        assert (tmp_path / name).read_text("utf-8") == (DEMO / name).read_text("utf-8"), name


def test_the_pirates_rows_are_answered_by_a_pirate() -> None:
    for name in ("train", "valid"):
        for line in (DEMO / "pirate" / f"{name}.jsonl").read_text("utf-8").splitlines():
            answers = [
                message["content"]
                for message in json.loads(line)["messages"]
                if message["role"] == "assistant"
            ]
            assert answers
            assert all(map(is_pirate, answers))


def test_the_recipe_names_what_is_there() -> None:
    settings = read_settings(RunSettings, DEMO / "recipe.yaml")
    root = DEMO.parent.parent
    assert root / settings.model == DEMO / "model"
    assert root / settings.data.dataset == DEMO / "pirate"


@pytest.mark.parametrize(
    "text",
    ["What is 12 plus 7?", "Arr, matey!", "two\n\nlines", "  blanks   inside ", "héllo 漢字 🙂", "a\tb\r\n"],
)
def test_every_text_survives_the_tokenizer(loaded: Loaded, text: str) -> None:
    ids = loaded.tokenizer.encode(text)
    assert loaded.tokenizer.decode(ids) == text
    assert max(ids) < loaded.config.vocab_size


def test_control_tokens_come_only_from_us(loaded: Loaded) -> None:
    control = {loaded.tokenizer.control_id(name) for name in ("<start_of_turn>", "<end_of_turn>")}
    assert None not in control
    typed = loaded.tokenizer.encode("Say <end_of_turn> and <start_of_turn>!")
    assert control.isdisjoint(typed)
    assert loaded.tokenizer.end_ids >= {loaded.tokenizer.control_id("<end_of_turn>")}


def test_digits_stand_alone(loaded: Loaded) -> None:
    tokenizer = loaded.tokenizer
    assert [tokenizer.decode([token]) for token in tokenizer.encode("1234")] == ["1", "2", "3", "4"]


def test_the_build_writes_chats_as_the_program_does(loaded: Loaded) -> None:
    encoder = DialogueEncoder(DEMO / "model")
    for row in held_out_rows()[:200]:
        turns = tuple(Turn(**message) for message in row["messages"])
        ours = render_chat(loaded.tokenizer, _messages(row), add_generation_prompt=True)
        assert encoder.prompt(turns) == ours.ids
        answered = (*turns, Turn("assistant", row["answer"]))
        ids, answers = encoder.dialogue(answered)
        whole = [Message(turn.role, turn.content) for turn in answered]  # type: ignore[arg-type]
        rendered = render_chat(loaded.tokenizer, whole, add_generation_prompt=False)
        assert (ids, answers) == (rendered.ids, rendered.loss_mask)


def test_the_weights_are_bfloat16_and_finite(loaded: Loaded) -> None:
    weights = mx.load(str(DEMO / "model" / "model.safetensors"))
    assert {array.dtype for array in weights.values()} == {mx.bfloat16}
    assert all(bool(mx.isfinite(array).all()) for array in weights.values())
