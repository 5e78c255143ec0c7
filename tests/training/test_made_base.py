"""A made base is stored as a loaded one would be, and its batch is the one that the forecast counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten

from gemma_mlx.benchmarks.workload import Workload, model_config
from gemma_mlx.errors import AdapterError, TrainingError
from gemma_mlx.load import load_model
from gemma_mlx.models.config import parse_config, read_config
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training.forecast import memory_forecast
from gemma_mlx.training.made_base import check_trainable, made_base, made_batch
from gemma_mlx.training.planner import Rows
from gemma_mlx.weights.quantize import save_quantized
from tests.tiny import tiny_config, write_tiny_model
from tests.tiny_family import write_tiny_family
from tests.weights.bitsandbytes_files import write_nf4_model


def layout(model: Any) -> dict[str, tuple[Any, ...]]:
    return {name: (array.shape, array.dtype) for name, array in tree_flatten(model.parameters())}


FOUR = QuantizeSettings(bits=4, group_size=32)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "quantization", [None, FOUR, QuantizeSettings(mode="mxfp4"), QuantizeSettings(bits=8, embedding_bits=16)]
)
def test_it_is_stored_as_a_loaded_one(
    tmp_path: Path, dtype: str, quantization: QuantizeSettings | None
) -> None:
    folder = write_tiny_model(tmp_path / "tiny", "gemma3_text", dtype=dtype)
    made = made_base(read_config(folder), RunSettings(quantization=quantization))
    loaded = load_model(folder, quantization=quantization).model
    assert layout(made) == layout(loaded)
    assert [type(module) for _, module in made.named_modules()] == [
        type(module) for _, module in loaded.named_modules()
    ]


def test_what_lies_quantized_on_disk_stays_as_it_is(tmp_path: Path) -> None:
    full = write_tiny_model(tmp_path / "full", dtype="bfloat16")
    list(save_quantized(full, tmp_path / "stored", FOUR))
    config = read_config(tmp_path / "stored")
    for quantization in (None, QuantizeSettings(bits=8)):
        made = made_base(config, RunSettings(quantization=quantization))
        assert layout(made) == layout(load_model(tmp_path / "stored", quantization=quantization).model)


def test_nf4_is_kept_at_8_bit_or_quantized_as_asked(tmp_path: Path) -> None:
    folder = tmp_path / "nf4"
    write_nf4_model(folder)
    for quantization in (None, FOUR):
        made = made_base(read_config(folder), RunSettings(quantization=quantization))
        assert layout(made) == layout(load_model(folder, quantization=quantization).model)


def test_another_family_is_made_too(tmp_path: Path) -> None:
    folder = write_tiny_family(tmp_path / "qwen")  # with biases
    made = made_base(read_config(folder), RunSettings(quantization=FOUR))
    assert layout(made) == layout(load_model(folder, quantization=FOUR).model)


def test_a_large_base_takes_no_memory_until_it_is_used() -> None:
    before = mx.get_active_memory()
    model = made_base(model_config(Workload("gemma-2-2b", "equal", 1, 8, 8, 0.0, 1)), RunSettings())
    assert mx.get_active_memory() - before < 2**28
    mx.eval(model.model.layers[3].self_attn.k_proj.weight)
    assert float(mx.abs(model.model.layers[3].self_attn.k_proj.weight).max()) > 0


@pytest.mark.parametrize("layout_", ["packed", "padded"])
@pytest.mark.parametrize(
    "training",
    [{"batch_size": 3}, {"batch_size": 1}, {"tokens_per_batch": 256}, {"batch_size": 2, "objective": "orpo"}],
)
def test_the_batch_is_the_one_that_the_forecast_counts(layout_: str, training: dict[str, Any]) -> None:
    config = parse_config(tiny_config("gemma2"), "tiny")
    settings = RunSettings(
        data=DataSettings(max_length=64), training=TrainSettings(layout=layout_, **training)
    )
    rows = Rows(longest=100, mean=32, loss_share=0.25)
    batch = made_batch(config, settings, rows, settings.training.layout)  # type: ignore[arg-type]
    counted = memory_forecast(config, settings, longest=100, mean=32, loss_share=0.25, backend="cpu")
    assert batch.token_count == counted.batch_tokens
    assert batch.target_count == counted.loss_tokens
    assert (batch.segments is None) == (layout_ == "padded")


def test_what_cannot_be_trained_is_told_without_making_it() -> None:
    config = parse_config(tiny_config("gemma2"), "tiny")
    check_trainable(config, RunSettings(lora=LoraSettings(layers=[0, 99])))
    with pytest.raises(AdapterError):
        check_trainable(config, RunSettings(lora=LoraSettings(layers=[99])))
    with pytest.raises(TrainingError):
        check_trainable(config, RunSettings(quantization=FOUR, training=TrainSettings(method="full")))
