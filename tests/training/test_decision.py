"""How a run computes is measured before it begins, and stays so while it goes on, on any machine."""

from __future__ import annotations

from pathlib import Path

import mlx.nn as nn
import pytest

from gemma_mlx.errors import TrainingError
from gemma_mlx.settings import QuantizeSettings, TrainSettings
from gemma_mlx.training import decision, trainer
from gemma_mlx.training.calibration import Calibration
from gemma_mlx.training.decision import decide
from gemma_mlx.training.step import StepFunction
from tests.tiny import write_tiny_model
from tests.training.test_trainer import dataset, settings

__all__ = ["dataset"]


def rates(*, unpacks: bool) -> Calibration:
    return Calibration("key", "cpu", dense=3.0, quantized=1.0, dequantized=2.0 if unpacks else 0.5)


@pytest.mark.parametrize("unpacks", [True, False])
def test_products_are_those_that_are_faster_here_and_a_run_keeps_them(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, unpacks: bool
) -> None:
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    chosen = settings(model, dataset, steps=2).model_copy(
        update={"quantization": QuantizeSettings(bits=8, group_size=32)}
    )
    found = []

    def look(model: nn.Module, *arguments: object, **options: object) -> StepFunction:
        found.append(options["unpacked"])
        return StepFunction(model, *arguments, **options)

    monkeypatch.setattr(trainer, "StepFunction", look)
    monkeypatch.setattr(decision, "calibrate", lambda: rates(unpacks=unpacks))
    control = trainer.Control()
    for event in trainer.train(chosen, tmp_path / "run", control=control):
        if event.type == "metrics":
            control.request = "pause"
    monkeypatch.setattr(decision, "calibrate", lambda: pytest.fail("measured in the middle of a run"))
    list(trainer.train(chosen, tmp_path / "run", resume=True))
    assert found == [unpacks, unpacks]


def test_a_dense_base_is_not_measured(tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "calibrate", lambda: pytest.fail("measured for nothing"))
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    list(trainer.train(settings(model, dataset, steps=1), tmp_path / "run"))


@pytest.mark.parametrize("measured", ["packed", "padded"])
def test_a_gpu_takes_the_layout_that_was_measured_to_be_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: str
) -> None:
    monkeypatch.setattr(decision, "this_backend", lambda: "metal")
    monkeypatch.setattr(decision, "better_layout", lambda: measured)
    chosen = decide(TrainSettings(), nn.Linear(2, 2), {}, packs=True)
    assert (chosen.layout, chosen.compiled) == (measured, measured == "padded")


@pytest.mark.parametrize(
    ("plan", "packs", "alone", "backend"),
    [
        (TrainSettings(layout="packed"), True, True, "metal"),
        (TrainSettings(), False, True, "metal"),
        (TrainSettings(), True, False, "metal"),
        (TrainSettings(), True, True, "cpu"),
    ],
    ids=["named", "a family that cannot pack", "several machines", "a CPU"],
)
def test_nothing_is_measured_where_it_decides_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plan: TrainSettings,
    packs: bool,
    alone: bool,
    backend: str,
) -> None:
    monkeypatch.setattr(decision, "this_backend", lambda: backend)
    monkeypatch.setattr(decision, "better_layout", lambda: pytest.fail("measured for nothing"))
    chosen = decide(plan, nn.Linear(2, 2), {}, packs=packs, alone=alone)
    assert chosen.layout == ("packed" if packs and alone else "padded")


def test_a_run_keeps_its_layout_on_another_machine(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another layout is another order of the data: the run would not be the one that was begun."""
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    control = trainer.Control()
    for event in trainer.train(settings(model, dataset), tmp_path / "run", control=control):
        if event.type == "metrics":
            control.request = "pause"
    monkeypatch.setattr(decision, "this_backend", lambda: "metal")
    monkeypatch.setattr(decision, "better_layout", lambda: pytest.fail("measured in the middle of a run"))
    done = list(trainer.train(settings(model, dataset), tmp_path / "run", resume=True))[-1]
    assert done.type == "done"
    with pytest.raises(TrainingError, match=r"training\.layout"):
        list(trainer.train(settings(model, dataset, layout="padded"), tmp_path / "run", resume=True))
