"""The routes: chat completions, whole or streamed, and the list of models."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gemma_mlx.errors import GemmaError
from gemma_mlx.inference.generate import prompt_ids
from gemma_mlx.inference.sampling import draw_seed
from gemma_mlx.inference.slots import Update
from gemma_mlx.serving.chat_request import ChatRequest, parse_chat
from gemma_mlx.serving.engine import Engine
from gemma_mlx.serving.errors import ApiError, from_gemma
from gemma_mlx.serving.guard import Guard, Rules
from gemma_mlx.serving.replies import DONE, FINISH, Reply, event, model_document, model_list
from gemma_mlx.serving.shelf import Shelf
from gemma_mlx.settings import SamplingSettings

BODY_SECONDS = 30.0
"""A client that takes longer to send its request is let go."""


@dataclass(frozen=True)
class Limits:
    """`body_bytes` of a request; `context_tokens` of a prompt and its answer together."""

    body_bytes: int
    context_tokens: int


def build_app(
    engine: Engine, shelf: Shelf, rules: Rules, limits: Limits, defaults: SamplingSettings
) -> Guard:
    """The whole application behind its guard. `defaults` are for what a request does not name."""
    started = int(time.time())

    async def models(_request: Request) -> Response:
        return JsonReply(model_list(shelf.names, started))

    async def model(request: Request) -> Response:
        return JsonReply(model_document(known(request.path_params["name"]), started))

    async def health(_request: Request) -> Response:
        return JsonReply({"status": "ok", "active": engine.active})

    async def chat(request: Request) -> Response:
        asked = parse_chat(await read_body(request, limits.body_bytes), defaults)
        known(asked.model)
        try:
            ids = await asyncio.to_thread(prompt_ids, shelf.loaded.tokenizer, asked.messages)
        except GemmaError as problem:
            raise from_gemma(problem) from None
        sampling = within(asked, len(ids), limits.context_tokens)
        answer = Answer(engine, asked.model, ids, sampling)
        reply = Reply(asked.model, shelf.loaded.fingerprint[:16])
        return AnswerResponse(answer, reply, stream=asked.stream, include_usage=asked.include_usage)

    def known(name: str) -> str:
        if name not in shelf.names:
            raise ApiError(
                404,
                f"There is no model {name[:200]!r} here. There are: {', '.join(shelf.names)}.",
                code="model_not_found",
                parameter="model",
            )
        return name

    routes = [
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/models/{name:path}", model, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
    ]
    handlers: Any = {ApiError: _api_error, HTTPException: _http_error, Exception: _unexpected}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), rules)


class JsonReply(Response):
    """A document. Escaped to ASCII, since names that a client sent may be no valid text."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


def within(asked: ChatRequest, prompt_tokens: int, context: int) -> SamplingSettings:
    """The request's sampling with an answer that ends where the context does.

    Raises:
        ApiError: the prompt, or the prompt with the answer that was asked for, is longer than the context.
    """
    room = context - prompt_tokens
    wanted = asked.wished_tokens or 1
    if wanted > room:
        raise ApiError(
            400,
            f"This model's context is {context} tokens, but {prompt_tokens + wanted} are asked for: "
            f"{prompt_tokens} in the messages and {wanted} for the answer.",
            code="context_length_exceeded",
            parameter="messages",
        )
    return asked.sampling.model_copy(update={"max_tokens": min(asked.sampling.max_tokens, room)})


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a request.

    Raises:
        ApiError: it is larger than the limit, or does not come.
    """
    too_large = ApiError(413, f"The request is larger than {limit} bytes.", code="request_too_large")
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > limit:
                    raise too_large
    except (TimeoutError, ClientDisconnect):
        raise ApiError(408, "The request did not come in full.", code="request_timeout") from None
    return bytes(body)


class Answer:
    """One request to the engine, as its updates come on the event loop."""

    def __init__(self, engine: Engine, name: str, ids: list[int], sampling: SamplingSettings) -> None:
        self.engine = engine
        self._updates: asyncio.Queue[Update | GemmaError] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def deliver(update: Update | GemmaError) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._updates.put_nowait, update)

        try:
            self.request = engine.submit(name, ids, sampling, draw_seed(sampling), deliver)
        except GemmaError as problem:
            raise from_gemma(problem) from None

    async def updates(self) -> AsyncIterator[Update]:
        """The updates, the last with a result.

        Raises:
            ApiError: the answer broke off.
        """
        while True:
            update = await self._updates.get()
            if isinstance(update, GemmaError):
                raise from_gemma(update)
            yield update
            if update.result is not None:
                return

    def cancel(self) -> None:
        """Frees the slot; the updates then end soon."""
        self.engine.cancel(self.request.key)


class AnswerResponse(Response):
    """Sends an answer, whole or in chunks, and frees its slot once the client has gone."""

    def __init__(self, answer: Answer, reply: Reply, *, stream: bool, include_usage: bool) -> None:
        self.answer = answer
        self.reply = reply
        self.stream = stream
        self.include_usage = include_usage
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch = asyncio.create_task(self._watch(receive))
        try:
            if self.stream:
                await self._stream(send)
            else:
                await self._whole(scope, receive, send)
        finally:
            watch.cancel()
            self.answer.cancel()  # nothing, where it has ended

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.answer.cancel()

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            *_, last = [update async for update in self.answer.updates()]
            assert last.result is not None
            response = JsonReply(self.reply.whole(last.result, self.answer.request.reused))
        except ApiError as problem:
            response = _error_reply(problem)
        await response(scope, receive, send)

    async def _stream(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for part in self._events():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _events(self) -> AsyncIterator[bytes]:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            return self.reply.chunk(delta, finish, include_usage=self.include_usage)

        yield chunk({"role": "assistant", "content": ""})
        try:
            async for update in self.answer.updates():
                if update.text:
                    yield chunk({"content": update.text})
                if update.result is not None:
                    yield chunk({}, FINISH[update.result["reason"]])
                    if self.include_usage:
                        yield self.reply.usage_chunk(update.result, self.answer.request.reused)
        except ApiError as problem:
            yield event(problem.document)
            return
        yield DONE


def _error_reply(problem: ApiError) -> JsonReply:
    headers = {"retry-after": "1"} if problem.status in (429, 503) else None
    return JsonReply(problem.document, problem.status, headers)


def _api_error(_request: Request, problem: ApiError) -> Response:
    return _error_reply(problem)


def _http_error(_request: Request, problem: HTTPException) -> Response:
    words = {404: "There is no such address here.", 405: "This address takes another method."}
    return _error_reply(ApiError(problem.status_code, words.get(problem.status_code, problem.detail)))


def _unexpected(_request: Request, problem: Exception) -> Response:
    return _error_reply(ApiError(500, f"This is a mistake in Gemma MLX: {type(problem).__name__}."))
