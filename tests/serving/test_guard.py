"""What of a request is looked at before anything else: host, origin, token."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gemma_mlx.serving.guard import Guard, Rules, host_allowed

TOKEN = "a-token-of-the-tests"
BEARER = f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8080", "LOCALHOST:1", "localhost.", "mac.local:8"),
        *("127.0.0.1:8080", "192.168.1.7", "[::1]:80", "[::1]"),
    ],
)  # fmt: skip
def test_addresses_localhost_and_names_that_were_given_are_ours(host: str) -> None:
    assert host_allowed(host, ["mac.local"])


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example"),
        *("x@localhost", "localhost:80:80", "localhost:evil", "[localhost]", "[::1].evil.example"),
        *("127.1.evil", "mac.local", "::1", "localhost:٣", "127.0.0.1 evil", "localhost/"),
    ],
)  # fmt: skip
def test_other_names_are_not(host: str) -> None:
    assert not host_allowed(host, [])


def ask(rules: Rules, *headers: tuple[str, str], method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body of the reply; the application behind the guard says 200 "inside"."""
    sent: list[Any] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})

    async def receive() -> Any:
        raise AssertionError("the guard reads no body")

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": method, "path": "/", "headers": pairs}
    asyncio.run(Guard(inside, rules)(scope, receive, send))  # type: ignore[arg-type]
    start, body = sent
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"]


HOST = ("host", "localhost:8080")


def code(reply: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    return reply[0], json.loads(reply[2])["error"]["code"]


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("authorization", TOKEN),),
        (("authorization", f"Basic {TOKEN}"),),
        (("authorization", f"{BEARER}x"),),
        (("authorization", "Bearer "),),
        (("authorization", "Bearer é"),),
        (("authorization", BEARER), ("authorization", BEARER)),
    ],
)
def test_without_the_token_nothing_is_reached(headers: tuple[tuple[str, str], ...]) -> None:
    reply = ask(Rules(TOKEN), HOST, *headers)
    assert code(reply) == (401, "invalid_api_key") and reply[1]["www-authenticate"] == "Bearer"


def test_with_the_token_it_is() -> None:
    assert ask(Rules(TOKEN), HOST, ("authorization", BEARER))[2] == b"inside"
    assert ask(Rules(TOKEN), HOST, ("authorization", f"bearer {TOKEN}"))[2] == b"inside"


def test_a_wrong_or_doubled_host_is_refused_before_the_token_is_looked_at() -> None:
    for hosts in ([], [("host", "evil.example")], [HOST, HOST]):
        assert code(ask(Rules(TOKEN), *hosts)) == (403, "host_not_allowed")


def test_a_page_is_refused_unless_its_origin_was_let_in() -> None:
    rules = Rules(TOKEN, origins=("http://localhost:3000",))
    for origin in (
        "https://evil.example",
        "null",
        "http://localhost:3001",
        "http://localhost:3000.evil.example",
    ):
        reply = ask(rules, HOST, ("authorization", BEARER), ("origin", origin))
        assert code(reply) == (403, "origin_not_allowed") and "access-control-allow-origin" not in reply[1]
    status, headers, body = ask(rules, HOST, ("authorization", BEARER), ("origin", "http://localhost:3000"))
    assert (status, body) == (200, b"inside")
    assert headers["access-control-allow-origin"] == "http://localhost:3000"
    assert ask(rules, HOST, ("origin", "http://localhost:3000"))[0] == 401


def test_a_browser_that_asks_first_is_told_what_it_may_send() -> None:
    rules = Rules(TOKEN, origins=("http://localhost:3000",))
    status, headers, _ = ask(
        rules,
        HOST,
        ("origin", "http://localhost:3000"),
        ("access-control-request-headers", "authorization,x-stainless-os"),
        method="OPTIONS",
    )
    assert status == 204 and headers["access-control-allow-headers"] == "authorization,x-stainless-os"
    assert ask(Rules(TOKEN), HOST, ("origin", "http://localhost:3000"), method="OPTIONS")[0] == 403
    assert ask(rules, HOST, method="OPTIONS")[0] == 401
