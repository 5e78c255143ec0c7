"""What a chat may be: roles, texts, a system text in front."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.messages import Message, RenderedChat, check_messages, fold_system


@pytest.mark.parametrize(
    ("messages", "code", "where"),
    [
        ([], "empty-chat", ""),
        ([Message("user", "a"), Message("tool", "b")], "bad-role", "message 2"),  # type: ignore[arg-type]
        ([Message("user", None)], "bad-content", "message 1"),  # type: ignore[arg-type]
        ([Message("user", ["a"])], "bad-content", "message 1"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_chat_is_refused(messages: list[Any], code: str, where: str) -> None:
    with pytest.raises(TokenizerError) as refused:
        check_messages(messages)
    assert refused.value.code == code
    assert refused.value.where == where
    assert refused.value.fix


def test_a_system_text_goes_in_front_as_it_is() -> None:
    user = Message("user", " hi ")
    assert fold_system([Message("system", " Be brief.\n"), user]) == (" Be brief.\n\n\n", [user])
    assert fold_system([Message("system", " \n"), user]) == ("", [user]), "a blank one is none"
    assert fold_system([user]) == ("", [user])


@pytest.mark.parametrize("rest", [[], [Message("assistant", "hi")], [Message("system", "again")]])
def test_a_system_text_needs_a_user(rest: list[Message]) -> None:
    with pytest.raises(TokenizerError) as refused:
        fold_system([Message("system", "Be brief."), *rest])
    assert refused.value.code == "chat-order"


def test_the_mask_is_as_long_as_the_ids() -> None:
    rendered = RenderedChat()
    rendered.add([1, 2])
    rendered.start_turn()
    rendered.add([3], loss=True)
    assert rendered == RenderedChat([1, 2, 3], [False, False, True], [2])
