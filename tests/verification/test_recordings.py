"""The committed recordings of PyTorch CUDA, replayed on this machine without torch: every case, first seed.

`make equivalence` replays all seeds and all sixty steps (tests/equivalence/test_recordings.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.verification import cases, compare
from gemma_mlx.verification.recording import Recording, read_recording, write_recording
from gemma_mlx.verification.report import failures, first_deviation
from tests.verification.replays import RECORDINGS, part, whole


@pytest.mark.parametrize("name", list(cases.BY_NAME))
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
    assert set(whole().cases) == set(cases.BY_NAME)
    assert sum(file.stat().st_size for file in RECORDINGS.iterdir()) < 10e6


def test_a_recording_survives_its_file(tmp_path: Path) -> None:
    made = Recording(
        {"cases": {"a": {"kind": "tiny"}}, "versions": {}}, {"a/x": np.arange(3, dtype=np.float32)}
    )
    write_recording(made, tmp_path / "new" / "one.recording")
    again = read_recording(tmp_path / "new" / "one.recording")
    assert again.cases == made.cases
    assert np.array_equal(again.of("a")["x"], [0, 1, 2])
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["one.recording"]


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "weights", "text"])
def test_what_is_no_recording_is_refused_in_words(damage: str, tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "x.recording"
    if damage == "empty":
        path.touch()
    elif damage == "cut":
        path.write_bytes((RECORDINGS / "tiny.safetensors").read_bytes()[:5000])
    elif damage == "weights":
        path.write_bytes((tiny_model / "model.safetensors").read_bytes())
    elif damage == "text":
        path.write_text("[1, 2]")
    with pytest.raises(ModelError) as problem:
        read_recording(path)
    assert problem.value.code in ("unreadable-recording", "not-a-recording")
    assert problem.value.where == str(path) and problem.value.fix
