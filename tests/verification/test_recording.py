"""A recording's file: it comes back as it was, and what is none is refused in words."""

from __future__ import annotations

import os
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from gemma_mlx.errors import ModelError
from gemma_mlx.verification.recording import Recording, read_recording, write_recording
from tests.verification.replays import RECORDINGS, part


def test_a_recording_survives_its_file(tmp_path: Path) -> None:
    made = Recording(
        {"cases": {"a": {"kind": "tiny"}}, "versions": {}}, {"a/x": np.arange(3, dtype=np.float32)}
    )
    write_recording(made, tmp_path / "new" / "one.recording")
    again = read_recording(tmp_path / "new" / "one.recording")
    assert again.cases == made.cases
    assert np.array_equal(again.of("a")["x"], [0, 1, 2])
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["one.recording"]


def test_what_was_lost_or_changed_since_is_told(tmp_path: Path) -> None:
    """Fewer arrays would make fewer rows, and all of them could pass."""
    path = tmp_path / "one.recording"
    write_recording(part("gemma2-resized"), path)
    with safe_open(path, "numpy") as file:
        manifest, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name in list(arrays):
        less = {key: array for key, array in arrays.items() if key != name}
        for changed in (less, {**arrays, name: arrays[name] + 1}, {**arrays, name: arrays[name] * np.nan}):
            save_file(changed, path, metadata=manifest)
            with pytest.raises(ModelError) as told:
                read_recording(path)
            assert told.value.code == "damaged-recording"
    save_file(arrays, path, metadata={"manifest": manifest["manifest"].replace("NVIDIA", "Nvidia")})
    with pytest.raises(ModelError, match="lost or changed"):
        read_recording(path)
    save_file(arrays, path, metadata=manifest)
    assert read_recording(path).cases


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_reference_that_is_not_finite_is_not_recorded(value: float, tmp_path: Path) -> None:
    array, manifest = np.array([1.0, value], np.float32), {"cases": {}, "versions": {}}
    for made in (Recording(manifest, {"a/x": array}), Recording({**manifest, "noise": value})):
        with pytest.raises(ModelError) as told:
            write_recording(made, tmp_path / "one.recording")
        assert told.value.code == "not-finite" and not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "weights", "bf16", "pipe", "text"])
def test_what_is_no_recording_is_refused_in_words(damage: str, tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "x.recording"
    if damage == "empty":
        path.touch()
    elif damage == "cut":
        path.write_bytes((RECORDINGS / "tiny.safetensors").read_bytes()[:5000])
    elif damage == "weights":
        path.write_bytes((tiny_model / "model.safetensors").read_bytes())
    elif damage == "bf16":  # numpy has no such numbers
        mx.save_safetensors(str(tmp_path / "x.safetensors"), {"a": mx.zeros((2,), mx.bfloat16)})
        (tmp_path / "x.safetensors").rename(path)
    elif damage == "pipe":
        os.mkfifo(path)
    elif damage == "text":
        path.write_text("[1, 2]")
    with pytest.raises(ModelError) as problem:
        read_recording(path)
    assert problem.value.code in ("unreadable-recording", "not-a-recording")
    assert problem.value.where == str(path) and problem.value.fix
