"""The engine's thread: what it answers, what it survives, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.errors import Cancelled, GemmaError, ModelError
from gemma_mlx.inference.generate import prompt_ids
from gemma_mlx.inference.slots import Update
from gemma_mlx.serving.engine import Busy, Engine, Stopped
from gemma_mlx.serving.shelf import Shelf
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message
from tests.inference.helpers import byte_tokenizer
from tests.serving.running import GREEDY, open_shelf, said_alone

LONG = GREEDY.model_copy(update={"max_tokens": 100_000})


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(open_shelf, slots=2, waiting=1)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    return engine._shelf


@dataclass
class Asked:
    """A request and its updates as they come."""

    key: int
    updates: SimpleQueue[Any]


def ask(engine: Engine, text: str = "Hello", sampling: SamplingSettings = GREEDY) -> Asked:
    ids = prompt_ids(byte_tokenizer(), [Message("user", text)])
    updates: SimpleQueue[Any] = SimpleQueue()
    return Asked(engine.submit("tiny", ids, sampling, 0, updates.put).key, updates)


def last(asked: Asked) -> Any:
    while True:
        update = asked.updates.get(timeout=30)
        if isinstance(update, GemmaError) or update.result is not None:
            return update


def test_what_loading_raises_is_raised_by_start() -> None:
    def fail() -> Shelf:
        raise ModelError("no-model", "There is none.")

    with pytest.raises(ModelError):
        Engine(fail).start()


def test_being_interrupted_while_the_models_load_ends_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that still computes when the program ends would abort it."""

    def load() -> Shelf:
        assert engine.left.wait(30)
        raise Cancelled

    def interrupted() -> Shelf:
        raise KeyboardInterrupt

    engine = Engine(load)
    monkeypatch.setattr(engine, "_opened", SimpleNamespace(get=interrupted, put=lambda _: None))
    with pytest.raises(KeyboardInterrupt):
        engine.start()
    assert not engine._thread.is_alive()


def test_all_work_on_the_model_happens_on_one_thread(engine: Engine, shelf: Shelf) -> None:
    seen = set()
    hidden = shelf.loaded.model.hidden

    def spied(*arguments: Any, **named: Any) -> Any:
        seen.add(threading.current_thread())
        return hidden(*arguments, **named)

    shelf.loaded.model.hidden = spied  # type: ignore[method-assign]
    for asked in [ask(engine, "a"), ask(engine, "b")]:
        assert last(asked).result["tokens"] == GREEDY.max_tokens
    assert seen == {engine._thread}


def test_more_than_it_keeps_are_refused_until_one_ends(engine: Engine) -> None:
    under_way = [ask(engine, sampling=LONG) for _ in range(3)]
    with pytest.raises(Busy):
        ask(engine)
    engine.cancel(under_way[0].key)
    assert last(under_way[0]).result["reason"] == "cancelled"
    late = ask(engine)
    for asked in under_way[1:]:
        engine.cancel(asked.key)
    assert last(late).result["text"] == said_alone([Message("user", "Hello")])
    engine.cancel(12345)  # nothing of that key: nothing happens
    assert engine.active == 0


def test_a_step_that_fails_ends_its_requests_and_the_next_are_answered(engine: Engine, shelf: Shelf) -> None:
    head = shelf.loaded.model.head
    broken: list[type[BaseException]] = [RuntimeError]

    def failing(hidden: mx.array) -> mx.array:
        if broken:
            raise broken.pop()("no memory")
        return head(hidden)

    shelf.loaded.model.head = failing  # type: ignore[method-assign]
    problem = last(ask(engine))
    assert isinstance(problem, GemmaError) and problem.code == "internal"
    assert last(ask(engine)).result["tokens"] == GREEDY.max_tokens


def test_logits_that_are_no_numbers_end_the_request_with_their_error(engine: Engine, shelf: Shelf) -> None:
    shelf.loaded.model.head = lambda hidden: mx.full((hidden.shape[0], 512), mx.nan)  # type: ignore[method-assign]
    assert last(ask(engine)).code == "not-finite"


def test_its_end_is_told_to_all_who_wait_and_nobody_is_taken_any_more() -> None:
    engine = Engine(open_shelf, slots=1)
    engine.start()
    waiting = [ask(engine, sampling=LONG) for _ in range(3)]
    assert isinstance(waiting[0].updates.get(timeout=30), Update)
    engine.stop()
    assert all(isinstance(last(asked), Stopped) for asked in waiting)
    with pytest.raises(Stopped):
        ask(engine)
