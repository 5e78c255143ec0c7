"""The forecast against measured peaks: a grid of tiny shapes here, and the peaks that the H200 showed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from gemma_mlx.adapters.lora import add_lora
from gemma_mlx.benchmarks.workload import Workload, model_config
from gemma_mlx.data.batches import collate_packed
from gemma_mlx.data.formats import Example
from gemma_mlx.models.config import ModelConfig, parse_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training.backend import Backend, backend
from gemma_mlx.training.forecast import Forecast, memory_forecast
from gemma_mlx.training.memory import MemoryBounds
from gemma_mlx.training.optimizer import Optimizer
from gemma_mlx.training.step import StepFunction, to_inputs

H200_LEAST: tuple[tuple[str, int, int, bool, int | None, float], ...] = (
    # shape, rows, length, checkpointing, loss chunk, GB above the weights at the least: 4-bit base, rank 16
    # on all linear modules, compiled, MLX's memory limit at 1 % of the forecast, MLX 0.32.4. The factors are
    # fitted to these.
    ("gemma-2-2b", 1, 1024, True, None, 1.826), ("gemma-2-2b", 1, 2048, True, None, 2.095),
    ("gemma-2-2b", 1, 4096, True, None, 2.624), ("gemma-2-2b", 4, 1024, True, None, 2.624),
    ("gemma-2-2b", 1, 8192, True, None, 3.862), ("gemma-2-9b", 1, 2048, True, None, 3.529),
    ("gemma-2-27b", 1, 2048, True, None, 5.023), ("gemma-2-2b", 4, 1024, False, 1024, 15.217),
    ("gemma-2-2b", 4, 512, False, 1024, 9.110),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A tiny shape and batch."""

    hidden: int = 128
    inner: int = 512
    layers: int = 3
    vocabulary: int = 2048
    rows: int = 2
    length: int = 128
    checkpointing: bool = False
    bits: int | None = None
    chunk: int = 16
    rank: int = 8

    @property
    def name(self) -> str:
        base = f"{self.bits} bit" if self.bits else "bf16"
        again = ", checkpointing" if self.checkpointing else ""
        return (
            f"D {self.hidden}, F {self.inner}, {self.layers} layers, V {self.vocabulary}, rank {self.rank}, "
            f"{self.rows} x {self.length}, chunk {self.chunk}, {base}{again}"
        )


def cases(*, quick: bool = False) -> list[Case]:
    """The grid: lengths, batches, widths, depths, vocabularies, chunks and ranks."""
    kinds: list[dict[str, Any]] = [
        {"rows": 1, "length": 64}, {"rows": 2}, {"rows": 1, "length": 256},
        {"rows": 1, "length": 64, "bits": 4}, {"hidden": 256, "layers": 2},
        {"inner": 1024, "layers": 2}, {"inner": 256, "layers": 6},
        {"inner": 256, "layers": 2, "vocabulary": 8192, "chunk": 64},
        {"inner": 256, "layers": 2, "vocabulary": 8192}, {"inner": 256, "layers": 2, "rank": 64},
    ]  # fmt: skip
    if quick:
        kinds = kinds[:2]
    return [Case(**kind, checkpointing=again) for kind in kinds for again in (False, True)]


def config_of(case: Case) -> ModelConfig:
    """A Gemma 2 of this shape."""
    return parse_config(
        {
            "model_type": "gemma2", "vocab_size": case.vocabulary, "hidden_size": case.hidden,
            "intermediate_size": case.inner, "num_hidden_layers": case.layers, "num_attention_heads": 4,
            "num_key_value_heads": 2, "head_dim": case.hidden // 4, "query_pre_attn_scalar": case.hidden // 4,
        },
        "forecast grid",
    )  # fmt: skip


def settings_of(case: Case) -> RunSettings:
    """The run of a case."""
    return RunSettings(
        quantization=QuantizeSettings(bits=4) if case.bits else None,
        lora=LoraSettings(rank=case.rank),
        data=DataSettings(max_length=case.length),
        training=TrainSettings(
            batch_size=case.rows, gradient_checkpointing=case.checkpointing, loss_chunk=case.chunk
        ),
    )


def measured_peak(case: Case, *, least: bool = False) -> int:
    """Bytes above the weights at the peak of the second of two steps, held to the forecast as a run is.

    `least`: MLX waits at each operation, which shows what the forecast's factors are fitted to.
    """
    model = Decoder(config_of(case))
    model.set_dtype(mx.bfloat16)
    mx.eval(model.parameters())
    if case.bits:
        nn.quantize(model, 64, case.bits)
        mx.eval(model.parameters())
    mx.clear_cache()
    before = mx.get_active_memory()
    settings = settings_of(case)
    add_lora(model, settings.lora)
    step, optimizer = StepFunction(model, settings.training, None), Optimizer(settings.training)
    random = np.random.default_rng(0)
    mask = [False] + [True] * case.length
    rows = [
        Example(random.integers(3, case.vocabulary, case.length + 1).tolist(), mask, "grid", 1, "")
        for _ in range(case.rows)
    ]
    inputs, parameters = to_inputs(collate_packed(rows)), step.parameters()
    with MemoryBounds(settings.training, before, 1 if least else forecast_of(case, backend()).above_weights):
        for number in range(2):
            mx.reset_peak_memory()
            _, gradients = step.gradients(parameters, inputs, number, 0)
            parameters = optimizer.update(parameters, gradients, 1e-4)
            mx.eval(parameters, optimizer.state())
            step.assign(parameters)
            del gradients
        return mx.get_peak_memory() - before


def forecast_of(case: Case, on: Backend) -> Forecast:
    """What the forecast says of a case."""
    return memory_forecast(
        config_of(case), settings_of(case), longest=case.length, mean=case.length, loss_share=1, backend=on
    )


def grid_rows(*, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Each case measured on this machine, beside its forecast."""
    for case in cases(quick=quick):
        here, forecast = f"this machine ({backend()})", forecast_of(case, backend())
        yield _row(case.name, here, measured_peak(case), forecast.above_weights)
        least = measured_peak(case, least=True)
        yield _row(f"{case.name}, at the least", here, least, forecast.least_above_weights)


def recorded_rows() -> Iterator[dict[str, Any]]:
    """What the H200 took at the least beside the forecast of it, which a run's headroom comes on top of."""
    for shape, rows, length, checkpointing, chunk, gigabytes in H200_LEAST:
        config = model_config(Workload(shape, "equal", rows, length, length, 0.0, rows))
        settings = RunSettings(
            quantization=QuantizeSettings(bits=4),
            data=DataSettings(max_length=length),
            training=TrainSettings(batch_size=rows, gradient_checkpointing=checkpointing, loss_chunk=chunk),
        )
        found = memory_forecast(
            config, settings, longest=length, mean=length, loss_share=1, backend="gpu"
        ).least_above_weights
        again = ", checkpointing" if checkpointing else ""
        name = f"{shape}, {rows} x {length}{again}, at the least"
        yield _row(name, "H200 (recorded)", int(gigabytes * 1e9), found)


def _row(name: str, where: str, peak: int, forecast: int) -> dict[str, Any]:
    return {
        "case": name, "where": where, "measured_bytes": peak, "forecast_bytes": forecast,
        "error": forecast / peak - 1,
    }  # fmt: skip
