"""What a client is told: completions, chunks of a stream and the list of models, as OpenAI's API has them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

FINISH = {"end": "stop", "stop": "stop", "cancelled": "stop", "length": "length"}
"""Why an answer ended, in our words and in theirs."""

DONE = b"data: [DONE]\n\n"


def usage(prompt_tokens: int, answer_tokens: int, reused: int) -> dict[str, Any]:
    """How many tokens were read and said, and how many of those read were known already."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": answer_tokens,
        "total_tokens": prompt_tokens + answer_tokens,
        "prompt_tokens_details": {"cached_tokens": reused},
    }


@dataclass
class Reply:
    """One answer's name, model and time, which stand in each of its documents."""

    model: str
    fingerprint: str = ""
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, result: dict[str, Any], reused: int) -> dict[str, Any]:
        """The answer in one document, from what the engine tells of it."""
        message = {"role": "assistant", "content": result["text"], "refusal": None}
        choice = {
            "index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[result["reason"]],
        }  # fmt: skip
        counts = usage(result["prompt_tokens"], result["tokens"], reused)
        return self._document("chat.completion", [choice]) | {"usage": counts}

    def chunk(
        self, delta: dict[str, Any], finish: str | None = None, *, include_usage: bool = False
    ) -> bytes:
        """One event of a stream. With `include_usage` it says that the usage comes later."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        document = self._document("chat.completion.chunk", [choice])
        return event(document | {"usage": None} if include_usage else document)

    def usage_chunk(self, result: dict[str, Any], reused: int) -> bytes:
        """The last event of a stream that was asked for its usage."""
        counts = usage(result["prompt_tokens"], result["tokens"], reused)
        return event(self._document("chat.completion.chunk", []) | {"usage": counts})

    def _document(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint or None,
            "choices": choices,
        }


def event(document: dict[str, Any]) -> bytes:
    """A document as a server-sent event."""
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def model_document(name: str, started: int) -> dict[str, Any]:
    """One model, or one adapter, which is a model to clients."""
    return {"id": name, "object": "model", "created": started, "owned_by": "gemma-mlx"}


def model_list(names: Sequence[str], started: int) -> dict[str, Any]:
    """All names that can be asked for."""
    return {"object": "list", "data": [model_document(name, started) for name in names]}
