"""Tests of `generate`: one answer as text and as a document, a file of them, kills and bad rows."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def write_prompts(path: Path, count: int) -> Path:
    rows = [
        {"id": index, "messages": [{"role": "user", "content": "and " * (index % 7) + str(index)}]}
        for index in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_file_is_answered_as_each_prompt_alone(tiny_model: Path, tmp_path: Path) -> None:
    prompts, out = write_prompts(tmp_path / "prompts.jsonl", 9), tmp_path / "out.jsonl"
    options = ("--temperature", "1", "--seed", "3", "--max-tokens", "7")
    files = ("--prompts", prompts, "--out", out)
    document = gemma("generate", tiny_model, *files, *options, "--slots", "4", "--json").document
    answers = read_lines(out)
    assert document["outcome"] == "finished" and document["answers"] == len(answers) == 9
    assert document["tokens_per_second"] > 0
    for answer in answers[::4]:
        text = answer["messages"][0]["content"]  # type: ignore[index]
        alone = gemma("generate", tiny_model, text, *options, "--json").document
        assert [answer[name] for name in ("text", "tokens", "reason")] == [
            alone[name] for name in ("text", "tokens", "reason")
        ]
    again = gemma("generate", tiny_model, *files, *options, "--json").error
    assert again["code"] == "output-exists" and read_lines(out) == answers


def test_a_file_for_people_says_how_fast_it_went(tiny_model: Path, tmp_path: Path) -> None:
    prompts = write_prompts(tmp_path / "prompts.jsonl", 3)
    said = gemma("generate", tiny_model, "--prompts", prompts, "--out", tmp_path / "out.jsonl", *GREEDY)
    assert said.status == 0 and "3 answers" in said.stdout and "a second" in said.stderr


def test_stopped_it_says_that_it_goes_on_and_does(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle: what is said so far is kept, and the status is that of an interrupted program."""

    @contextmanager
    def impatient() -> Iterator[Callable[[], bool]]:
        asked = iter(range(1000))
        yield lambda: next(asked) > 8

    prompts, out = write_prompts(tmp_path / "prompts.jsonl", 12), tmp_path / "out.jsonl"
    command = ("generate", tiny_model, "--prompts", prompts, "--out", out, *GREEDY, "--slots", "3")
    with monkeypatch.context() as patched:
        patched.setattr("gemma_mlx.commands.generate.stoppable", impatient)
        stopped = gemma(*command)
    assert stopped.status == 130 and "goes on" in stopped.stdout and not out.exists()
    document = gemma(*command, "--json").document
    assert 0 < document["resumed"] < 12 and len(read_lines(out)) == 12


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_and_ends_with_the_same_file(
    tiny_model: Path, tmp_path: Path
) -> None:
    prompts = write_prompts(tmp_path / "prompts.jsonl", 60)
    options = ("--temperature", "1", "--seed", "3", "--max-tokens", "24", "--slots", "4", "--json")
    killed, whole = tmp_path / "killed.jsonl", tmp_path / "whole.jsonl"
    command = ("generate", tiny_model, "--prompts", prompts, "--out", killed, *options)
    process = subprocess.Popen(
        [sys.executable, "-m", "gemma_mlx", *map(str, command)], stdout=subprocess.DEVNULL
    )
    partial = tmp_path / "killed.jsonl.partial"
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if partial.exists() and partial.read_bytes().count(b"\n") > 12:
            break
        time.sleep(0.01)
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = partial.read_bytes().count(b"\n") - 1
    assert not killed.exists()
    document = gemma(*command).document
    assert document["resumed"] == kept >= 12 and document["answers"] == 60
    gemma("generate", tiny_model, "--prompts", prompts, "--out", whole, *options)
    assert killed.read_bytes() == whole.read_bytes()


def test_all_bad_rows_are_told_at_once_and_before_the_model_is_loaded(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "a"}\n{"prompt": 1}\nnot json\n{"messages": []}\n')
    files = ("--prompts", prompts, "--out", tmp_path / "out.jsonl")
    error = gemma("generate", tmp_path / "nowhere", *files, "--json").error
    assert error["code"] == "bad-rows"
    assert sorted(problem["line"] for problem in error["problems"]) == [2, 3, 4]
    assert not list(tmp_path.glob("out.jsonl*"))


@pytest.mark.parametrize(
    "tokens", [["--prompts", "a.jsonl"], ["--out", "a.jsonl"], ["Hi", "--prompts", "a", "--out", "b"]]
)
def test_the_two_files_belong_together(tiny_model: Path, tokens: list[str]) -> None:
    assert gemma("generate", tiny_model, *tokens, "--json").error["code"] == "bad-settings"
