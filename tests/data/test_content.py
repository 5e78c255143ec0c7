"""What rows say in each format, and each way in which a row can be bad."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.data.columns import detect_mapping
from gemma_mlx.data.content import (
    BadRow,
    Content,
    Conversation,
    LeftOutRow,
    Preference,
    RawText,
    content_key,
    row_contents,
)
from gemma_mlx.data.rows import Row
from gemma_mlx.settings import DataSettings


def _contents(values: dict[str, Any], like: dict[str, Any] | None = None, **settings: Any) -> list[Content]:
    """`like`: a sound row by which the columns are recognized, where `values` are bad."""
    data = DataSettings.model_validate(settings)
    mapping = detect_mapping(data, [like or values], "f")
    return row_contents(Row("f", 1, values), mapping, answers_needed=data.loss_on == "completions")


def _turns(content: Content) -> list[tuple[str, str]]:
    assert isinstance(content, Conversation)
    return [(message.role, message.content) for message in content.messages]


def test_raw_text() -> None:
    assert _contents({"quote": "### Human: a ### Assistant: b"}) == [RawText("### Human: a ### Assistant: b")]


def test_prompt_and_completion_with_a_system_text() -> None:
    (content,) = _contents({"system": "Be brief.", "prompt": "a", "completion": "b"})
    assert _turns(content) == [("system", "Be brief."), ("user", "a"), ("assistant", "b")]
    (content,) = _contents({"system": None, "prompt": "a", "completion": "b"})
    assert _turns(content) == [("user", "a"), ("assistant", "b")]


@pytest.mark.parametrize("answers", [["b", "c"], '["b", "c"]'])
def test_each_answer_of_a_list_is_an_example(answers: Any) -> None:
    contents = _contents({"question": "a", "human_answers": answers})
    assert [_turns(content)[-1] for content in contents] == [("assistant", "b"), ("assistant", "c")]


def test_an_answer_that_is_a_json_list_stays_text_in_other_columns() -> None:
    (content,) = _contents({"prompt": "Give a list", "completion": '["b", "c"]'})
    assert _turns(content)[-1] == ("assistant", '["b", "c"]')


def test_alpaca_puts_the_input_below_the_instruction() -> None:
    (content,) = _contents({"instruction": "Translate.", "input": "Haus", "output": "house"})
    assert _turns(content) == [("user", "Translate.\n\nHaus"), ("assistant", "house")]
    for nothing in ("", None, "  ", float("nan")):
        (content,) = _contents({"instruction": "Sing.", "input": nothing, "output": "La."})
        assert _turns(content)[0] == ("user", "Sing.")


@pytest.mark.parametrize(
    "values",
    [
        {"messages": [{"role": "user", "content": "a"}, {"role": "model", "content": "b"}]},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
        {"messages": '[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]'},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "AI", "content": "b"},
            ]
        },
    ],
)
def test_chats_in_several_dialects(values: dict[str, Any]) -> None:
    (content,) = _contents(values)
    assert _turns(content) == [("user", "a"), ("assistant", "b")]


def test_chats_with_mapped_keys() -> None:
    (content,) = _contents(
        {"talk": [{"who": "human", "says": "a"}, {"who": "bot", "says": "b"}]},
        format="messages",
        columns={"messages": "talk", "role": "who", "content": "says"},
    )
    assert _turns(content) == [("user", "a"), ("assistant", "b")]


def _preference(values: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]], int]:
    (content,) = _contents(values)
    assert isinstance(content, Preference)
    assert content.chosen.given == content.rejected.given
    return _turns(content.chosen), _turns(content.rejected), content.chosen.given


def test_preferences_as_texts_and_as_messages() -> None:
    wanted = ([("user", "a"), ("assistant", "b")], [("user", "a"), ("assistant", "c")], 1)

    def answer(text: str) -> dict[str, str]:
        return {"role": "assistant", "content": text}

    asked = {"role": "user", "content": "a"}
    for values in (
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        {"prompt": [asked], "chosen": [answer("b")], "rejected": [answer("c")]},
        {"prompt": "a", "chosen": [asked, answer("b")], "rejected": [asked, answer("c")]},
        {"chosen": [asked, answer("b")], "rejected": [asked, answer("c")]},
    ):
        assert _preference(values) == wanted


def test_equal_answers_teach_no_preference() -> None:
    with pytest.raises(LeftOutRow):
        _contents({"prompt": "a", "chosen": "b", "rejected": "b"})


TEXT = {"text": "x"}
PAIR = {"prompt": "a", "completion": "b"}
CHAT = {"messages": [{"role": "user", "content": "a"}]}
CHOICE = {"chosen": "b", "rejected": "c"}


def _chat(*roles: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": "x"} for role in roles]}


@pytest.mark.parametrize(
    ("values", "like", "reason"),
    [
        ({"text": ""}, TEXT, "is empty"),
        ({"text": " \n\t"}, TEXT, "is empty"),
        ({"text": None}, TEXT, "null"),
        ({"text": float("nan")}, TEXT, "NaN"),
        ({"text": 3.5}, TEXT, "a number"),
        ({"text": True}, TEXT, "true or false"),
        ({"text": ["a"]}, TEXT, "a list"),
        ({"other": "a"}, TEXT, "'text' is missing"),
        ({"text": "a\ud800b"}, TEXT, "surrogate"),
        ({"text": "a\udcffb"}, TEXT, "not UTF-8: byte 0xff"),
        ({"text": "a\0b"}, TEXT, "NUL"),
        ({"prompt": "a", "completion": ""}, PAIR, "'completion' is empty"),
        ({"prompt": "a", "completion": []}, PAIR, "empty list"),
        ({"prompt": "a", "completion": ["b", 4]}, PAIR, r"completion\[1\]"),
        ({"messages": "hello"}, CHAT, "a text, not a list"),
        ({"messages": '[{"role": '}, CHAT, "begins like a list"),
        ({"messages": []}, CHAT, "empty list"),
        ({"messages": ["a"]}, CHAT, r"messages\[0\] is a text"),
        ({"messages": [{"content": "a"}]}, CHAT, "no role or from"),
        ({"messages": [{"role": "user"}]}, CHAT, "no content or value"),
        ({"messages": [{"role": "tool", "content": "a"}]}, CHAT, "'tool'"),
        ({"messages": [{"role": 3, "content": "a"}]}, CHAT, "'3'"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, CHAT, "image"),
        (_chat("user", "user"), CHAT, "turn 2 is by the user"),
        (_chat("assistant", "user"), CHAT, "turn 1 is by the assistant"),
        (_chat("user", "system", "assistant"), CHAT, "system message"),
        (_chat("user"), CHAT, "no answer"),
        (_chat("system"), CHAT, "no turns"),
        ({"chosen": "b", "rejected": "c"}, CHOICE, "no prompt"),
    ],
)
def test_bad_rows_have_reasons(values: dict[str, Any], like: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRow, match=reason):
        _contents(values, like)


def test_a_chat_without_answers_will_do_where_all_text_is_learned() -> None:
    assert len(_contents(_chat("user"), CHAT, loss_on="all")) == 1


def test_equal_rows_have_equal_keys() -> None:
    mapping = detect_mapping(DataSettings(), [{"prompt": "a", "completion": "b", "id": 1}], "f")

    def key(**values: Any) -> int:
        return content_key(Row("f", 1, values), mapping)

    assert key(prompt="a", completion="b", id=1) == key(id=2, completion="b", prompt="a")
    assert key(prompt="a", completion="b") != key(prompt="b", completion="a")
