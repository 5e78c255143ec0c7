"""Who may ask: the Host and Origin of a request and its token, looked at before anything else.

A page in a browser can reach a server on loopback, by rebinding a name of its own to 127.0.0.1 or by a plain
cross-origin request. Its Host then is a name that is not ours, or it sends an Origin.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gemma_mlx.serving.errors import ApiError


@dataclass(frozen=True)
class Rules:
    """What is let in. `hosts`: names besides addresses and localhost; `origins`: of browsers' pages."""

    token: str
    hosts: Collection[str] = field(default=())
    origins: Collection[str] = field(default=())


class Guard:
    """ASGI around the application. Requests that break a rule get an error and never reach it."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = _Headers(scope)
        try:
            origin = self._check_places(headers)
        except ApiError as problem:
            await _reply(send, problem.status, problem.document)
            return
        if origin is not None:
            send = _with_headers(send, [(b"access-control-allow-origin", origin), (b"vary", b"origin")])
            if scope["method"] == "OPTIONS":
                await _preflight(headers, send)
                return
        try:
            self._check_token(headers)
        except ApiError as problem:
            await _reply(send, problem.status, problem.document, [(b"www-authenticate", b"Bearer")])
            return
        await self.app(scope, receive, send)

    def _check_places(self, headers: _Headers) -> bytes | None:
        """The origin of a page that is let in, None where no page asks."""
        host = headers.only(b"host")
        if host is None or not host_allowed(host.decode("latin-1"), self.rules.hosts):
            raise ApiError(
                403,
                "This server is not known by the name in the Host header. Ask for localhost, or start it "
                "with --allow-host NAME.",
                code="host_not_allowed",
            )
        origins = headers.all(b"origin")
        if not origins:
            return None
        if len(origins) > 1 or origins[0].decode("latin-1") not in self.rules.origins:
            raise ApiError(
                403,
                "Pages of this origin may not use the server. Start it with --allow-origin to let one in.",
                code="origin_not_allowed",
            )
        return origins[0]

    def _check_token(self, headers: _Headers) -> None:
        kind, _, token = (headers.only(b"authorization") or b"").partition(b" ")
        if kind.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self.rules.token.encode()):
            raise ApiError(
                401,
                "The token is missing or wrong. Send the one that the server showed at its first start as "
                "Authorization: Bearer TOKEN.",
                code="invalid_api_key",
            )


def host_allowed(host: str, names: Collection[str]) -> bool:
    """Whether a Host header is ours. An address cannot be rebound, so any is; of names only those given."""
    bracketed = host.startswith("[")
    name, _, port = host[1:].partition("]") if bracketed else host.partition(":")
    port = port.removeprefix(":") if bracketed else port
    if port and not (port.isascii() and port.isdigit()):
        return False
    try:
        ipaddress.ip_address(name)
        return True
    except ValueError:
        return not bracketed and name.rstrip(".").lower() in {"localhost", *(each.lower() for each in names)}


class _Headers:
    """The headers of a request, with how often each stands there."""

    def __init__(self, scope: Scope) -> None:
        self._pairs: list[tuple[bytes, bytes]] = list(scope["headers"])

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self._pairs if key.lower() == name]

    def only(self, name: bytes) -> bytes | None:
        """Its value; None where it is missing or stands there twice."""
        found = self.all(name)
        return found[0] if len(found) == 1 else None


async def _preflight(headers: _Headers, send: Send) -> None:
    allowed = [
        (b"access-control-allow-methods", b"GET, POST"),
        (
            b"access-control-allow-headers",
            headers.only(b"access-control-request-headers") or b"authorization",
        ),
        (b"access-control-max-age", b"600"),
    ]
    if headers.only(b"access-control-request-private-network") == b"true":
        allowed.append((b"access-control-allow-private-network", b"true"))
    await send({"type": "http.response.start", "status": 204, "headers": allowed})
    await send({"type": "http.response.body", "body": b""})


def _with_headers(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return sending


async def _reply(
    send: Send, status: int, document: dict[str, Any], more: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = json.dumps(document).encode()
    headers = [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(more or []),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
