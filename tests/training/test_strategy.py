"""Each backend gets its strategy, and a run trained by another strategy learns the same."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import pytest

from gemma_mlx.settings import QuantizeSettings, TrainSettings
from gemma_mlx.training import decision, trainer
from gemma_mlx.training.strategy import Strategy, choose, this_backend
from tests.tiny import write_tiny_model
from tests.training.test_decision import rates
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
        monkeypatch.setattr(decision, "this_backend", lambda backend=backend: backend)
        monkeypatch.setattr(decision, "better_layout", lambda: "padded")
        measured = rates(unpacks=backend == "cuda")
        monkeypatch.setattr(decision, "calibrate", lambda measured=measured: measured)
        found[backend] = losses(list(trainer.train(chosen, tmp_path / backend)))
    assert found["cuda"] == pytest.approx(found["cpu"], rel=limit)
    assert found["cpu"][3] < found["cpu"][1]
