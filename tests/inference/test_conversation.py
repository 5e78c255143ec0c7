"""Conversations given as plain messages, as the worker hands them over: reuse without a session."""

from __future__ import annotations

from typing import Any

import mlx.core as mx

from gemma_mlx.events import Done
from gemma_mlx.inference.conversation import ANSWERS_KEPT, Conversation
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message
from tests.inference.helpers import small_loaded, talkative

GREEDY = SamplingSettings(temperature=0.0, max_tokens=12)


def ask(conversation: Conversation, messages: list[Message], **rest: Any) -> dict[str, Any]:
    *_, last = conversation.answer(messages, GREEDY, **rest)
    assert isinstance(last, Done)
    return last.result


def test_messages_alone_are_enough_to_reuse_what_was_said() -> None:
    conversation = Conversation(talkative())
    messages = [Message("user", "Hello")]
    for _ in range(5):
        result = ask(conversation, messages)
        messages += [Message("assistant", result["text"]), Message("user", "Go on")]
    again = ask(conversation, messages)
    assert again["computed_prompt_tokens"] < 30 < again["prompt_tokens"]
    assert ask(conversation, messages)["computed_prompt_tokens"] == 1
    assert ask(conversation, messages)["ids"] == again["ids"]
    fresh = Conversation(conversation.loaded)
    for message in messages:
        if message.role == "assistant":
            fresh.remember(message.content, conversation.said(message.content))
    assert ask(fresh, messages)["ids"] == again["ids"]


def test_two_chats_that_take_turns_are_both_right() -> None:
    loaded = talkative()
    conversation = Conversation(loaded)
    first, second = [Message("user", "One")], [Message("user", "Two")]
    expected = [ask(Conversation(loaded), chat)["ids"] for chat in (first, second)]
    for _ in range(2):
        assert [ask(conversation, chat)["ids"] for chat in (first, second)] == expected


def test_continuing_an_answer_in_words_that_are_not_the_models() -> None:
    conversation = Conversation(small_loaded())
    begun = [Message("user", "Hello"), Message("assistant", "Well, ")]
    result = ask(conversation, begun, continue_last=True)
    held = conversation.prompts.ids[: result["prompt_tokens"]]
    tokenizer = conversation.loaded.tokenizer
    assert held[-6:] == tokenizer.encode("Well, ") and held.count(107) == 1


def test_the_first_tokens_of_a_text_stay_and_the_memory_is_bounded() -> None:
    conversation = Conversation(small_loaded())
    conversation.remember("A", [321])
    conversation.remember("A", [322])
    assert conversation.said("A") == [321]
    for index in range(ANSWERS_KEPT):
        conversation.remember(str(index), [300])
    assert conversation.said("A") == [] and conversation.said("0") == [300]


def test_an_answer_with_blanks_at_its_end_comes_back_stripped_and_is_known() -> None:
    conversation = Conversation(small_loaded())
    said = iter([*b"Hi! \n"])
    model = conversation.loaded.model
    head = model.head
    model.head = lambda hidden: mx.where(mx.arange(512) == next(said, 1 - 256) + 256, 9.0, 0.0)[None]
    first = ask(conversation, [Message("user", "Hello")])
    assert first["text"] == "Hi! \n" and first["reason"] == "end"
    assert conversation.said("Hi! \n") and conversation.said("Hi!")
    model.head = head
    follow = [Message("user", "Hello"), Message("assistant", "Hi! \n"), Message("user", "Next")]
    assert ask(conversation, follow)["computed_prompt_tokens"] < 30


def test_earlier_turns_are_not_encoded_again() -> None:
    loaded = talkative()
    backend, seen = loaded.tokenizer._backend, list[str]()
    encode = backend.encode
    backend.encode = lambda text: seen.append(text) or encode(text)
    conversation = Conversation(loaded)
    messages = [Message("user", "A first question")]
    messages.append(Message("assistant", ask(conversation, messages)["text"]))
    seen.clear()
    ask(conversation, [*messages, Message("user", "Next")])
    assert not any("first" in text or messages[1].content in text for text in seen)
    assert any("Next" in text for text in seen)
