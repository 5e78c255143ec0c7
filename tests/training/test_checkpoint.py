"""Checkpoints: whole or absent, told apart from damaged ones, and enough to go on to the bit."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import pytest

from gemma_mlx.errors import TrainingError
from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.checkpoint import (
    MANIFEST,
    OPTIMIZER,
    PARAMETERS,
    STATE,
    TrainState,
    checkpoints,
    is_intact,
    newest_intact,
    prune,
    read_checkpoint,
    write_checkpoint,
)
from gemma_mlx.training.optimizer import Arrays, Optimizer


def trained(steps: int) -> tuple[Arrays, Optimizer]:
    optimizer = Optimizer(TrainSettings())
    parameters = {name: mx.ones((3, 2)) for name in ("b.lora_B", "a.lora_A")}
    for step in range(steps):
        gradients = {name: mx.random.normal((3, 2), key=mx.random.key(step)) for name in parameters}
        parameters = optimizer.update(parameters, gradients, 0.1)
    return parameters, optimizer


def write_note(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"what people use")


def write(run: Path, step: int) -> Path:
    parameters, optimizer = trained(step)
    state = TrainState(step=step, best_loss=1 / 3, best_step=1, tokens=7, seconds=0.1)
    return write_checkpoint(run, state, parameters, optimizer, write_note)


def test_what_is_read_is_what_was_written_in_the_models_order(tmp_path: Path) -> None:
    folder = write(tmp_path, 3)
    parameters, optimizer = trained(3)
    fresh = Optimizer(TrainSettings())
    state, read = read_checkpoint(folder, {name: mx.zeros((3, 2)) for name in parameters}, fresh)
    assert state == TrainState(step=3, best_loss=1 / 3, best_step=1, tokens=7, seconds=0.1)
    assert list(read) == list(parameters)
    assert all(mx.array_equal(read[name], parameters[name]) for name in parameters)
    assert fresh.steps == 3 and fresh.state().keys() == optimizer.state().keys()
    assert all(mx.array_equal(array, optimizer.state()[name]) for name, array in fresh.state().items())


@pytest.mark.parametrize("name", [PARAMETERS, OPTIMIZER, STATE, "adapter_model.safetensors"])
@pytest.mark.parametrize("harm", ["changed", "cut", "gone"])
def test_any_damage_is_seen_and_the_one_before_is_taken(tmp_path: Path, name: str, harm: str) -> None:
    write(tmp_path, 1)
    newest = write(tmp_path, 2)
    file = newest / name
    data = bytearray(file.read_bytes())
    if harm == "gone":
        file.unlink()
    else:
        data[-1] ^= 1
        file.write_bytes(data if harm == "changed" else data[: len(data) // 2])
    assert not is_intact(newest)
    found, damaged = newest_intact(tmp_path)
    assert found is not None and found.name == "step-000001" and damaged == [newest]


@pytest.mark.parametrize("text", ["", "{", "{}", '{"sha256": 3}', '{"sha256": {"absent": "00"}}'])
def test_a_broken_manifest_is_damage_too(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path, 1)
    (folder / MANIFEST).write_text(text)
    assert newest_intact(tmp_path) == (None, [folder])


def test_a_damaged_checkpoint_is_written_anew_and_a_good_one_is_left(tmp_path: Path) -> None:
    folder = write(tmp_path, 1)
    before = (folder / PARAMETERS).stat().st_ino
    assert write(tmp_path, 1) == folder and (folder / PARAMETERS).stat().st_ino == before
    (folder / STATE).unlink()
    assert is_intact(write(tmp_path, 1))


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    parameters, optimizer = trained(1)

    def fail(folder: Path) -> None:
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        write_checkpoint(tmp_path, TrainState(step=1), parameters, optimizer, fail)
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_only_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in range(1, 6):
        write(tmp_path, step)
    prune(tmp_path, 2, best_step=1)
    assert [path.name[-1] for path in checkpoints(tmp_path)] == ["1", "4", "5"]


def test_another_models_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, 1)
    other = {"a.lora_A": mx.zeros((4, 2)), "b.lora_B": mx.zeros((3, 2))}
    with pytest.raises(TrainingError) as caught:
        read_checkpoint(folder, other, Optimizer(TrainSettings()))
    assert caught.value.code == "checkpoint-of-another-model"


def test_a_run_without_checkpoints_has_no_newest(tmp_path: Path) -> None:
    assert newest_intact(tmp_path) == (None, [])
