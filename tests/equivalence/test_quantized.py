"""Quantized bases: a model in 4 bit is PyTorch's on the same dequantized weights, with and without LoRA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.load import load_model
from gemma_mlx.models.config import read_config
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.verification import cases, limits, measure, replay
from gemma_mlx.verification.quantized import dense_weights
from tests.tiny import write_tiny_model
from tests.weights.bitsandbytes_files import write_nf4_model

FORMATS = {
    "affine 4 bit": QuantizeSettings(bits=4, group_size=32),
    "affine 8 bit": QuantizeSettings(bits=8, group_size=64),
    "mxfp4": QuantizeSettings(mode="mxfp4"),
    "nvfp4": QuantizeSettings(mode="nvfp4"),
}
IDS = (np.arange(40) * 37 % 500 + 3).astype(np.int32)


def reference_of(folder: Path, weights: dict[str, mx.array]) -> Any:
    """PyTorch's model on what our quantized weights stand for."""
    import torch

    from gemma_mlx.verification import reference

    raw = {key: value for key, value in read_config(folder).raw.items() if "quantization" not in key}
    placed = {name: torch.from_numpy(replay.to_numpy(array)) for name, array in weights.items()}
    return reference.build_model(raw, placed)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
def test_a_quantized_base_with_lora_is_pytorchs(generation: str, name: str, tmp_path: Path) -> None:
    """QLoRA in fp32: logits, the loss, every gradient, against PEFT on the dequantized base."""
    from gemma_mlx.verification import reference

    folder = write_tiny_model(tmp_path / "model", generation)
    loaded = load_model(folder, quantization=FORMATS[name], dtype="float32")
    assert any("scales" in module for _, module in loaded.model.named_modules())
    model = reference_of(folder, dense_weights(loaded.model))
    ours, _ = replay.run(loaded.model, IDS)
    assert measure.relative(ours, reference.run(model, IDS)[0].numpy()) < limits.QUANTIZED

    raw = {key: value for key, value in loaded.config.raw.items() if "quantization" not in key}
    initial = cases.make_lora(raw, 0)
    options: dict[str, Any] = {"rank": cases.LORA_RANK, "alpha": cases.LORA_ALPHA}
    rows = cases.make_batches(0, 512)[0]
    loss, gold = reference.gradients_of(reference.add_lora(model, initial, **options), rows)
    loaded.model.freeze()
    replay.attach_lora(loaded.model, initial, **options)
    got, gradients = replay.Training(loaded.model).gradients(replay.make_batch(rows))
    assert abs(got / loss - 1) < limits.QUANTIZED
    every, worst, tensor = measure.compare_many(replay.adapter_values(gradients), gold)
    assert every < limits.GRADIENTS and worst < limits.WORST_GRADIENT, tensor


def test_an_nf4_checkpoint_is_bit_identical(tmp_path: Path) -> None:
    """Dequantized by PyTorch's operations (as bitsandbytes' kernel makes them) and by ours: the same bits."""
    import torch

    from gemma_mlx.verification import reference

    folder, expected = write_nf4_model(tmp_path / "nf4")
    loaded = load_model(folder, dtype="float32")
    ours = {name: replay.to_numpy(array) for name, array in dense_weights(loaded.model).items()}
    assert ours.keys() == expected.keys()
    differing = [name for name in expected if not np.array_equal(ours[name], expected[name])]
    assert not differing
    raw = {key: value for key, value in loaded.config.raw.items() if "quantization" not in key}
    model = reference.build_model(raw, {name: torch.from_numpy(array) for name, array in expected.items()})
    logits, _ = replay.run(loaded.model, IDS)
    assert measure.relative(logits, reference.run(model, IDS)[0].numpy()) < 5e-6
