"""The server as clients meet it, through the official openai client."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from gemma_mlx.serving.app import Limits
from gemma_mlx.text.chat_template import Message
from tests.serving.running import TOKEN, Running, open_shelf, running, said_alone, write_adapter

CLIENTS = 32


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("adapters") / "pirate")


@pytest.fixture(scope="module")
def served(adapter: Path) -> Iterator[Running]:
    with running({"pirate": adapter}) as server:
        yield server


def ask(server: Running, text: str = "Hello", **options: Any) -> Any:
    options = {"model": "tiny", "messages": [{"role": "user", "content": text}]} | options
    return server.client().chat.completions.create(**options)


def streamed(server: Running, text: str, **options: Any) -> tuple[str, list[Any]]:
    chunks = list(ask(server, text, stream=True, **options))
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), chunks


def test_an_answer_is_what_the_model_says_alone(served: Running) -> None:
    reply = ask(served, "How are you?")
    choice = reply.choices[0]
    assert choice.message.content == said_alone([Message("user", "How are you?")])
    assert (choice.message.role, choice.finish_reason, reply.model) == ("assistant", "length", "tiny")
    assert reply.usage.completion_tokens == 12
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + 12


def test_a_streamed_answer_is_the_same_in_parts(served: Running) -> None:
    text, chunks = streamed(served, "Tell me", stream_options={"include_usage": True})
    assert text == ask(served, "Tell me").choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant" and len(chunks) > 5
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:-1]] == ["length"]
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 12
    assert len({chunk.id for chunk in chunks}) == 1
    _, without = streamed(served, "Tell me")
    assert all(chunk.usage is None for chunk in without) and without[-1].choices[0].finish_reason == "length"


def test_a_stop_string_ends_an_answer_before_it(served: Running) -> None:
    whole = ask(served, "Go on").choices[0].message.content
    stop = whole[4:6]
    reply = ask(served, "Go on", stop=[stop]).choices[0]
    assert reply.message.content == whole[: whole.index(stop)] and reply.finish_reason == "stop"
    assert streamed(served, "Go on", stop=stop)[0] == reply.message.content


def test_a_seed_gives_the_same_answer_again(served: Running) -> None:
    first, second, other = (
        ask(served, temperature=1.5, top_p=0.99, seed=seed).choices[0].message.content for seed in (-7, -7, 8)
    )
    assert first == second != other


def test_the_length_of_an_answer_by_its_old_and_new_name(served: Running) -> None:
    assert ask(served, max_tokens=3).usage.completion_tokens == 3
    assert ask(served, max_completion_tokens=4).usage.completion_tokens == 4


def test_system_texts_and_parts_of_text_reach_the_model(served: Running) -> None:
    parts = [{"type": "text", "text": "How "}, {"type": "text", "text": "are you?"}]
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    said = ask(served, messages=messages).choices[0].message.content
    assert said == said_alone([Message("system", "Be brief."), Message("user", "How are you?")])


def test_adapters_are_models_and_the_base_stays_as_it_was(served: Running, adapter: Path) -> None:
    assert [model.id for model in served.client().models.list()] == ["tiny", "pirate"]
    assert served.client().models.retrieve("pirate").object == "model"
    shelf, asked = open_shelf({"pirate": adapter}), [Message("user", "Who are you?")]
    tuned = said_alone(asked, shelf=shelf, name="pirate")
    base = said_alone(asked)
    assert tuned != base
    for name, expected in (("pirate", tuned), ("tiny", base), ("pirate", tuned)):
        assert ask(served, "Who are you?", model=name).choices[0].message.content == expected


def test_32_clients_at_once_lose_nothing_and_hear_what_one_would(served: Running) -> None:
    """Streamed and whole, base and adapter, prompts of many lengths: all at once and then one by one."""

    def case(index: int) -> str:
        name = "pirate" if index % 4 == 3 else "tiny"
        text = f"Question {index}: " + "why " * (index % 7)
        if index % 2:
            return streamed(served, text, model=name)[0]
        return str(ask(served, text, model=name).choices[0].message.content)

    with ThreadPoolExecutor(CLIENTS) as pool:
        together = list(pool.map(case, range(CLIENTS)))
    assert together == [case(index) for index in range(CLIENTS)]
    assert len(set(together)) > CLIENTS // 2


def test_the_next_turn_of_a_chat_reads_only_what_is_new(served: Running) -> None:
    first: list[dict[str, str]] = [{"role": "user", "content": "Good morning to you, and to all."}]
    reply = ask(served, messages=first)
    second = [
        *first,
        {"role": "assistant", "content": reply.choices[0].message.content},
        {"role": "user", "content": "And now?"},
    ]
    again = ask(served, messages=second)
    assert again.usage.prompt_tokens_details.cached_tokens >= reply.usage.prompt_tokens - 1
    roles: list[Any] = [Message(each["role"], each["content"]) for each in second]  # type: ignore[arg-type]
    assert again.choices[0].message.content == said_alone(roles)


@pytest.mark.parametrize(
    ("options", "kind", "code", "parameter"),
    [
        ({"model": "../../etc/passwd"}, openai.NotFoundError, "model_not_found", "model"),
        ({"model": "/"}, openai.NotFoundError, "model_not_found", "model"),
        ({"temperature": -1}, openai.BadRequestError, "invalid_value", "temperature"),
        ({"top_p": 7}, openai.BadRequestError, "invalid_value", "top_p"),
        ({"max_tokens": 0}, openai.BadRequestError, "invalid_value", "max_tokens"),
        ({"max_tokens": 10**6}, openai.BadRequestError, "context_length_exceeded", "messages"),
        ({"n": 2}, openai.BadRequestError, "unsupported_parameter", "n"),
        ({"tools": [{"type": "function"}]}, openai.BadRequestError, "unsupported_parameter", "tools"),
        ({"extra_body": {"folder": "/etc"}}, openai.BadRequestError, "unknown_parameter", "folder"),
        ({"messages": []}, openai.BadRequestError, "invalid_value", "messages"),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            openai.BadRequestError, "invalid_value", "messages.0.role",
        ),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
            openai.BadRequestError, "chat-order", "messages",
        ),
        (
            {"messages": [{"role": "user", "content": "word " * 2000}]},
            openai.BadRequestError, "context_length_exceeded", "messages",
        ),
        (
            {"messages": [{"role": "user", "content": "word " * 40_000}]},
            openai.APIStatusError, "request_too_large", None,
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_by_its_name(
    served: Running, options: dict[str, Any], kind: type[Exception], code: str, parameter: str | None
) -> None:
    for stream in (False, True):
        with pytest.raises(kind) as refused:
            ask(served, **options, stream=stream)
        error = refused.value
        assert isinstance(error, openai.APIStatusError)
        assert (error.code, error.param) == (code, parameter), error.body
        assert isinstance(error.body, dict) and error.body["message"]
    assert ask(served).choices


def raw(server: Running, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    place = urlsplit(server.address)
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}"} | named)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text)


CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", CHAT, b"{", 400),
        ("POST", CHAT, b"[1]", 400),
        ("POST", CHAT, b"[" * 50_000, 400),
        ("POST", CHAT, b"\xff\xfe", 400),
        ("POST", CHAT, b'{"model": "\\ud800", "messages": [{"role": "user", "content": "a"}]}', 404),
        ("POST", CHAT, b'{"\\ud800": 1}', 400),
        ("POST", CHAT, b'{"model": "tiny", "seed": 1%s, "messages": []}' % (b"0" * 6000), 400),
        ("GET", CHAT, b"", 405),
        ("GET", "/v1/models/%2e%2e%2fetc", b"", 404),
        ("GET", "/", b"", 404),
        ("GET", "/v1/../../etc/passwd", b"", 404),
    ],
)
def test_nonsense_gets_an_error_of_the_apis_form(
    served: Running, method: str, path: str, body: bytes, status: int
) -> None:
    found, document = raw(served, method, path, body)
    assert found == status
    assert document["error"].keys() == {"message", "type", "param", "code"} and document["error"]["message"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"hot"', "[]", "1e400"])
def test_a_number_that_is_none_is_refused(served: Running, value: str) -> None:
    body = f'{{"model": "tiny", "temperature": {value}, "messages": [{{"role": "user", "content": "a"}}]}}'
    status, document = raw(served, "POST", CHAT, body.encode())
    assert status == 400 and document["error"]["param"] == "temperature"


def test_a_text_that_no_file_could_hold_is_answered(served: Running) -> None:
    body = b'{"model": "tiny", "messages": [{"role": "user", "content": "a \\ud800 \\u0000"}]}'
    status, document = raw(served, "POST", CHAT, body)
    assert status in (200, 400), document


def test_the_token_the_host_and_the_origin_are_asked_for(served: Running) -> None:
    with pytest.raises(openai.AuthenticationError):
        served.client(token="another").models.list()
    assert raw(served, "GET", "/v1/models", Authorization="Basic abc")[0] == 401
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""):
        status, document = raw(served, "GET", "/v1/models", Host=name)
        assert (status, document["error"]["code"]) == (403, "host_not_allowed"), name
    status, document = raw(served, "GET", "/v1/models", Origin="https://evil.example")
    assert (status, document["error"]["code"]) == (403, "origin_not_allowed")
    assert raw(served, "GET", "/v1/models", Host="localhost:99")[0] == 200


def test_a_client_that_goes_away_frees_its_slot() -> None:
    """Of both kinds: one that streams and one that waits for the whole. Their answers would take long."""
    with running(slots=2, waiting=2, limits=Limits(100_000, 100_000)) as server:
        place = urlsplit(server.address)
        body = {"model": "tiny", "messages": [{"role": "user", "content": "a"}], "max_tokens": 90_000}
        sockets = []
        for stream in (True, False, True, False):
            text = json.dumps({**body, "stream": stream}).encode()
            head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
            connection = socket.create_connection((place.hostname, place.port))
            connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(text) + text)
            sockets.append(connection)
        until(lambda: server.engine.active == 4)
        with pytest.raises(openai.RateLimitError) as refused:
            ask(server)
        assert refused.value.code == "server-busy" and refused.value.response.headers["retry-after"]
        for connection in sockets:
            connection.close()
        until(lambda: server.engine.active == 0)
        assert ask(server).choices[0].finish_reason == "length"


def test_answers_that_outlast_the_grace_end_with_an_error_when_the_server_ends() -> None:
    with running(slots=2, limits=Limits(100_000, 100_000), grace=0.2) as server:
        stream = ask(server, "Tell me all", stream=True, max_tokens=90_000)
        next(iter(stream))
        server.server.stop()
        with pytest.raises(openai.APIError) as broken:
            list(stream)
        assert "shutting down" in str(broken.value)


def test_answers_under_way_are_finished_when_the_server_ends() -> None:
    with running() as server:
        stream = ask(server, "Tell me", stream=True, max_tokens=40)
        next(iter(stream))
        server.server.stop()
        assert list(stream)[-1].choices[0].finish_reason == "length"


def until(condition: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
