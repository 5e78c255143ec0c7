"""The committed recordings of PyTorch CUDA, replayed on this machine without torch: every case, first seed.

`make equivalence` replays all seeds and all sixty steps (tests/equivalence/test_recordings.py).
"""

from __future__ import annotations

import pytest

from gemma_mlx.verification import cases, compare
from gemma_mlx.verification.report import failures, first_deviation
from tests.verification.replays import RECORDINGS, part, whole


@pytest.mark.parametrize("name", [case.name for case in cases.CASES])
def test_every_case_is_within_its_limits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "TRAIN_STEPS", 2)
    training = 2 if cases.BY_NAME[name].everything else None
    rows = list(compare.compare_tiny(part(name, lengths=cases.LENGTHS, training=training)))
    assert {row.precision for row in rows} == {"fp32", "bf16"}
    assert {f"logits, {length} tokens" for length in cases.LENGTHS} <= {row.quantity for row in rows}
    assert ("gradients" in {row.quantity for row in rows}) == (training is not None)
    assert not failures(rows), first_deviation(rows)


def test_they_were_made_on_cuda_and_are_small() -> None:
    assert "NVIDIA" in whole().manifest["device"] and "+cu" in whole().manifest["versions"]["torch"]
    assert set(whole().cases) == {case.name for case in cases.CASES}
    assert sum(file.stat().st_size for file in RECORDINGS.iterdir()) < 10e6
