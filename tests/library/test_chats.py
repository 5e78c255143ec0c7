"""The chats' file: what was saved comes back, is found, and can be deleted and brought back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.chats import Chat, ChatStore, Lane, as_json, as_markdown


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    opened = ChatStore(tmp_path / "deep" / "chats.sqlite")
    yield opened
    opened.close()


def chat(title: str, question: str = "Why?", answer: str = "Because.") -> Chat:
    made = Chat(title=title, system="Be brief.", sampling={"temperature": 0.2}, lanes=[Lane("/m", "/a")])
    turn = made.lanes[0].tree.add(None, "user", question)
    made.lanes[0].tree.add(turn.id, "assistant", answer)
    return made


def test_a_chat_comes_back_as_it_was(store: ChatStore, tmp_path: Path) -> None:
    saved = chat("First")
    saved.lanes.append(Lane("/m", ""))
    tree = saved.lanes[0].tree
    tree.add(1, "assistant", "Another answer.")
    store.save(saved)
    store.close()
    again = ChatStore(tmp_path / "deep" / "chats.sqlite")
    loaded = again.load(saved.id)
    again.close()
    assert loaded.lanes[0].tree.to_dict() == tree.to_dict()
    assert loaded.lanes[0].tree.siblings(3) == (2, 2)
    assert (loaded.title, loaded.system, loaded.sampling) == ("First", "Be brief.", {"temperature": 0.2})
    assert [(lane.model, lane.adapter) for lane in loaded.lanes] == [("/m", "/a"), ("/m", "")]


def test_saving_again_changes_the_chat_and_adds_none(store: ChatStore) -> None:
    saved = chat("First", answer="apples")
    store.save(saved)
    saved.lanes[0].tree.turn(2).content = "pears"
    store.save(saved)
    assert [line.title for line in store.list()] == ["First"]
    assert store.list("pears") and not store.list("apples")


def test_search_finds_words_by_their_beginning_in_every_script(store: ChatStore) -> None:
    store.save(chat("Travel", answer="The train to Kraków leaves at noon."))
    store.save(chat("烹饪", question="怎么做红烧肉？"))
    store.save(chat("Погода", answer="Завтра будет дождь."))
    found = {word: [line.title for line in store.list(word)] for word in (
        "krak", "train noon", "红烧", "烧红", "дожд", "Travel", "absent",
    )}  # fmt: skip
    assert found == {
        "krak": ["Travel"], "train noon": ["Travel"], "红烧": ["烹饪"], "烧红": [], "дожд": ["Погода"],
        "Travel": ["Travel"], "absent": [],
    }  # fmt: skip
    assert "红烧肉" in store.list("红烧")[0].excerpt


@pytest.mark.parametrize("typed", ['"', "a AND", "NEAR(", "*", "title:", "-", "'; drop table chats"])
def test_what_is_typed_is_never_a_query_language(store: ChatStore, typed: str) -> None:
    store.save(chat("One"))
    store.list(typed)
    assert len(store.list()) == 1


def test_a_deleted_chat_is_gone_until_it_is_restored(store: ChatStore) -> None:
    saved = chat("One", answer="unusual")
    store.save(saved)
    store.delete(saved.id)
    assert not store.list() and not store.list("unusual")
    store.restore(saved.id)
    assert store.list("unusual")
    store.delete(saved.id)
    store.purge()
    store.restore(saved.id)
    assert not store.list()
    with pytest.raises(GemmaError) as refused:
        store.load(saved.id)
    assert refused.value.code == "no-such-chat"


def test_renaming_keeps_the_place_in_the_list(store: ChatStore) -> None:
    first, second = chat("One"), chat("Two")
    store.save(first)
    store.save(second)
    store.rename(first.id, "Uno")
    assert [line.title for line in store.list()] == ["Two", "Uno"]
    assert [line.title for line in store.list("uno")] == ["Uno"]


def test_a_file_that_is_no_database_is_said_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(GemmaError) as refused:
        ChatStore(path).list()
    assert refused.value.code == "chats-unusable"
    assert path.read_bytes() == b"not a database" * 100


def test_exports_hold_what_was_said() -> None:
    exported = chat("One", answer="**Because.**")
    text = as_markdown(exported)
    assert text.startswith("# One\n\n> Be brief.\n\n**You:**\n\nWhy?")
    assert "**Because.**" in text
    assert json.loads(as_json(exported))["lanes"][0]["tree"]["turns"][1]["content"] == "**Because.**"
