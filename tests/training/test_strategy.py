"""Each backend gets its strategy, and a run trained by another strategy learns the same."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import pytest

from gemma_mlx.settings import QuantizeSettings, TrainSettings
from gemma_mlx.training import trainer
from gemma_mlx.training.calibration import Calibration
from gemma_mlx.training.step import StepFunction
from gemma_mlx.training.strategy import Strategy, choose, this_backend
from tests.tiny import write_tiny_model
from tests.training.test_trainer import dataset, losses, settings

__all__ = ["dataset"]


def test_gpus_compile_padded_rows_and_cpus_pack() -> None:
    plan = TrainSettings()
    assert choose(plan, "cpu") == Strategy("packed", compiled=False, unpacked=False)
    assert choose(plan, "metal") == Strategy("padded", compiled=True, unpacked=False)
    assert choose(plan, "cuda", unpacks=True) == Strategy("padded", compiled=True, unpacked=True)


def test_a_layout_that_is_named_is_kept() -> None:
    packed, padded = TrainSettings(layout="packed"), TrainSettings(layout="padded")
    assert choose(packed, "cuda") == Strategy("packed", compiled=False, unpacked=False)
    assert choose(padded, "cpu") == Strategy("padded", compiled=False, unpacked=False)


def test_this_machine_is_one_of_them() -> None:
    assert (this_backend() == "cpu") == (mx.default_device() == mx.Device(mx.cpu))


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
    monkeypatch.setattr(trainer, "calibrate", lambda: rates(unpacks=unpacks))
    control = trainer.Control()
    for event in trainer.train(chosen, tmp_path / "run", control=control):
        if event.type == "metrics":
            control.request = "pause"
    monkeypatch.setattr(trainer, "calibrate", lambda: pytest.fail("measured in the middle of a run"))
    list(trainer.train(chosen, tmp_path / "run", resume=True))
    assert found == [unpacks, unpacks]


def test_a_dense_base_is_not_measured(tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "calibrate", lambda: pytest.fail("measured for nothing"))
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    list(trainer.train(settings(model, dataset, steps=1), tmp_path / "run"))


@pytest.mark.parametrize("bits", [None, 8])
def test_a_gpu_s_strategy_learns_what_a_cpu_s_does(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, bits: int | None
) -> None:
    """All rows in one batch, so that both layouts take the same steps."""
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    chosen = settings(model, dataset, steps=3, batch_size=64, warmup_steps=0, evaluate_every=9)
    chosen = chosen.model_copy(update={"lora": chosen.lora.model_copy(update={"dropout": 0.0})})
    if bits is not None:
        chosen = chosen.model_copy(update={"quantization": QuantizeSettings(bits=bits, group_size=32)})
    found: dict[str, dict[int, float]] = {}
    # A quantized base computes in bfloat16, and MLX's quantized products on CPUs add up in it too.
    limit = 5e-6 if bits is None else 3e-3
    for backend in ("cpu", "cuda"):
        monkeypatch.setattr(trainer, "this_backend", lambda backend=backend: backend)
        monkeypatch.setattr(trainer, "calibrate", lambda on=backend: rates(unpacks=on == "cuda"))
        found[backend] = losses(list(trainer.train(chosen, tmp_path / backend)))
    assert found["cuda"] == pytest.approx(found["cpu"], rel=limit)
    assert found["cpu"][3] < found["cpu"][1]


def test_resuming_on_another_backend_is_refused_by_name(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another layout is another order of the data: the run would not be the one that was begun."""
    model = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    control = trainer.Control()
    for event in trainer.train(settings(model, dataset), tmp_path / "run", control=control):
        if event.type == "metrics":
            control.request = "pause"
    monkeypatch.setattr(trainer, "this_backend", lambda: "metal")
    with pytest.raises(trainer.TrainingError, match=r"identity\.layout"):
        list(trainer.train(settings(model, dataset), tmp_path / "run", resume=True))
    list(trainer.train(settings(model, dataset, layout="auto"), tmp_path / "other"))
