"""Tests of evaluation: weighted by tokens, independent of the batches, and stopped when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.data.formats import Example
from gemma_mlx.errors import Cancelled
from gemma_mlx.events import Done, Progress
from gemma_mlx.load import Loaded, load_model
from gemma_mlx.training.evaluation import evaluate, perplexity
from tests.tiny_family import write_tiny_family


def example(length: int, targets: int, row: int) -> Example:
    ids = [2, *(3 + (7 * row + i) % 400 for i in range(length - 1))]
    return Example(ids, [i >= length - targets for i in range(length)], "rows", row, "")


EXAMPLES = [example(5 + 3 * row, 1 + row, row) for row in range(9)]


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Loaded:
    return load_model(tiny_model)


def result(loaded: Loaded, examples: list[Example], **options: int) -> dict[str, float]:
    last = list(evaluate(loaded, examples, **options))[-1]  # type: ignore[arg-type]
    assert isinstance(last, Done)
    return last.result


def test_every_token_weighs_the_same(loaded: Loaded) -> None:
    whole = result(loaded, EXAMPLES)
    parts = [result(loaded, [each]) for each in EXAMPLES]
    assert whole["tokens"] == sum(part["tokens"] for part in parts) == sum(range(1, 10))
    mean = sum(part["loss"] * part["tokens"] for part in parts) / whole["tokens"]
    assert whole["loss"] == pytest.approx(mean, rel=5e-6)
    assert whole["rows"] == 9


def test_the_batches_change_nothing(loaded: Loaded) -> None:
    assert result(loaded, EXAMPLES, tokens_per_batch=32)["loss"] == pytest.approx(
        result(loaded, EXAMPLES)["loss"], rel=5e-6
    )


def test_progress_counts_every_row(loaded: Loaded) -> None:
    counts = [
        event for event in evaluate(loaded, EXAMPLES, tokens_per_batch=32) if isinstance(event, Progress)
    ]
    assert counts[-1].done == counts[-1].total == 9


def test_it_stops_when_asked(loaded: Loaded) -> None:
    with pytest.raises(Cancelled):
        list(evaluate(loaded, EXAMPLES, cancel=lambda: True))


def test_perplexity_stays_finite() -> None:
    assert perplexity(0.0) == 1.0
    assert perplexity(1e6) < float("inf")


def test_rows_of_a_family_that_cannot_pack_are_padded(tmp_path: Path) -> None:
    qwen = load_model(write_tiny_family(tmp_path / "qwen"))
    assert not qwen.config.packs
    whole = result(qwen, EXAMPLES)
    parts = [result(qwen, [each]) for each in EXAMPLES]
    mean = sum(part["loss"] * part["tokens"] for part in parts) / whole["tokens"]
    assert whole["loss"] == pytest.approx(mean, rel=5e-6)


def test_the_model_answers_again_afterwards(loaded: Loaded) -> None:
    result(loaded, EXAMPLES[:2])
    assert not loaded.model.training
