"""Tests of merging: the logits are those of base and adapter, and the loss of rounding is measured right."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import pytest

from gemma_mlx.adapters.lora import add_lora, lora_modules
from gemma_mlx.adapters.peft import save_adapter
from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done, Warning
from gemma_mlx.exchange.merge import save_merged
from gemma_mlx.load import load_model
from gemma_mlx.settings import LoraSettings, QuantizeSettings
from tests.tiny import write_tiny_model

IDS = mx.array([[2, 5, 9, 40, 7, 300, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]])


def write_adapter(folder: Path, base: Path, **settings: object) -> Path:
    """An adapter with random B, so that it changes something."""
    loaded = load_model(base)
    lora = LoraSettings.model_validate({"rank": 4, **settings})
    add_lora(loaded.model, lora)
    for index, (_, module) in enumerate(lora_modules(loaded.model)):
        module.lora_B = 0.05 * mx.random.normal(module.lora_B.shape, key=mx.random.key(index))
    save_adapter(folder, loaded.model, lora, str(base))
    return folder


def merged(base: Path, adapter: Path, target: Path, **options: object) -> tuple[Done, list[Warning]]:
    events = list(save_merged(base, adapter, target, **options))  # type: ignore[arg-type]
    assert isinstance(events[-1], Done)
    return events[-1], [event for event in events if isinstance(event, Warning)]


def distance(first: mx.array, second: mx.array) -> float:
    return float(mx.linalg.norm(first - second) / mx.linalg.norm(second))


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("settings", [{}, {"use_dora": True}, {"modules": ["q_proj"], "use_rslora": True}])
def test_fp32_logits_are_those_of_base_and_adapter(
    tmp_path: Path, generation: str, settings: dict[str, object]
) -> None:
    base = write_tiny_model(tmp_path / "base", generation)
    adapter = write_adapter(tmp_path / "adapter", base, **settings)
    done, warnings = merged(base, adapter, tmp_path / "merged", dtype="float32")
    together = load_model(tmp_path / "merged")
    beside = load_model(base, adapter=adapter)
    assert distance(together.model(IDS), beside.model(IDS)) < 5e-6
    assert distance(together.model(IDS), load_model(base).model(IDS)) > 1e-3
    assert not warnings and done.result["rounding"] < 1e-6
    assert together.config == beside.config


def test_a_quantized_base_is_merged_into_16_bit(tmp_path: Path) -> None:
    from gemma_mlx.weights.quantize import save_quantized

    full = write_tiny_model(tmp_path / "full", "gemma2", dtype="bfloat16")
    list(save_quantized(full, tmp_path / "base", QuantizeSettings(bits=4)))
    adapter = write_adapter(tmp_path / "adapter", tmp_path / "base")
    merged(tmp_path / "base", adapter, tmp_path / "merged", dtype="float32")
    together = load_model(tmp_path / "merged")
    assert together.config.quantization is None
    beside = load_model(tmp_path / "base", adapter=adapter, dtype="float32")
    assert distance(together.model(IDS), beside.model(IDS)) < 5e-6


def test_fewer_bits_lose_more_and_it_is_said(tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "base", "gemma2", dtype="bfloat16")
    adapter = write_adapter(tmp_path / "adapter", base)
    exact, _ = merged(base, adapter, tmp_path / "16")
    eight, warned = merged(base, adapter, tmp_path / "8", quantization=QuantizeSettings(bits=8))
    four, _ = merged(base, adapter, tmp_path / "4", quantization=QuantizeSettings(bits=4))
    assert exact.result["rounding"] < eight.result["rounding"] < four.result["rounding"]
    assert warned[0].code == "requantized-merge"
    assert load_model(tmp_path / "4").model(IDS).shape == (1, 20, 512)


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "base", "gemma2")
    adapter = write_adapter(tmp_path / "adapter", base)
    with pytest.raises(GemmaError) as refused:
        merged(base, adapter, base)
    assert refused.value.code == "folder-exists"
    assert load_model(base).model(IDS).shape == (1, 20, 512)


def test_closing_it_half_way_leaves_nothing(tmp_path: Path) -> None:
    base = write_tiny_model(tmp_path / "base", "gemma2")
    adapter = write_adapter(tmp_path / "adapter", base)
    work = save_merged(base, adapter, tmp_path / "merged")
    next(work)
    work.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "base"]
