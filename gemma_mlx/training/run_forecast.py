"""A whole run before it starts: its rows are looked through, then memory, steps and time are forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gemma_mlx.data.prepare import prepare_dataset
from gemma_mlx.errors import TrainingError
from gemma_mlx.library.store import data_root, find_model
from gemma_mlx.models.config import read_config
from gemma_mlx.settings import RunSettings
from gemma_mlx.text.tokenizer import load_tokenizer
from gemma_mlx.training.calibration import calibrate
from gemma_mlx.training.forecast import Forecast, memory_forecast
from gemma_mlx.training.order import DataOrder
from gemma_mlx.training.planner import Rows, check_fits


@dataclass(frozen=True)
class RunForecast:
    """What a run takes. `tokens` counts those that are computed; `seconds` is what products alone take.

    `fix` names settings that fit, where these do not fit what is allowed.
    """

    forecast: Forecast
    rows: Rows
    steps: int
    tokens: int
    seconds: float
    fix: str = ""


def forecast_run(
    settings: RunSettings, allowed: int = 0, *, cancelled: Callable[[], bool] | None = None
) -> RunForecast:
    """The forecast of a run over its own rows; tokens are kept in the library's cache for the run itself.

    Raises:
        ModelError, TokenizerError, DatasetError: what the settings name cannot be used.
        Cancelled: `cancelled` returned True.
    """
    folder = find_model(Path(settings.model))
    config = read_config(folder)
    prepared = prepare_dataset(
        settings.data, load_tokenizer(folder, config), seed=settings.training.seed,
        cache_folder=data_root() / "cache", cancelled=cancelled,
    )  # fmt: skip
    lengths, split = prepared.train.lengths, prepared.report.train
    rows = Rows(int(lengths.max()), float(lengths.mean()), max(0.01, split.targets / max(1, split.tokens)))
    plan = settings.training
    steps = DataOrder(lengths.tolist(), plan, "padded" if plan.layout == "padded" else "packed").total_steps()
    machine = calibrate()
    found = memory_forecast(
        config, settings, longest=rows.longest, mean=rows.mean, loss_share=rows.loss_share,
        backend=machine.backend,
    )  # fmt: skip
    per_batch = plan.tokens_per_batch or round(plan.batch_size * rows.mean)
    tokens = steps * plan.accumulation * per_batch
    quantized = settings.quantization is not None or config.quantization is not None
    seconds = machine.seconds(found, quantized=quantized) * steps * min(1.0, per_batch / found.batch_tokens)
    fix = ""
    if allowed and found.total > allowed:
        try:
            check_fits(config, settings, rows, allowed, backend=machine.backend)
        except TrainingError as problem:
            fix = problem.fix
    return RunForecast(found, rows, steps, tokens, seconds, fix)
