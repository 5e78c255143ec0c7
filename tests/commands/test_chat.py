"""Tests of `chat`: turns from a pipe, its commands, mistakes that do not end it, saving."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.command_line import Outcome, gemma

OPTIONS = ("--temperature", "0", "--max-tokens", "4")


@pytest.fixture
def talk(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    def run(*lines: str, json: bool = True) -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(line + "\n" for line in lines)))
        return gemma("chat", tiny_model, *OPTIONS, *(["--json"] if json else []))

    return run


def test_two_turns(talk) -> None:  # type: ignore[no-untyped-def]
    turns = talk("Hello", "", "And you?").document["turns"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant"]
    assert turns[2]["content"] == "And you?"
    assert turns[3]["details"]["computed_prompt_tokens"] < turns[3]["details"]["prompt_tokens"]


def test_a_further_answer_and_an_edit_stand_beside_the_first(talk) -> None:  # type: ignore[no-untyped-def]
    document = talk("Hello", "/regenerate", "/edit Good day").document
    assert [turn["content"] for turn in document["turns"] if turn["role"] == "user"] == ["Good day"]
    assert [turn["role"] for turn in document["chat"]["tree"]["turns"]].count("assistant") == 3


def test_a_new_chat_and_a_system_text(talk) -> None:  # type: ignore[no-untyped-def]
    document = talk("Hello", "/new", "/system Be brief.", "Again").document
    assert document["turns"][0]["content"] == "Again"
    assert document["chat"]["system"] == "Be brief."


def test_a_message_may_begin_with_a_slash(talk) -> None:  # type: ignore[no-untyped-def]
    assert talk("//etc is a folder").document["turns"][0]["content"] == "/etc is a folder"


def test_quit_ends_it(talk) -> None:  # type: ignore[no-untyped-def]
    assert len(talk("Hello", "/quit", "unheard").document["turns"]) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/sing", "unknown-command"),
        ("/edit", "nothing-to-edit"),
        ("/save", "nothing-named"),
        ("/__init__", "unknown-command"),
    ],
)
def test_a_mistake_is_told_and_the_chat_goes_on(talk, line: str, code: str) -> None:  # type: ignore[no-untyped-def]
    assert talk(line).error["code"] == code
    said = talk(line, "Hello", json=False)
    assert said.status == 0
    assert "Error:" in said.stderr and "tokens" in said.stderr


def test_regenerate_before_any_answer(talk) -> None:  # type: ignore[no-untyped-def]
    assert talk("/regenerate").error["code"] == "empty-chat"


def test_saved_for_people_and_for_programs(talk, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    talk("Hello", f"/save {tmp_path / 'chat.md'}", f"/save {tmp_path / 'chat.json'}")
    text = (tmp_path / "chat.md").read_text(encoding="utf-8")
    assert "**You:**\n\nHello" in text and "**Model:**" in text
    stored = json.loads((tmp_path / "chat.json").read_text(encoding="utf-8"))
    assert stored["tree"]["turns"][0]["content"] == "Hello"


def test_help_names_every_command(talk) -> None:  # type: ignore[no-untyped-def]
    said = talk("/help", json=False).stdout
    for name in ("/regenerate", "/edit", "/continue", "/system", "/save", "/new", "/quit"):
        assert name in said


def test_a_chat_writes_its_own_file_again_and_no_other(talk, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    mine, other = tmp_path / "chat.json", tmp_path / "rows.jsonl"
    other.write_text("precious")
    said = talk("Hello", f"/save {mine}", "Again", f"/save {mine}", f"/save {other}", json=False)
    assert len(json.loads(mine.read_text(encoding="utf-8"))["tree"]["turns"]) == 4
    assert other.read_text() == "precious"
    assert said.stderr.count("Error:") == 1 and "not of this chat" in said.stderr
