"""Rows become examples in their order, on any number of cores."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gemma_mlx.data import tokenize
from gemma_mlx.data.columns import detect_mapping
from gemma_mlx.data.formats import Example
from gemma_mlx.data.rows import Entry, Row
from gemma_mlx.data.tokenize import tokenized
from gemma_mlx.errors import RowProblem, TokenizerError
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer
from tests.data.fake_tokenizer import ByteBackend, fake_tokenizer

SETTINGS = DataSettings.model_validate({})
MAPPING = detect_mapping(SETTINGS, [{"prompt": "a", "completion": "b"}], "f")


def _entries(count: int) -> Iterator[Entry]:
    for number in range(count):
        if number % 10 == 3:
            yield RowProblem("f", number, "unreadable")
        else:
            yield Row("f", number, {"prompt": f"q{number}", "completion": "" if number % 10 == 7 else "a"})


@pytest.mark.parametrize("cores", [1, 4])
def test_outcomes_come_in_the_order_of_rows(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    class Slow(ByteBackend):
        def encode(self, text: str) -> list[int]:
            time.sleep(0.001 if text.endswith("5") else 0)
            return super().encode(text)

    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    outcomes = list(tokenized(_entries(300), MAPPING, SETTINGS, Tokenizer(Slow())))
    assert [outcome.entry for outcome in outcomes] == list(_entries(300))
    for number, outcome in enumerate(outcomes):
        if number % 10 in (3, 7):
            assert outcome.problem is not None
            assert outcome.examples == []
        else:
            (example,) = outcome.examples
            assert isinstance(example, Example)
            assert example.text == f"q{number} → a"
            assert outcome.key


def test_rows_are_not_read_far_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    read = 0

    def counted() -> Iterator[Entry]:
        nonlocal read
        for entry in _entries(5000):
            read += 1
            yield entry

    outcomes = tokenized(counted(), MAPPING, SETTINGS, fake_tokenizer())
    for _ in range(100):
        next(outcomes)
    assert read < 150
    outcomes.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tokenize")]


def test_a_broken_tokenizer_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ByteBackend):
        def encode(self, text: str) -> list[int]:
            if "q78" in text:
                raise TokenizerError("no-chat-template", "broken")
            return super().encode(text)

    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    with pytest.raises(TokenizerError):
        list(tokenized(_entries(300), MAPPING, SETTINGS, Tokenizer(Broken())))


def test_a_strangers_template_is_never_rendered_beside_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is rendered in a forked child, and a process with threads must not fork."""
    template = "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    monkeypatch.setattr(os, "cpu_count", lambda: 4)

    def no_pool(*_: Any, **__: Any) -> None:
        raise AssertionError("threads beside a fork")

    monkeypatch.setattr(tokenize, "ThreadPoolExecutor", no_pool)
    tokenizer = Tokenizer(ByteBackend(), chat_template=template)
    outcomes = list(tokenized(_entries(50), MAPPING, SETTINGS, tokenizer))
    assert sum(len(outcome.examples) for outcome in outcomes) == 40
    (example,) = outcomes[0].examples
    assert isinstance(example, Example)
    assert tokenizer.decode(example.ids).endswith("[user] q0\n[assistant] a\n")


def test_roles_that_a_template_refuses_are_a_matter_of_the_row() -> None:
    template = "{{ raise_exception('no second turn') if messages | length > 2 }}" + (
        "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    )
    chat = [{"role": role, "content": "x"} for role in ("user", "assistant", "user", "assistant")]
    rows = [Row("f", n + 1, {"messages": chat[:turns]}) for n, turns in enumerate((2, 4, 2))]
    mapping = detect_mapping(SETTINGS, [rows[0].values], "f")
    outcomes = list(tokenized(rows, mapping, SETTINGS, Tokenizer(ByteBackend(), chat_template=template)))
    assert [outcome.problem is None for outcome in outcomes] == [True, False, True]
    assert outcomes[1].problem is not None
    assert outcomes[1].problem.line == 2
    assert "no second turn" in outcomes[1].problem.reason
