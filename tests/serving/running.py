"""A server on loopback inside the test's process, with a small model and its adapters."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten
from openai import OpenAI

from gemma_mlx.adapters.lora import add_lora, lora_modules, remove_lora
from gemma_mlx.adapters.peft import save_adapter
from gemma_mlx.events import Done
from gemma_mlx.inference.generate import generate
from gemma_mlx.serving.app import Limits, build_app
from gemma_mlx.serving.engine import Engine
from gemma_mlx.serving.guard import Rules
from gemma_mlx.serving.server import Server, address_of, listen
from gemma_mlx.serving.shelf import Shelf
from gemma_mlx.settings import LoraSettings, SamplingSettings
from gemma_mlx.text.chat_template import Message
from tests.inference.helpers import talkative

TOKEN = "a-token-of-the-tests"
GREEDY = SamplingSettings(temperature=0.0, max_tokens=12)


def write_adapter(folder: Path, seed: int = 0) -> Path:
    """An adapter of the small model that changes what it says."""
    model = talkative().model
    settings = LoraSettings(rank=4, alpha=32)
    add_lora(model, settings, seed)
    for index, (_, module) in enumerate(lora_modules(model)):
        key = mx.random.key(100 * seed + index)
        module.lora_B = mx.random.normal(module.lora_B.shape, key=key) * 0.3
    save_adapter(folder, model, settings, "tiny")
    remove_lora(model)
    return folder


def open_shelf(adapters: dict[str, Path] | None = None) -> Shelf:
    return Shelf("tiny", talkative(), adapters or {})


def said_alone(
    messages: list[Message], *, shelf: Shelf | None = None, name: str = "tiny", **changes: Any
) -> str:
    """What the model says to these messages when it is asked alone, without any server."""
    shelf = shelf or open_shelf()
    shelf.use(name)
    *_, done = generate(shelf.loaded, messages, GREEDY.model_copy(update=changes))
    shelf.use(shelf.base)
    assert isinstance(done, Done)
    return str(done.result["text"])


@dataclass
class Running:
    """A server that answers."""

    engine: Engine
    server: Server
    address: str
    clients: dict[str, OpenAI] = field(default_factory=dict)

    def client(self, token: str = TOKEN) -> OpenAI:
        """A client of this token; they are closed when the server ends."""
        if token not in self.clients:
            made = OpenAI(base_url=self.address, api_key=token, max_retries=0, timeout=60.0)
            self.clients.setdefault(token, made)
        return self.clients[token]


@contextmanager
def running(
    adapters: dict[str, Path] | None = None,
    *,
    slots: int = 16,
    waiting: int = 256,
    rules: Rules | None = None,
    limits: Limits | None = None,
    grace: float = 5.0,
) -> Iterator[Running]:
    """A server on a port of its own; it has ended when the block ends."""
    engine = Engine(lambda: open_shelf(adapters), slots=slots, waiting=waiting)
    shelf = engine.start()
    bound = listen("127.0.0.1", 0)
    address = address_of(bound)
    limits = limits or Limits(100_000, 2048)
    app = build_app(engine, shelf, rules or Rules(TOKEN), limits, GREEDY)
    server = Server(app, engine, bound, grace=grace)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,))
    thread.start()
    try:
        assert ready.wait(30)
        yield (served := Running(engine, server, address))
        for client in served.clients.values():
            client.close()
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


def weights_of(model: Any) -> dict[str, mx.array]:
    return dict(tree_flatten(model.parameters()))
