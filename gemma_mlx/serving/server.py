"""A port of this machine and the web server on it, which ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable

import uvicorn

from gemma_mlx.errors import GemmaError
from gemma_mlx.serving.engine import Engine
from gemma_mlx.serving.guard import Guard

GRACE_SECONDS = 10.0
"""So long answers that are under way may go on after the first Ctrl-C."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound, so that a taken port is told before a model is loaded. Port 0: any.

    Raises:
        GemmaError: the address is not this machine's, or the port is taken or not ours to take.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as problem:
        raise GemmaError(
            "cannot-listen",
            f"The server cannot listen there: {problem.strerror or problem}.",
            where=f"{host}, port {port}",
            fix="Choose another port (--port), or end what uses this one.",
            kept="Nothing was started.",
        ) from None
    return bound


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(bound: socket.socket) -> str:
    """The base address that clients are given."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


class Server:
    """Serves until it is told to stop, by `stop` from any thread or by Ctrl-C on the main thread."""

    def __init__(
        self, app: Guard, engine: Engine, bound: socket.socket, *, grace: float = GRACE_SECONDS
    ) -> None:
        self.engine = engine
        self._bound = bound
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", http="h11", loop="asyncio",
            server_header=False, proxy_headers=False, timeout_graceful_shutdown=int(grace) + 5, backlog=512,
        )  # fmt: skip
        self._server = _GracefulServer(config, engine, grace)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves, and ends the engine afterwards. `ready` is called once connections are taken."""
        self._server.ready = ready
        before = None
        if threading.current_thread() is threading.main_thread():
            # uvicorn ends in good order and then raises the signal anew, which would kill us.
            before = signal.signal(signal.SIGTERM, lambda *_: None)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                self._server.run(sockets=[self._bound])
        finally:
            if before is not None:
                signal.signal(signal.SIGTERM, before)
            self.engine.stop()
            self._bound.close()

    def stop(self) -> None:
        """Begins the end. From any thread."""
        self._server.should_exit = True


class _GracefulServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, engine: Engine, grace: float) -> None:
        super().__init__(config)
        self.ready: Callable[[], None] = lambda: None
        self._engine = engine
        self._grace = grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers that take longer than the grace end with an error that says why."""
        late = asyncio.get_running_loop().call_later(self._grace, self._engine.end_all)
        try:
            await super().shutdown(sockets)
        finally:
            late.cancel()
