"""The sides of a generation measurement: both say the same, turn after turn; what is timed is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.benchmarks.generation import Generation, Ours, Peer, load_seconds, measure, write_model
from gemma_mlx.benchmarks.workload import SHAPES

TINY = Generation("tiny", bits=None, prompt=6, answer=3, turn=4, turns=2, turn_answer=2, vocabulary=64)


@pytest.fixture(autouse=True)
def tiny_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = {"hidden": 64, "inner": 64, "layers": 1, "heads": 2, "kv_heads": 1, "head_dim": 32}
    monkeypatch.setitem(SHAPES, "tiny", shape)


def test_a_conversation_goes_on_where_it_was() -> None:
    """Two turns end as one prompt that holds both: no token is lost or doubled between turns."""
    for kind in (Ours, Peer):
        side = kind(TINY)
        first = list(side.tokens([2, 5, 9], 3))
        second = list(side.tokens([7, 8], 3))
        side.start()
        again = list(side.tokens([2, 5, 9, *first, 7, 8], 3))
        assert len(first) == 3 and again == second, kind.__name__


def test_what_is_timed_is_reported() -> None:
    found = measure(Ours(TINY), TINY)
    assert found["prefill_tokens_per_second"] > 0 and found["decode_tokens_per_second"] > 0
    assert found["first_token_of_first_turn_seconds"] > 0 < found["first_token_of_last_turn_seconds"]


def test_both_programs_load_the_folder(tmp_path: Path) -> None:
    write_model(TINY, tmp_path / "model")
    assert load_seconds("ours", tmp_path / "model") > 0
    assert load_seconds("peer", tmp_path / "model") > 0
