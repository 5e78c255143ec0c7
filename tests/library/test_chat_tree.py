"""The tree of turns: siblings, branches, storage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.chat_tree import ChatTree


def talk(*texts: str) -> ChatTree:
    """A chat of these messages in turn."""
    tree = ChatTree()
    for index, text in enumerate(texts):
        tree.add(tree.end(), "assistant" if index % 2 else "user", text)
    return tree


def shown(tree: ChatTree) -> list[str]:
    return [turn.content for turn in tree.path()]


def test_turns_follow_each_other() -> None:
    tree = talk("q1", "a1", "q2")
    assert shown(tree) == ["q1", "a1", "q2"]
    assert [turn.content for turn in tree.before(3)] == ["q1", "a1"]
    assert tree.siblings(2) == (1, 1)


def test_an_edit_is_a_sibling_and_the_old_branch_stays() -> None:
    tree = talk("q1", "a1", "q2", "a2")
    tree.add(tree.turn(3).parent, "user", "q2 edited")
    assert shown(tree) == ["q1", "a1", "q2 edited"]
    assert tree.siblings(5) == (2, 2)
    assert tree.step(5, -1).id == 3
    assert shown(tree) == ["q1", "a1", "q2", "a2"]
    assert tree.step(3, -1).id == 3  # there is none before it


def test_three_answers_and_each_remembers_what_followed() -> None:
    tree = talk("q1", "a1", "q2", "a2")
    for text in ("b1", "c1"):
        tree.add(1, "assistant", text)
    tree.step(6, -1)
    assert tree.siblings(5) == (2, 3) and shown(tree) == ["q1", "b1"]
    tree.select(4)
    assert shown(tree) == ["q1", "a1", "q2", "a2"]


def test_a_branch_begins_after_the_turn_where_the_path_is_cut() -> None:
    tree = talk("q1", "a1", "q2", "a2")
    tree.cut(2)
    assert shown(tree) == ["q1", "a1"]
    tree.add(tree.end(), "user", "other")
    assert shown(tree) == ["q1", "a1", "other"] and tree.siblings(5) == (2, 2)


def test_the_first_message_can_be_edited_too() -> None:
    tree = talk("q1", "a1")
    tree.add(None, "user", "q1 edited")
    assert shown(tree) == ["q1 edited"] and tree.siblings(3) == (2, 2)
    tree.step(3, -1)
    assert shown(tree) == ["q1", "a1"]
    tree.cut_all()
    assert shown(tree) == [] and tree.end() is None


def test_removing_takes_what_follows_along_and_shows_a_neighbour() -> None:
    tree = talk("q1", "a1", "q2", "a2")
    tree.add(1, "assistant", "b1")
    tree.select(4)
    tree.remove(2)
    assert shown(tree) == ["q1", "b1"] and len(list(tree)) == 2
    tree.remove(1)
    assert shown(tree) == [] and not list(tree)


def test_ids_are_never_used_again() -> None:
    tree = talk("q1", "a1")
    tree.remove(2)
    assert tree.add(1, "assistant", "b").id == 3


def test_what_is_stored_comes_back() -> None:
    tree = talk("q1", "a1", "q2", "a2")
    tree.add(1, "assistant", "b1").ids = [5, 6]
    tree.turn(5).details = {"tokens": 2}
    stored = json.loads(json.dumps(tree.to_dict()))
    again = ChatTree.from_dict(stored)
    assert again.to_dict() == tree.to_dict()
    assert shown(again) == ["q1", "b1"] and again.siblings(5) == (2, 2)
    assert again.add(5, "user", "q3").id == 6


@pytest.mark.parametrize(
    "stored",
    [
        {},
        [],
        {"turns": [{"id": 1}], "chosen": None},
        {"turns": [{"id": 1, "parent": 7, "role": "user", "content": ""}], "chosen": None},
        {"turns": [{"id": 1, "parent": 1, "role": "user", "content": ""}], "chosen": None},
        {"turns": [{"id": 1, "parent": None, "role": "system", "content": ""}], "chosen": 1},
        {"turns": [{"id": 1, "parent": None, "role": "user", "content": "", "chosen": 1}], "chosen": 1},
        {"turns": [{"id": 1, "parent": None, "role": "user", "content": "", "other": 1}], "chosen": 1},
        {"turns": [{"id": 1, "parent": None, "role": "user", "content": "", "ids": ["x"]}], "chosen": 1},
        {"turns": [{"id": 1, "parent": None, "role": "user", "content": "", "details": 3}], "chosen": 1},
        {"turns": [{"id": 1, "parent": None, "role": "user", "content": ""}], "chosen": 2},
        {"turns": [{"id": "1", "parent": None, "role": "user", "content": ""}], "chosen": "1"},
    ],
)
def test_a_broken_chat_is_refused(stored: Any) -> None:
    with pytest.raises(GemmaError) as caught:
        ChatTree.from_dict(stored)
    assert caught.value.code == "bad-chat"


def test_a_turn_that_is_not_there() -> None:
    with pytest.raises(GemmaError) as caught:
        talk("q").select(9)
    assert caught.value.code == "no-such-turn"
