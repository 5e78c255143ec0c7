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


@pytest.mark.parametrize("kind", [Ours, Peer])
def test_a_conversation_goes_on_where_it_was(kind: type[Ours] | type[Peer]) -> None:
    """Turns end as one prompt that holds them: no token is lost or doubled, changed or said again."""
    side = kind(TINY)
    first = list(side.tokens(0, [2, 5, 9], 3))
    asked = len(side.held)
    second = list(side.tokens(asked, [7, 8], 3))
    again = list(side.tokens(asked, [7, 8], 3))
    edited = list(side.tokens(asked, [11, 4], 3))
    assert len(first) == 3 and again == second
    for turn, answer in (([7, 8], second), ([11, 4], edited)):
        side.start()
        assert list(side.tokens(0, [2, 5, 9, *first, *turn], 3)) == answer


def test_what_is_timed_is_reported() -> None:
    found = measure(Ours(TINY), TINY)
    assert found["prefill_tokens_per_second"] > 0 and found["decode_tokens_per_second"] > 0
    timed = [name for name in found if name.startswith("first_token")]
    assert len(timed) == 4 and all(found[name] > 0 for name in timed)


def test_both_programs_load_the_folder(tmp_path: Path) -> None:
    write_model(TINY, tmp_path / "model")
    assert load_seconds("ours", tmp_path / "model") > 0
    assert load_seconds("peer", tmp_path / "model") > 0
