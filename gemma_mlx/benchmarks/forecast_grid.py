"""The forecast against measured peaks and times: a grid of tiny shapes here, and the H200's recorded peaks.

`python -m gemma_mlx.benchmarks.forecast_grid time WORKLOAD_JSON` prints the forecast time of a step of a
workload of `gpu_grid`, as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from gemma_mlx.adapters.lora import add_lora
from gemma_mlx.benchmarks.workload import Workload, model_config
from gemma_mlx.data.batches import collate_packed
from gemma_mlx.data.formats import Example
from gemma_mlx.events import Done
from gemma_mlx.models.config import ModelConfig, parse_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training.backend import Backend, backend
from gemma_mlx.training.forecast import Forecast, memory_forecast
from gemma_mlx.training.memory import MemoryBounds, shorten_command_buffers
from gemma_mlx.training.optimizer import Optimizer
from gemma_mlx.training.planner import Rows
from gemma_mlx.training.step import StepFunction, to_inputs
from gemma_mlx.training.time_probe import probe

MOST_ERROR = 0.15
"""How far off a forecast may be."""

TIME_ROUNDS = 9
TIME_LAYERS = 12
"""Times are measured of at least so many layers, more than the probe takes of a kind."""

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
    window: int = 4096  # of every other layer

    @property
    def name(self) -> str:
        base = f"{self.bits} bit" if self.bits else "bf16"
        again = ", checkpointing" if self.checkpointing else ""
        window = f", window {self.window}" if self.window < self.length else ""
        return (
            f"D {self.hidden}, F {self.inner}, {self.layers} layers, V {self.vocabulary}, rank {self.rank}, "
            f"{self.rows} x {self.length}{window}, chunk {self.chunk}, {base}{again}"
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


def time_cases(*, quick: bool = False) -> list[Case]:
    """The grid with deeper models, and layers of two kinds that differ in what they take."""
    found = cases(quick=quick)
    if not quick:
        kind = Case(rows=1, length=512, layers=2, window=64)
        found += [kind, replace(kind, checkpointing=True)]
    return [replace(case, layers=max(TIME_LAYERS, 4 * case.layers)) for case in found]


def config_of(case: Case) -> ModelConfig:
    """A Gemma 2 of this shape."""
    return parse_config(
        {
            "model_type": "gemma2", "vocab_size": case.vocabulary, "hidden_size": case.hidden,
            "intermediate_size": case.inner, "num_hidden_layers": case.layers, "num_attention_heads": 4,
            "num_key_value_heads": 2, "head_dim": case.hidden // 4, "query_pre_attn_scalar": case.hidden // 4,
            "sliding_window": case.window,
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


def measured_time(case: Case) -> dict[str, Any]:
    """Seconds of a step of the whole model and those that the probe forecasts (`StepTime`), in turn."""
    rows = Rows(case.length, case.length, loss_share=1.0)
    work = probe(config_of(case), settings_of(case), rows, whole=True, least_rounds=TIME_ROUNDS)
    return next(event for event in work if isinstance(event, Done)).result


def time_rows(*, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Each case's time of a step on this machine, beside its forecast: medians, and of the error too."""
    for case in time_cases(quick=quick):
        found = measured_time(case)
        yield {
            "case": case.name, "where": f"this machine ({backend()})", "measured_seconds": found["measured"],
            "forecast_seconds": found["seconds_per_step"], "error": found["error"],
        }  # fmt: skip


def grid_rows(*, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Each case's peak measured on this machine, beside its forecast."""
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


def acceptance(rows: Sequence[dict[str, Any]]) -> str:
    """How many forecasts are as near as they have to be, and the farthest, in words."""
    within = sum(abs(row["error"]) <= MOST_ERROR for row in rows)
    farthest = max(rows, key=lambda row: abs(row["error"]))
    said = "accepted" if within == len(rows) else "not accepted"
    return (
        f"At most {MOST_ERROR:.0%} off: {within} of {len(rows)}, {said}; the farthest is "
        f"{farthest['error']:+.0%} ({farthest['case']}, {farthest['where']})."
    )


def forecast_seconds(workload: Workload) -> dict[str, float]:
    """The time of a step of a workload's whole model by the probe, as `sides.ours` computes it."""
    training = TrainSettings(
        batch_size=workload.batch_size, gradient_checkpointing=workload.checkpointing,
        loss_chunk=workload.loss_chunk, max_gradient_norm=None,
        layout="padded" if workload.compiled else "packed",
    )  # fmt: skip
    shorten_command_buffers(training)
    settings = RunSettings(
        quantization=None
        if workload.bits is None
        else QuantizeSettings.model_validate({"bits": workload.bits}),
        lora=LoraSettings(rank=workload.rank, alpha=workload.rank),
        data=DataSettings(max_length=workload.longest),
        training=training,
    )
    rows = Rows(workload.longest, workload.mean, loss_share=1 - workload.masked)
    work = probe(model_config(workload), settings, rows, unpacks=workload.unpack)
    done = next(event for event in work if isinstance(event, Done))
    return {"forecast_seconds": done.result["seconds_per_step"]}


def _row(name: str, where: str, peak: int, forecast: int) -> dict[str, Any]:
    return {
        "case": name, "where": where, "measured_bytes": peak, "forecast_bytes": forecast,
        "error": forecast / peak - 1,
    }  # fmt: skip


def main() -> None:
    assert sys.argv[1] == "time"
    sys.stdout.write(json.dumps(forecast_seconds(Workload(**json.loads(sys.argv[2])))) + "\n")


if __name__ == "__main__":
    main()
