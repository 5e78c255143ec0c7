"""Which batch, checkpointing and loss chunk fit a given memory, and what would fit where nothing does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gemma_mlx.errors import TrainingError
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import QuantizeSettings, RunSettings
from gemma_mlx.training.backend import Backend
from gemma_mlx.training.forecast import Forecast, base_bytes, memory_forecast

LARGEST_BATCH = 64
"""What is proposed at the most, where no larger one is asked for."""
SMALL_CHUNK = 32
ADAPTER = "train an adapter (method lora)"
_CUT_TO = 64
"""Lengths that are proposed are multiples of this."""


@dataclass(frozen=True)
class Rows:
    """The lengths of a dataset's rows, in tokens, and the share of tokens that carries loss."""

    longest: int
    mean: float
    loss_share: float = 0.5


@dataclass(frozen=True)
class Plan:
    """Settings that fit, what they will take, and what differs from the settings that were given."""

    settings: RunSettings
    forecast: Forecast
    changes: dict[str, Any]


def propose(
    config: ModelConfig,
    settings: RunSettings,
    rows: Rows,
    allowed: int,
    *,
    weight_bytes: int | None = None,
    backend: Backend = "gpu",
) -> Plan:
    """The largest batch that fits `allowed` bytes, up to 64 or the one asked for.

    Without checkpointing where the batch asked for fits so.

    Raises:
        TrainingError: "does-not-fit": not even one row fits; it says by how much, and which settings would.
    """
    asked = settings.training.batch_size
    size = weight_bytes or base_bytes(config, settings.quantization)
    for checkpointing, chunk, least in (
        (False, None, asked),
        (True, None, asked),
        (True, SMALL_CHUNK, asked),
        (False, None, 1),
        (True, None, 1),
        (True, SMALL_CHUNK, 1),
    ):
        if settings.training.gradient_checkpointing and not checkpointing:
            continue
        way = settings.with_training(
            tokens_per_batch=None,
            gradient_checkpointing=checkpointing,
            loss_chunk=chunk or settings.training.loss_chunk,
        )

        def needed(batch: int, way: RunSettings = way) -> int:
            changed = way.with_training(batch_size=batch)
            return _forecast(config, changed, rows, size, backend).total

        batch = _largest(least, max(LARGEST_BATCH, asked), lambda batch: needed(batch) <= allowed)
        if batch is not None:
            changed = way.with_training(batch_size=batch)
            found = _forecast(config, changed, rows, size, backend)
            return Plan(changed, found, differences(settings, changed))
    raise refusal(config, settings, rows, allowed, weight_bytes=weight_bytes, backend=backend)


def check_fits(
    config: ModelConfig,
    settings: RunSettings,
    rows: Rows,
    allowed: int,
    *,
    weight_bytes: int | None = None,
    backend: Backend = "gpu",
) -> Forecast:
    """The forecast of settings as they are.

    Raises:
        TrainingError: "does-not-fit": it says by how much, and which settings would.
    """
    found = _forecast(config, settings, rows, weight_bytes, backend)
    if found.total <= allowed:
        return found
    plan = propose(config, settings, rows, allowed, weight_bytes=weight_bytes, backend=backend)
    words = ", ".join(f"{name} {value}" for name, value in plan.changes.items())
    raise _refused(found.total, allowed, f"It fits with {words}.")


def refusal(
    config: ModelConfig,
    settings: RunSettings,
    rows: Rows,
    allowed: int,
    *,
    weight_bytes: int | None = None,
    backend: Backend = "gpu",
) -> TrainingError:
    """The error where not even one row fits: what is missing at the least, and what would fit."""
    least = settings.with_training(
        batch_size=1, tokens_per_batch=None, gradient_checkpointing=True, loss_chunk=SMALL_CHUNK
    )
    needed = _forecast(config, least, rows, weight_bytes, backend).total
    ways = []
    length = _longest_that_fits(config, least, rows, allowed, weight_bytes, backend)
    if settings.training.method == "full":
        lora = least.with_training(method="lora")
        if _forecast(config, lora, rows, weight_bytes, backend).total <= allowed:
            ways.append(ADAPTER)
    if length:
        ways.append(f"max_length {length}")
    if not ways:
        ways += _together(config, least, rows, allowed, weight_bytes, backend)
    way = " or ".join(ways)
    fix = f"One row at a time fits with: {way}." if way else "Choose a smaller model."
    return _refused(needed, allowed, fix)


def _together(
    config: ModelConfig,
    settings: RunSettings,
    rows: Rows,
    allowed: int,
    weight_bytes: int | None,
    backend: Backend,
) -> list[str]:
    """Several changes that only fit together, in words; none: not even they do."""
    said = []
    if settings.training.method == "full":
        settings, said = settings.with_training(method="lora"), [ADAPTER]
        if length := _longest_that_fits(config, settings, rows, allowed, weight_bytes, backend):
            return [f"{ADAPTER} and max_length {length}"]
    if settings.quantization is not None or config.quantization is not None:
        return []
    four = settings.model_copy(update={"quantization": QuantizeSettings(bits=4)})
    said.append("quantize the base (bits 4)")
    if _forecast(config, four, rows, None, backend).total <= allowed:
        return [" and ".join(said)]
    if length := _longest_that_fits(config, four, rows, allowed, None, backend):
        return [" and ".join([*said, f"max_length {length}"])]
    return []


def differences(before: RunSettings, after: RunSettings) -> dict[str, Any]:
    """What of the training settings changed, by name."""
    old, new = before.training.model_dump(), after.training.model_dump()
    return {name: new[name] for name in new if new[name] != old[name]}


def _largest(least: int, most: int, fits: Callable[[int], bool]) -> int | None:
    """The largest number from `least` to `most` that fits, where all below it do; None: not the least."""
    if not fits(least):
        return None
    low, high = least, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _forecast(
    config: ModelConfig, settings: RunSettings, rows: Rows, weight_bytes: int | None, backend: Backend
) -> Forecast:
    return memory_forecast(
        config, settings, longest=rows.longest, mean=rows.mean, loss_share=rows.loss_share,
        weight_bytes=weight_bytes, backend=backend,
    )  # fmt: skip


def _longest_that_fits(
    config: ModelConfig,
    settings: RunSettings,
    rows: Rows,
    allowed: int,
    weight_bytes: int | None,
    backend: Backend,
) -> int:
    """The longest row, a multiple of 64 below the present one, with which one row fits; 0: none does."""

    def fits(multiple: int) -> bool:
        length = multiple * _CUT_TO
        shorter = replace(rows, longest=length, mean=min(rows.mean, length))
        return _forecast(config, settings, shorter, weight_bytes, backend).total <= allowed

    most = (min(rows.longest, settings.data.max_length) - 1) // _CUT_TO
    return (_largest(1, most, fits) or 0) * _CUT_TO if most else 0


def _refused(needed: int, allowed: int, fix: str) -> TrainingError:
    return TrainingError(
        "does-not-fit",
        f"The run needs {needed / 1e9:.1f} GB at its peak, {(needed - allowed) / 1e9:.1f} GB more than the "
        f"{allowed / 1e9:.1f} GB that it may take.",
        where="memory",
        fix=fix,
        kept="Nothing was started.",
    )
