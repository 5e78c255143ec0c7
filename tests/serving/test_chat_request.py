"""A request's body becomes messages and settings, or an error that names the field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma_mlx.serving.chat_request import ChatRequest, parse_chat
from gemma_mlx.serving.errors import ApiError
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message

DEFAULTS = SamplingSettings(temperature=0.3, max_tokens=77, stop=["END"])
LEAST = {"model": "m", "messages": [{"role": "user", "content": "a"}]}


def parse(**fields: Any) -> ChatRequest:
    return parse_chat(json.dumps({**LEAST, **fields}).encode(), DEFAULTS)


def test_what_is_not_named_is_as_the_server_was_started() -> None:
    asked = parse(temperature=None, stop=None, seed=None)
    assert asked == ChatRequest("m", [Message("user", "a")], DEFAULTS, False, False, None)


def test_fields_become_settings() -> None:
    asked = parse(
        temperature=1, top_p=0.5, top_k=3, min_p=0.1, repetition_penalty=1.2, seed=-1, stop="x",
        max_tokens=5, max_completion_tokens=6, stream=True, stream_options={"include_usage": True},
    )  # fmt: skip
    assert asked.sampling == SamplingSettings(
        temperature=1, top_p=0.5, top_k=3, min_p=0.1, repetition_penalty=1.2, seed=2**63 - 1, stop=["x"],
        max_tokens=6,
    )  # fmt: skip
    assert (asked.stream, asked.include_usage, asked.wished_tokens) == (True, True, 6)
    assert parse(stop=["a", "b"]).sampling.stop == ["a", "b"] and parse(stop=[]).sampling.stop == []


def test_labels_and_wishes_for_nothing_are_taken() -> None:
    parse(user="me", metadata={"a": 1}, n=1, tools=[], logprobs=False, presence_penalty=0, logit_bias=None)
    parse(response_format={"type": "text"}, tool_choice="auto", store=True)


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"n": 3}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"adapter": "/somewhere"}, "adapter"),
        ({"messages": "a"}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"messages": [{"role": "robot", "content": "a"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "a", "path": "b"}]}, "messages.0.path"),
        ({"model": 3}, "model"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"stream_options": {"x": 1}}, "stream_options.x"),
        ({"min_p": 2}, "min_p"),
        ({"temperature": 9}, "temperature"),
    ],
)
def test_a_refused_field_is_named(fields: dict[str, Any], parameter: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(**fields)
    assert (refused.value.status, refused.value.parameter) == (400, parameter)


def test_pictures_are_refused_in_words() -> None:
    content = [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]
    with pytest.raises(ApiError) as refused:
        parse(messages=[{"role": "user", "content": content}])
    assert refused.value.code == "unsupported_content" and "Only text" in refused.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "model",
    "messages",
    "stop",
    "seed",
    "temperature",
    "stream",
    "stream_options",
    "max_tokens",
    "tools",
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_whatever_comes_is_a_request_or_an_api_error(document: Any) -> None:
    fields = {**LEAST, **document} if isinstance(document, dict) else document
    try:
        parse_chat(json.dumps(fields).encode(), DEFAULTS)
    except ApiError as problem:
        assert problem.status == 400 and problem.message
