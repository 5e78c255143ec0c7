"""What a client asks: the body of a chat completion, checked field by field, and our settings made of it.

What cannot be honoured is refused by its name rather than ignored; what only labels a request is ignored.
Reference: OpenAI's API, "Create chat completion".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import SettingsError
from gemma_mlx.serving.errors import ApiError
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message

MOST_MESSAGES = 4096
MOST_STOPS = 16

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
}  # fmt: skip

LABELS = {
    *("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "verbosity"),
    *("prompt_cache_retention", "parallel_tool_calls", "prediction"),
}
"""Fields that change no answer here: they are ignored."""

_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,), "logprobs": (False,), "top_logprobs": (0,), "frequency_penalty": (0,),
    "presence_penalty": (0,), "logit_bias": ({},), "tools": ([],), "tool_choice": ("none", "auto"),
    "functions": ([],), "function_call": ("none", "auto"), "response_format": ({"type": "text"},),
    "modalities": (["text"],),
}  # fmt: skip
"""Fields for what is not here, and the values with which they ask for nothing."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _TextPart(_Strict):
    type: Literal["text"]
    text: str


class _ChatMessage(_Strict):
    role: str
    content: str | list[_TextPart]
    name: str | None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    audio: None = None
    annotations: list[Any] | None = None


class _StreamOptions(_Strict):
    include_usage: bool = False
    include_obfuscation: bool = False


class _ChatRequest(_Strict):
    model: str
    messages: list[_ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = None
    top_p: float | None = None
    # Not OpenAI's, but known to many local servers.
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None


@dataclass(frozen=True)
class ChatRequest:
    """A checked request. `wished_tokens`: how long an answer it names, None where it leaves that to us."""

    model: str
    messages: list[Message]
    sampling: SamplingSettings
    stream: bool
    include_usage: bool
    wished_tokens: int | None


def parse_chat(body: bytes, defaults: SamplingSettings) -> ChatRequest:
    """The request that a body holds; what it does not name is as in `defaults`.

    Raises:
        ApiError: the body is no JSON object, or a field of it is unknown, wrong or cannot be honoured.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not JSON.", code="invalid_json") from None
    if not isinstance(document, dict):
        raise ApiError(400, "The body is not a JSON object.", code="invalid_json")
    try:
        asked = _ChatRequest.model_validate(_without_labels(document))
    except ValidationError as problem:
        raise _refused(problem) from None
    wished = asked.max_completion_tokens or asked.max_tokens
    return ChatRequest(
        asked.model,
        [_message(number, message) for number, message in enumerate(asked.messages)],
        _sampling(asked, wished, defaults),
        bool(asked.stream),
        asked.stream_options is not None and asked.stream_options.include_usage,
        wished,
    )


def _without_labels(document: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in document.items():
        if name in LABELS:
            continue
        if name in _NEUTRAL:
            if value is not None and value not in _NEUTRAL[name]:
                raise ApiError(
                    400, f"This server does not support {name}.", code="unsupported_parameter", parameter=name
                )
            continue
        kept[name] = value
    return kept


def _refused(problem: ValidationError) -> ApiError:
    """The first refused field, in words."""
    issue = problem.errors()[0]
    # pydantic names the members of a union too; they are no fields.
    place = [str(part)[:60] for part in issue["loc"] if part != "str" and not str(part).startswith("list[")]
    name = ".".join(place)
    if issue["type"] == "extra_forbidden":
        return ApiError(400, f"Unknown field: {name}.", code="unknown_parameter", parameter=name)
    if "content" in place:
        return ApiError(
            400, "Only text can be given as a message's content.", code="unsupported_content", parameter=name
        )
    return ApiError(400, f"{name}: {issue['msg']}.", code="invalid_value", parameter=name)


def _message(number: int, message: _ChatMessage) -> Message:
    role = _ROLES.get(message.role)
    if role is None:
        raise ApiError(
            400,
            f"The role {message.role[:40]!r} is not supported: use system, user or assistant.",
            code="invalid_value",
            parameter=f"messages.{number}.role",
        )
    content = message.content
    return Message(role, content if isinstance(content, str) else "".join(part.text for part in content))


def _sampling(asked: _ChatRequest, wished: int | None, defaults: SamplingSettings) -> SamplingSettings:
    stop = [asked.stop] if isinstance(asked.stop, str) else asked.stop
    if stop is not None and len(stop) > MOST_STOPS:
        raise ApiError(400, f"stop: at most {MOST_STOPS} texts.", code="invalid_value", parameter="stop")
    given = {
        "stop": stop,
        # OpenAI's seed is any 64-bit integer, ours has 63 bits.
        "seed": None if asked.seed is None else asked.seed % 2**63,
        "max_tokens": wished,
        **{
            name: getattr(asked, name)
            for name in ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
        },
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return check_settings(SamplingSettings, defaults.model_dump() | chosen, "the request")
    except SettingsError as problem:
        raise ApiError(
            400, f"{problem.what}.", code="invalid_value", parameter=problem.what.partition(":")[0]
        ) from None
