"""The time of a step before a run: measured on stacks of a few layers, and carried over to all of them.

Each stack has the whole vocabulary, the run's rows, its adapter and its optimizer. What a kind of layer takes
is how much longer a stack takes that has some more of that kind; the rest of a step is the same at any depth.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten

from gemma_mlx.adapters.lora import DropoutKey, add_lora, lora_modules
from gemma_mlx.data.batches import Batch
from gemma_mlx.errors import TrainingError
from gemma_mlx.events import Done, Event, Progress
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import RunSettings
from gemma_mlx.training.backend import backend
from gemma_mlx.training.calibration import calibrate
from gemma_mlx.training.decision import measured_layout
from gemma_mlx.training.forecast import Forecast, memory_forecast
from gemma_mlx.training.made_base import made_base, made_batch, rows_longest, schemes_of
from gemma_mlx.training.memory import MemoryBounds, allowed_memory
from gemma_mlx.training.objective import check_full
from gemma_mlx.training.optimizer import Arrays, Optimizer, clip_gradients, learning_rate_at
from gemma_mlx.training.planner import Rows
from gemma_mlx.training.step import StepFunction, to_inputs
from gemma_mlx.training.strategy import Strategy, choose, this_backend

STAGE = "Measuring a step"
LEAST_MORE, MOST_MORE = 4, 8
"""Layers of a kind that a stack has more than the shallowest. What disturbs a measurement counts less with
more of them, and few layers' arrays lie in a CPU's cache: 3 layers let 16 seem 9 % faster, 6 layers 4 %.
"""
WARM_UP, LEAST_ROUNDS, MOST_ROUNDS = 1, 3, 25
LEAST_SECONDS = 4.0
"""Short steps are repeated for about so long."""


@dataclass(frozen=True)
class Kind:
    """What layers may differ in that costs time: the window that counts, the adapter, and the way back."""

    window: int | None
    adapted: tuple[tuple[str, int], ...]  # modules and their ranks
    below: bool  # all that is trained lies above: nothing is computed backward

    @property
    def words(self) -> str:
        window = f"window {self.window}" if self.window else "sees all"
        return window + (", below the adapter" if self.below else "" if self.adapted else ", not adapted")


@dataclass(frozen=True)
class Stack:
    """Layers of the model, by index, that are measured as a model; how often their time counts in the sum."""

    layers: tuple[int, ...]
    factor: float
    name: str


@dataclass(frozen=True)
class StepTime:
    """Seconds of a step of the whole model; `stacks` are what it is made of: name, layers, factor, seconds.

    What disturbs a machine lasts longer than one step, so a round of all stacks gives a time, and the median
    of the rounds counts. `measured` are the seconds that the whole model took, where it was one of them, and
    `error` how far off the time is by the median of the rounds' own ratios.
    """

    seconds_per_step: float
    layers: int
    measured_layers: int
    stacks: list[dict[str, Any]]
    measured: float | None = None
    error: float | None = None


def probe(
    config: ModelConfig,
    settings: RunSettings,
    rows: Rows,
    *,
    unpacks: bool | None = None,
    whole: bool = False,
    least_rounds: int = LEAST_ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Event]:
    """Measures steps of shallow models and yields Progress; Done's result is a `StepTime` as a dict.

    The batch is that of `memory_forecast`: one row of the longest beside rows of the mean. `whole`: the whole
    model is measured in turn with them, to see how far off the forecast is. Closing the generator ends the
    work; what it held in memory is given back in any case.

    Raises:
        TrainingError: what a run refuses ("full-needs-dense"); "probe-does-not-fit".
        AdapterError: the settings name no module of the model.
    """
    work = _Probe(config, settings, rows, unpacks, whole)
    try:
        yield from work.run(clock, least_rounds)
    finally:
        work.close()


def layer_kinds(
    config: ModelConfig, adapted: Mapping[int, Sequence[tuple[str, int]]], longest: int, *, full: bool = False
) -> list[Kind]:
    """Each layer's kind. `adapted`: modules with their ranks, by layer; `full`: all weights are trained."""
    lowest = 0 if full or not adapted else min(adapted)
    return [
        Kind(
            window if window is not None and window < longest else None,
            tuple(adapted.get(index, ())),
            index < lowest,
        )
        for index, window in enumerate(config.layer_windows)
    ]


def stacks_of(kinds: Sequence[Kind], more: int, *, free: bool) -> list[Stack]:
    """The shallowest stack, then one for each kind of layer with up to `more` layers of it besides.

    Layers of a `free` decoder can be taken out one by one; another's stacks begin at its first layer, since
    its masks are those of the layers at fixed places.
    """
    if not free:
        return _beginnings(kinds, more)
    first = next(index for index, kind in enumerate(kinds) if not kind.below)
    others: dict[Kind, list[int]] = {}
    for index, kind in enumerate(kinds):
        if index != first:
            others.setdefault(kind, []).append(index)
    found, remaining = [], 1.0
    for kind, indices in others.items():
        chosen = indices[:more]
        factor = len(indices) / len(chosen)
        found.append(Stack(tuple(sorted([first, *chosen])), factor, f"{len(chosen)} more, {kind.words}"))
        remaining -= factor
    return [Stack((first,), remaining, "one layer"), *found]


def _beginnings(kinds: Sequence[Kind], more: int) -> list[Stack]:
    """The first layers until every kind was there, and some such periods more."""
    period = max(kinds.index(kind) for kind in kinds) + 1
    further = len(kinds) - period
    periods = min(math.ceil(more / period), further // period)
    if not periods:
        return [Stack(tuple(range(len(kinds))), 1.0, "all layers")]
    factor = further / (periods * period)
    return [
        Stack(tuple(range(period)), 1 - factor, f"the first {period}"),
        Stack(tuple(range(period * (1 + periods))), factor, f"{periods * period} more"),
    ]


def carried_over(stacks: Sequence[Stack], seconds: Sequence[float]) -> float:
    """The time of the whole model; never less than that of the deepest stack, however disturbed they were."""
    total = sum(stack.factor * each for stack, each in zip(stacks, seconds, strict=True))
    return max(total, *seconds)


class _Probe:
    """The model with the layers that are measured, and a step for each stack of them."""

    def __init__(
        self, config: ModelConfig, settings: RunSettings, rows: Rows, unpacks: bool | None, whole: bool
    ) -> None:
        plan = settings.training
        if plan.method == "full":
            check_full(settings, config)
        self.config, self.settings, self.rows = config, settings, rows
        quantized = bool(schemes_of(config, settings))
        if unpacks is None:
            unpacks = quantized and calibrate().unpacks
        self.strategy = choose(
            plan,
            this_backend(),
            packs=config.packs,
            unpacks=quantized and unpacks,
            faster=measured_layout(plan, packs=config.packs),
        )
        # MLX computes no array that is not asked for: of the whole model only the stacks' layers come to be.
        self.model: Any = made_base(config, settings)
        self.dropout: DropoutKey | None = None
        kinds = layer_kinds(config, self._adapt(), rows_longest(settings, rows), full=plan.method == "full")
        self.stacks = stacks_of(kinds, self._more(), free=config.is_gemma)
        self.layers = list(self.model.model.layers)
        self.whole = whole
        if whole:
            self.stacks.append(Stack(tuple(range(len(self.layers))), 0.0, "the whole model"))
        self.used = sorted({index for stack in self.stacks for index in stack.layers})
        self.steps: list[_Step] = []

    def run(self, clock: Callable[[], float], least_rounds: int) -> Iterator[Event]:
        """Steps of all stacks in turn, so that what disturbs one disturbs the others too."""
        accumulation, count = self.settings.training.accumulation, len(self.stacks)
        yield Progress(STAGE, 0, 0)
        training = self._check_memory()
        batch = made_batch(self.config, self.settings, self.rows, self.strategy.layout)
        self._take(self.used)
        for _, array in tree_flatten(self.model.parameters()):
            mx.eval(array)
        for stack in self.stacks:
            self._take(stack.layers)
            self.steps.append(_Step(self.model, self.settings, self.dropout, self.strategy))
        taken: list[list[float]] = [[] for _ in self.stacks]
        with MemoryBounds(self.settings.training, mx.get_active_memory(), training):
            number, rounds = 0, WARM_UP + least_rounds
            while number < rounds * count:
                yield Progress(STAGE, number, rounds * count, note=self.stacks[number % count].name)
                gradients, update = self.steps[number % count].run(batch, number, clock)
                if number >= WARM_UP * count:
                    taken[number % count].append(accumulation * gradients + update)
                number += 1
                if number == (WARM_UP + 1) * count:
                    wanted = math.ceil(LEAST_SECONDS / max(1e-6, sum(each[0] for each in taken)))
                    rounds = WARM_UP + max(least_rounds, min(MOST_ROUNDS, wanted))
        yield Progress(STAGE, number, number)
        yield Done(asdict(self._found(taken)))

    def _found(self, taken: Sequence[Sequence[float]]) -> StepTime:
        """The time of a step from the seconds of each stack in each round."""
        parts = self.stacks[:-1] if self.whole else self.stacks
        rounds = [carried_over(parts, each[: len(parts)]) for each in zip(*taken, strict=True)]
        found = StepTime(
            statistics.median(rounds), self.config.num_layers, len(self.used),
            [
                {
                    "name": part.name, "layers": len(part.layers), "factor": part.factor,
                    "seconds": statistics.median(each),
                }
                for part, each in zip(parts, taken, strict=False)
            ],
        )  # fmt: skip
        if not self.whole:
            return found
        ratios = [guess / real for guess, real in zip(rounds, taken[-1], strict=True)]
        return replace(found, measured=statistics.median(taken[-1]), error=statistics.median(ratios) - 1)

    def close(self) -> None:
        """Gives the memory back, also what compiled steps hold."""
        self.steps.clear()
        self.layers.clear()
        self.model = self.dropout = None
        gc.collect()
        mx.clear_cache()

    def _adapt(self) -> dict[int, list[tuple[str, int]]]:
        """Adds the adapter as a run does, or lets all weights be trained; modules and ranks by layer."""
        if self.settings.training.method == "full":
            self.model.unfreeze()
            return {}
        self.dropout = add_lora(self.model, self.settings.lora, self.settings.training.seed)
        adapted: dict[int, list[tuple[str, int]]] = {}
        for path, module in lora_modules(self.model):
            _, _, index, name = path.split(".", 3)
            adapted.setdefault(int(index), []).append((name, module.rank))
        return adapted

    def _take(self, layers: Sequence[int]) -> None:
        self.model.model.layers = [self.layers[index] for index in layers]

    def _more(self) -> int:
        """As many layers as take about the time of the rest of a step."""
        shallow, deep = self._forecast(1).flops, self._forecast(2).flops
        layer = max(1.0, deep - shallow)
        return max(LEAST_MORE, min(MOST_MORE, math.ceil((shallow - layer) / layer)))

    def _check_memory(self) -> int:
        """What the steps take beside the weights: the deepest, and what the others keep from turn to turn.

        Raises:
            TrainingError: "probe-does-not-fit".
        """
        forecasts = [self._forecast(len(stack.layers)) for stack in self.stacks]
        kept = [each.adapter // 2 + each.optimizer for each in forecasts]
        training = max(each.above_weights for each in forecasts) + sum(kept) - max(kept)
        needed, allowed = self._forecast(len(self.used)).weights + training, allowed_memory()
        if allowed and needed > allowed:
            raise TrainingError(
                "probe-does-not-fit",
                f"The layers that would be measured need {needed / 1e9:.1f} GB, more than the "
                f"{allowed / 1e9:.1f} GB that may be taken here.",
                where="memory", fix="Leave --measure away, or plan a smaller batch.",
                kept="Nothing was started.",
            )  # fmt: skip
        return training

    def _forecast(self, layers: int) -> Forecast:
        """What a run of these settings would take with so many layers."""
        lora = self.settings.lora.model_copy(update={"layers": None})
        return memory_forecast(
            _shallow(self.config, layers), self.settings.model_copy(update={"lora": lora}),
            longest=self.rows.longest, mean=self.rows.mean, loss_share=self.rows.loss_share,
            backend=backend(),
        )  # fmt: skip


class _Step:
    """The trainer's step over the layers that the model has when this is made."""

    def __init__(
        self, model: Any, settings: RunSettings, dropout: DropoutKey | None, strategy: Strategy
    ) -> None:
        self.model, self.layers = model, model.model.layers
        self.plan, self.strategy = settings.training, strategy
        self.function = StepFunction(
            model, settings.training, dropout, compiled=strategy.compiled, unpacked=strategy.unpacked
        )
        self.optimizer = Optimizer(settings.training)
        self.parameters: Arrays = self.function.parameters()

    def run(self, batch: Batch, number: int, clock: Callable[[], float]) -> tuple[float, float]:
        """Seconds of a batch's gradients, of which a step may sum several, and of the update."""
        self.model.model.layers = self.layers
        began = clock()
        inputs = to_inputs(batch, self.strategy.multiple)
        _, gradients = self.function.gradients(self.parameters, inputs, number, 0)
        between = clock()
        units = self.function.units(inputs)
        mean = {name: gradient * (1 / units) for name, gradient in gradients.items()}
        clipped, norm = clip_gradients(mean, self.plan.max_gradient_norm)
        mx.eval(norm)
        rate = learning_rate_at(number, number + 1, self.plan)
        updated = self.optimizer.update(self.parameters, clipped, rate)
        mx.eval(updated, self.optimizer.state())
        self.parameters = updated
        self.function.assign(updated)
        return between - began, clock() - between


def _shallow(config: ModelConfig, layers: int) -> ModelConfig:
    """The same model with so many layers, as far as a forecast looks."""
    raw = {**config.raw, "num_hidden_layers": layers}
    if isinstance(raw.get("layer_types"), list):
        raw["layer_types"] = raw["layer_types"][:layers]
    return replace(
        config, num_layers=layers, layer_windows=config.layer_windows[:layers],
        layer_ropes=config.layer_ropes[:layers], raw=raw,
    )  # fmt: skip
