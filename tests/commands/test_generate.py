"""Tests of `generate`: answers as text and as a document, in the chat form or raw, with an adapter."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.command_line import gemma, write_rows

GREEDY = ("--temperature", "0", "--max-tokens", "6")


def test_an_answer_is_the_same_as_text_and_as_a_document(tiny_model: Path) -> None:
    said = gemma("generate", tiny_model, "Hello", *GREEDY)
    document = gemma("generate", tiny_model, "Hello", *GREEDY, "--json").document
    assert said.status == 0
    assert said.stdout == document["text"] + "\n"
    assert document["reason"] in ("length", "end")
    assert "tokens" in said.stderr


def test_the_seed_makes_the_answer(tiny_model: Path) -> None:
    options = ("--temperature", "5", "--top-k", "0", "--top-p", "1", "--max-tokens", "12", "--json")
    texts = [
        gemma("generate", tiny_model, "Hello", *options, "--seed", seed).document["ids"] for seed in "112"
    ]
    assert texts[0] == texts[1] != texts[2]


def test_raw_text_is_continued_without_the_chat_form(tiny_model: Path) -> None:
    chat = gemma("generate", tiny_model, "Hello", *GREEDY, "--json").document
    raw = gemma("generate", tiny_model, "Hello", "--raw", *GREEDY, "--json").document
    assert raw["prompt_tokens"] < chat["prompt_tokens"]


def test_the_prompt_may_come_from_a_pipe(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello"))
    piped = gemma("generate", tiny_model, *GREEDY, "--json").document
    assert piped["prompt"] == "Hello"
    assert piped["ids"] == gemma("generate", tiny_model, "Hello", *GREEDY, "--json").document["ids"]


def test_an_adapter_by_folder_run_and_name(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    options = ("--steps", "8", "--learning-rate", "0.5", "--warmup-steps", "0", "--json")
    run = Path(gemma("train", tiny_model, "--dataset", data, *options).document["run"])
    base = gemma("generate", tiny_model, "Hello", *GREEDY, "--json").document["ids"]
    tuned = [
        gemma("generate", tiny_model, "Hello", "--adapter", name, *GREEDY, "--json").document["ids"]
        for name in (run / "adapter", run, run.name)
    ]
    assert tuned[0] == tuned[1] == tuned[2] != base


@pytest.mark.parametrize(
    ("tokens", "code"),
    [
        (["--adapter", "nowhere"], "no-adapter"),
        (["--raw", "--system", "Be brief."], "bad-settings"),
        (["--temperature", "-1"], "bad-settings"),
        (["--bits", "4", "--group-size", "16"], "bad-settings"),
    ],
)
def test_wrong_wishes(tiny_model: Path, tokens: list[str], code: str) -> None:
    error = gemma("generate", tiny_model, "Hello", *tokens, "--json").error
    assert error["code"] == code


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    from tests.tiny import write_tiny_model

    folder = write_tiny_model(tmp_path / "model", "gemma2")
    error = gemma("generate", folder, "Hello", "--json").error
    assert error["code"] == "no-tokenizer" and str(folder) in error["where"]


def test_an_empty_prompt(tiny_model: Path) -> None:
    said = gemma("generate", tiny_model, "", "--raw", "--max-tokens", "2", "--json")
    assert said.status in (0, 1)
    assert said.document
