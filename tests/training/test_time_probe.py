"""The measured time of a step: made of each kind of layer, by the trainer's own step; nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.errors import AdapterError, GemmaError, TrainingError
from gemma_mlx.events import Done, Progress
from gemma_mlx.models.config import ModelConfig, parse_config
from gemma_mlx.settings import LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training import step, time_probe, trainer
from gemma_mlx.training.optimizer import Arrays, Optimizer
from gemma_mlx.training.plan_table import published_sizes
from gemma_mlx.training.planner import Rows
from gemma_mlx.training.step import Inputs, StepFunction
from gemma_mlx.training.time_probe import Kind, layer_kinds, probe, stacks_of
from tests.command_line import write_rows
from tests.tiny import WINDOW, tiny_config, write_tiny_model
from tests.tiny_family import family_config
from tests.training.test_trainer import settings as trainer_settings

ROWS = Rows(longest=40, mean=24)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_probe, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(time_probe, "LEAST_MORE", 2)


def config(generation: str = "gemma2", **changes: Any) -> ModelConfig:
    return parse_config(tiny_config(generation, **changes), "tiny")


def run(lora: LoraSettings | None = None, bits: int | None = None, **training: Any) -> RunSettings:
    return RunSettings(
        quantization=QuantizeSettings(bits=8, group_size=32) if bits else None,
        lora=lora or LoraSettings(rank=2),
        training=TrainSettings(**({"batch_size": 2} | training)),
    )


def result(work: Iterator[Any]) -> dict[str, Any]:
    *_, done = work
    assert isinstance(done, Done)
    return done.result


class Clock:
    """Time that passes only where the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

        self.slower: Callable[[float], float] = lambda seconds: seconds

    def __call__(self) -> float:
        return self.now


SLIDING, FULL, BASE, UPDATE = 3.0, 5.0, 100.0, 0.25


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Each layer takes its time by its window; an update takes time for each array."""
    clock = Clock()
    gradients, update = StepFunction.gradients, Optimizer.update

    def slow_gradients(self: StepFunction, *given: Any) -> tuple[mx.array, Arrays]:
        windows = [layer.self_attn.window for layer in self.model.model.layers]
        seconds = BASE + sum(FULL if window is None else SLIDING for window in windows)
        clock.now += clock.slower(seconds)
        return gradients(self, *given)

    def slow_update(self: Optimizer, parameters: Arrays, *given: Any) -> Arrays:
        clock.now += UPDATE * len(parameters)
        return update(self, parameters, *given)

    monkeypatch.setattr(StepFunction, "gradients", slow_gradients)
    monkeypatch.setattr(Optimizer, "update", slow_update)
    return clock


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("accumulation", [1, 3])
def test_the_whole_is_the_base_and_each_layer_by_its_kind(
    clock: Clock, generation: str, accumulation: int
) -> None:
    layers = 18
    model = config(generation, num_hidden_layers=layers)
    found = result(probe(model, run(accumulation=accumulation), ROWS, clock=clock))
    sliding = sum(window is not None for window in model.layer_windows)
    assert sliding == {"gemma": 0, "gemma2": 9, "gemma3_text": 15}[generation]
    passes = BASE + sliding * SLIDING + (layers - sliding) * FULL
    update = UPDATE * 14 * layers  # A and B of seven modules, each layer
    assert found["seconds_per_step"] == pytest.approx(accumulation * passes + update)
    assert found["layers"] == layers and found["measured_layers"] < 10


def test_what_the_whole_model_took_stands_beside_the_forecast(clock: Clock) -> None:
    found = result(probe(config(num_hidden_layers=10), run(), ROWS, clock=clock, whole=True))
    assert found["measured"] == pytest.approx(found["seconds_per_step"])
    assert found["error"] == pytest.approx(0)
    assert result(probe(config(), run(), ROWS, clock=clock))["measured"] is None


def test_a_round_that_is_disturbed_does_not_count(clock: Clock) -> None:
    """Two steps in turn, one of each stack, are slowed down by something else."""
    steps = iter(range(1000))
    clock.slower = lambda seconds: seconds * (5 if next(steps) in (4, 5) else 1)
    found = result(probe(config("gemma", num_hidden_layers=12), run(), ROWS, clock=clock))
    assert found["seconds_per_step"] == pytest.approx(BASE + 12 * FULL + 12 * 14 * UPDATE)


def test_kinds_of_layers_are_counted() -> None:
    gemma3 = published_sizes()["gemma-3-1b"]
    adapted = {index: [("self_attn.q_proj", 8)] for index in range(gemma3.num_layers)}
    windows = Counter(kind.window for kind in layer_kinds(gemma3, adapted, 1024))
    assert windows == {512: 22, None: 4}
    # A window that is no shorter than the rows makes no difference.
    assert len(set(layer_kinds(gemma3, adapted, 512))) == 1
    some = {index: adapted[index] for index in (20, 22)}
    kinds = layer_kinds(gemma3, some, 512)
    assert Counter((kind.below, bool(kind.adapted)) for kind in kinds) == {
        (True, False): 20, (False, True): 2, (False, False): 4,
    }  # fmt: skip
    assert len(set(layer_kinds(gemma3, {}, 512, full=True))) == 1
    assert not any(kind.below for kind in layer_kinds(gemma3, {}, 512, full=True))


def test_layers_below_the_adapter_and_between_are_measured_as_what_they_are() -> None:
    below, adapted, between = Kind(None, (), True), Kind(None, (("q", 8),), False), Kind(None, (), False)
    kinds = [below, below, below, adapted, between, adapted, between, adapted]
    stacks = stacks_of(kinds, 2, free=True)
    assert [stack.layers for stack in stacks] == [(3,), (0, 1, 3), (3, 4, 6), (3, 5, 7)]
    assert [stack.factor for stack in stacks] == [1 - 1.5 - 1 - 1, 1.5, 1, 1]


def test_another_familys_layers_are_taken_from_the_first_on() -> None:
    one, other = Kind(None, (), False), Kind(8, (), False)
    stacks = stacks_of([other, one] * 4, 2, free=False)
    assert [(stack.layers, stack.factor) for stack in stacks] == [((0, 1), -2.0), ((0, 1, 2, 3), 3.0)]
    stacks = stacks_of([one] * 9, 4, free=False)
    assert [(len(stack.layers), stack.factor) for stack in stacks] == [(1, -1.0), (5, 2.0)]
    assert [stack.layers for stack in stacks_of([other, one, one], 8, free=False)] == [(0, 1, 2)]


@pytest.mark.parametrize(
    "settings",
    [
        run(),
        run(bits=8),
        run(method="full"),
        run(objective="dpo"),
        run(lora=LoraSettings(rank=2, use_dora=True, dropout=0.1), neftune_alpha=5),
        run(lora=LoraSettings(rank=2, layers=[2])),
        run(gradient_checkpointing=True, layout="padded", optimizer="lion"),
        run(tokens_per_batch=128, optimizer="adafactor"),
    ],
    ids=["lora", "8-bit", "full", "dpo", "dora", "one-layer", "checkpointing", "tokens"],
)
def test_all_that_is_trained_is_measured(settings: RunSettings) -> None:
    assert result(probe(config(num_hidden_layers=6), settings, ROWS))["seconds_per_step"] > 0


def test_another_family_is_measured() -> None:
    family = parse_config(family_config("qwen2", num_hidden_layers=5), "tiny")
    found = result(probe(family, run(bits=8), ROWS))
    assert found["seconds_per_step"] > 0 and found["measured_layers"] == 3


def test_the_step_is_the_trainers_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows reach the same function, clipping and update, with the same choices."""
    seen: list[Any] = []
    made, gradients, update = StepFunction.__init__, StepFunction.gradients, Optimizer.update

    def see_made(self: StepFunction, *given: Any, **how: Any) -> None:
        made(self, *given, **how)
        seen.append(("made", how, self.settings.gradient_checkpointing, self.dropout is None))

    def see_gradients(self: StepFunction, parameters: Arrays, inputs: Inputs, *when: Any) -> Any:
        shapes = {name: (array.shape, array.dtype) for name, array in parameters.items()}
        seen.append(("gradients", inputs.layout, inputs.count, inputs.ids.shape, shapes))
        return gradients(self, parameters, inputs, *when)

    def see_update(self: Optimizer, parameters: Arrays, slopes: Arrays, rate: float) -> Arrays:
        norm = mx.sqrt(sum(mx.square(slope).sum() for slope in slopes.values())).item()
        seen.append(("update", set(slopes), round(norm, 3)))  # clipped to 0.01
        return update(self, parameters, slopes, rate)

    monkeypatch.setattr(StepFunction, "__init__", see_made)
    monkeypatch.setattr(StepFunction, "gradients", see_gradients)
    monkeypatch.setattr(Optimizer, "update", see_update)
    folder = write_tiny_model(tmp_path / "tiny", tokenizer=True)
    wanted = trainer_settings(folder, write_rows(tmp_path / "rows.jsonl"), steps=1).with_training(
        batch_size=2, max_gradient_norm=0.01, gradient_checkpointing=True
    )
    list(trainer.train(wanted, tmp_path / "run"))
    theirs, layout = list(seen), next(entry[1] for entry in seen if entry[0] == "gradients")
    assert isinstance(layout, step.Segments)
    seen.clear()
    lengths = layout.lengths[:2]
    rows = Rows(longest=max(lengths), mean=min(lengths))
    result(probe(config(), wanted, rows, whole=True))
    for entry in theirs:
        assert entry in seen, entry[0]


@pytest.mark.parametrize("ends", ["done", "closed", "failed"])
def test_nothing_stays_in_memory(monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    mx.clear_cache()
    before, limit = mx.get_active_memory(), mx.set_memory_limit(2**40)
    mx.set_memory_limit(limit)
    work = probe(config(vocab_size=4096), run(), ROWS)
    if ends == "done":
        result(work)
    elif ends == "closed":
        held = [mx.get_active_memory() for _, _ in zip(range(4), work, strict=False)]
        assert max(held) > before + 4096 * 64
        work.close()  # type: ignore[attr-defined]
    else:
        monkeypatch.setattr(Optimizer, "update", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            result(work)
    assert mx.get_active_memory() < before + 4096
    # What an error still holds where it is raised goes when it was handled.
    assert ends == "failed" or mx.get_cache_memory() < 4096
    assert mx.set_memory_limit(limit) == limit


def test_progress_counts_up_to_its_end() -> None:
    *events, _ = probe(config(), run(), ROWS)
    assert all(isinstance(event, Progress) for event in events)
    assert [event.done for event in events[1:]] == list(range(events[-1].total + 1))


@pytest.mark.parametrize(
    ("settings", "kind", "code"),
    [
        (run(bits=8, method="full"), TrainingError, "full-needs-dense"),
        (run(lora=LoraSettings(layers=[99])), AdapterError, "no-modules"),
    ],
)
def test_what_a_run_refuses_is_refused_in_its_words(
    settings: RunSettings, kind: type[GemmaError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        result(probe(config(), settings, ROWS))
    assert caught.value.code == code


def test_layers_that_do_not_fit_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_probe, "allowed_memory", lambda: 10_000)
    with pytest.raises(TrainingError) as caught:
        result(probe(config(), run(), ROWS))
    assert caught.value.code == "probe-does-not-fit" and "--measure" in caught.value.fix
    assert ROWS.longest > WINDOW  # the windows of these tests count
