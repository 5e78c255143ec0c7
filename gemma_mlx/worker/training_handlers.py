"""Training in a run folder, and what it will cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gemma_mlx.errors import Cancelled
from gemma_mlx.events import Done
from gemma_mlx.library.hub_datasets import download_dataset, is_hub_name, parse_name, pinned
from gemma_mlx.training.memory import allowed_memory
from gemma_mlx.training.trainer import Control, Request, train
from gemma_mlx.worker import protocol
from gemma_mlx.worker.context import Answer, Context, result
from gemma_mlx.worker.machine import step_back, verdict
from gemma_mlx.worker.results import TrainingForecast


class _Wishes(Control):
    """The user's wishes as the trainer polls them."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def cancelled(self) -> Request:
        return self._context.wish()


def start(context: Context, command: protocol.StartTraining) -> Iterator[Answer]:
    """Train or resume; the machine stays awake meanwhile."""
    _stay_awake()
    step_back()
    folder, settings, control = Path(command.run_folder), command.settings, _Wishes(context)
    if is_hub_name(settings.data.dataset):
        name = parse_name(settings.data.dataset)
        for event in download_dataset(name, cancelled=lambda: bool(control.cancelled())):
            if not isinstance(event, Done):
                yield event
                continue
            if event.outcome == "stopped":
                raise Cancelled(kept="What was downloaded of the dataset.")
            settings = settings.with_data(dataset=str(pinned(name, event.result["commit"])))
    yield from train(settings, folder, resume=command.resume, control=control)


def forecast(context: Context, command: protocol.ForecastTraining) -> Iterator[Answer]:
    """Peak memory from shapes and the lengths of rows; time from this machine's measured products.

    The time is what the products take: a tiny model's steps take longer, for launching them costs more.
    """
    from gemma_mlx.library.store import find_model
    from gemma_mlx.models.config import read_config
    from gemma_mlx.text.tokenizer import load_tokenizer
    from gemma_mlx.training.calibration import calibrate
    from gemma_mlx.training.forecast import Forecast, memory_forecast
    from gemma_mlx.training.row_lengths import measure, rows_of, total_steps

    settings = command.settings
    folder = find_model(settings.model)
    config = read_config(folder)
    found = measure(settings, load_tokenizer(folder, config))
    context.check()
    if not len(found.lengths):
        yield result(command, TrainingForecast(peak_bytes=0, allowed_bytes=allowed_memory()))
        return
    rows = rows_of(settings, found.lengths)
    machine = calibrate()

    def forecast_of(longest: int) -> Forecast:
        return memory_forecast(config, settings, longest=longest, mean=rows.mean, backend=machine.backend)

    peak, usual = forecast_of(rows.longest).total, forecast_of(max(2, round(rows.mean)))
    steps = total_steps(config, settings, found) or 0
    quantized = settings.quantization is not None or config.quantization is not None
    # On the CPU the products that are measured, in bf16, say nothing of a run in fp32.
    timed = steps > 0 and machine.backend == "gpu"
    seconds = steps * machine.seconds(usual, quantized=quantized) if timed else None
    allowed = allowed_memory()
    yield result(
        command,
        TrainingForecast(
            peak_bytes=peak,
            allowed_bytes=allowed,
            verdict=verdict(peak, allowed),
            steps=steps,
            tokens=steps * usual.batch_tokens * settings.training.accumulation,
            seconds=seconds,
        ),
    )


def _stay_awake() -> None:
    """macOS: no idle sleep as long as this process lives. It ends by itself with us."""
    program = shutil.which("caffeinate") if sys.platform == "darwin" else None
    if program is not None:
        subprocess.Popen(
            [program, "-i", "-m", "-w", str(os.getpid())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
