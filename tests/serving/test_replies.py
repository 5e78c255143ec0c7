"""Documents and events have the form that the official client's types check."""

from __future__ import annotations

import json

from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gemma_mlx.serving.replies import Reply, model_document, model_list, usage

RESULT = {"text": "Rome. é", "tokens": 3, "prompt_tokens": 9, "reason": "end", "seed": 1, "ids": [1, 2, 3]}


def test_a_whole_answer() -> None:
    reply = ChatCompletion.model_validate(Reply("tiny", "abc").whole(RESULT, 4), strict=True)
    assert reply.choices[0].message.content == "Rome. é" and reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None and reply.usage.prompt_tokens_details is not None
    assert (reply.usage.total_tokens, reply.usage.prompt_tokens_details.cached_tokens) == (12, 4)


def test_the_events_of_a_stream() -> None:
    reply = Reply("tiny")
    events = [
        reply.chunk({"content": "Ro\nme"}, include_usage=True),
        reply.chunk({}, "length"),
        reply.usage_chunk(RESULT, 0),
    ]
    chunks = []
    for event in events:
        assert event.startswith(b"data: ") and event.endswith(b"\n\n") and event.count(b"\n") == 2
        chunks.append(ChatCompletionChunk.model_validate(json.loads(event[6:]), strict=True))
    assert chunks[0].choices[0].delta.content == "Ro\nme" and chunks[1].choices[0].finish_reason == "length"
    assert chunks[2].choices == [] and chunks[2].usage is not None
    assert {chunk.id for chunk in chunks} == {reply.id} and reply.id != Reply("tiny").id
    assert b'"usage": null' in events[0] and b"usage" not in events[1]


def test_models_and_usage() -> None:
    assert [Model.model_validate(each).id for each in model_list(["a", "b"], 7)["data"]] == ["a", "b"]
    assert model_document("a", 7)["created"] == 7
    assert usage(5, 2, 1)["total_tokens"] == 7
