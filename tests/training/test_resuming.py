"""What is left of a run wherever it is cut off, and what a resumed one does with files that are damaged."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.adapters.peft import WEIGHTS_NAME
from gemma_mlx.data.prepare import prepare_dataset
from gemma_mlx.errors import GemmaError, TrainingError
from gemma_mlx.events import Done, Event, Metrics, Progress, Warning
from gemma_mlx.library.atomic import locked_folder, sha256_file
from gemma_mlx.load import load_model
from gemma_mlx.settings import LoraSettings, RunSettings
from gemma_mlx.training import checkpoint as checkpoints
from gemma_mlx.training.evaluation import evaluate
from gemma_mlx.training.trainer import Control, Trainer, train
from gemma_mlx.weights.files import ShardWriter
from tests.tiny import write_tiny_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    """Six steps with a validation and a sample after each, on rows of very unequal lengths."""
    folder = tmp_path_factory.mktemp("resuming")
    model = write_tiny_model(folder / "tiny", tokenizer=True)
    rows = [{"prompt": f"say {n}", "completion": "yes " * n * n} for n in range(1, 13)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    chosen = RunSettings(model=str(model), lora=LoraSettings(rank=2, dropout=0.1))
    chosen = chosen.with_data(dataset=str(folder / "rows.jsonl"), validation_split=0.3)
    return chosen.with_training(
        steps=6, batch_size=2, warmup_steps=0, learning_rate=0.02, evaluate_every=1, save_every=1,
        sample_prompts=["say 3"], sample_tokens=2, keep_checkpoints=2,
    )  # fmt: skip


def warnings_of(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Warning)]


def left(run: Path) -> dict[str, Any]:
    """What has to be the same however often a run was cut off."""
    about = json.loads((run / "run.json").read_text())
    kept: dict[str, Any] = {name: about[name] for name in ("state", "step", "best_step", "best_loss")}
    for file in sorted([*run.glob("checkpoints/*/*.safetensors"), *run.glob("adapter/*.safetensors")]):
        kept[str(file.relative_to(run))] = file.read_bytes()
    for name, measured in (("metrics", ("tokens_per_second", "memory_bytes")), ("samples", ())):
        rows = [json.loads(line) for line in (run / f"{name}.jsonl").read_text().splitlines()]
        kept[name] = [{key: row[key] for key in row if key not in measured} for row in rows]
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("patience", [None, 1], ids=["to the end", "stopped early"])
def test_cut_off_at_any_event_it_ends_the_same(
    base: RunSettings, tmp_path: Path, patience: int | None
) -> None:
    """The folder is copied at each event, as a crash would leave it, and the copy is resumed."""
    chosen = base.with_training(early_stop_patience=patience, learning_rate=0.3 if patience else 0.02)
    copies = []
    for number, _ in enumerate(train(chosen, tmp_path / "run")):
        if (tmp_path / "run" / "run.json").exists():
            copies.append(shutil.copytree(tmp_path / "run", tmp_path / f"cut-{number}"))
    expected = left(tmp_path / "run")
    assert (expected["step"] < 6) == (patience is not None), "the case has to be what it says"
    assert len(copies) > 8
    for copy in copies:
        list(train(chosen, copy, resume=True))
        found = left(copy)
        assert [name for name in expected if found.get(name) != expected[name]] == [], copy.name


@pytest.mark.parametrize("damage", ["a bit", "cut", "gone", "nothing named"])
def test_a_damaged_best_checkpoint_is_never_given_to_people(
    base: RunSettings, tmp_path: Path, damage: str
) -> None:
    """The last step's weights are given instead, and it is said."""
    run, control = tmp_path / "run", Control()
    chosen = base.with_training(learning_rate=0.3, keep_checkpoints=1)
    seen: list[float] = []
    for event in train(chosen, run, control=control):
        if isinstance(event, Metrics) and "validation_loss" in event.values:
            seen.append(event.values["validation_loss"])
            control.request = "pause" if seen[-1] > min(seen) else ""
    control.request = ""
    about = json.loads((run / "run.json").read_text())
    best = checkpoints.folder_of(run, about["best_step"])
    assert about["best_step"] < about["step"] < 6, "the case has to be what it says"
    file = best / checkpoints.PARAMETERS
    content = bytearray(file.read_bytes())
    if damage == "a bit":
        content[-3] ^= 0x40
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        shutil.rmtree(best)
    else:
        (best / checkpoints.MANIFEST).write_text('{"optimizer_steps": 1, "sha256": {}}')
    events = []
    for event in train(chosen, run, resume=True, control=control):
        events.append(event)
        control.request = "stop" if isinstance(event, Progress) and event.stage == "Resuming" else ""
    done = events[-1]
    assert isinstance(done, Done) and done.outcome == "stopped"
    assert done.result["best_step"] == done.result["step"] == about["step"]
    assert "damaged-checkpoint" in warnings_of(events)
    last = checkpoints.folder_of(run, done.result["step"]) / WEIGHTS_NAME
    assert (run / "adapter" / WEIGHTS_NAME).read_bytes() == last.read_bytes()


def test_two_processes_never_train_one_run(base: RunSettings, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with locked_folder(run), pytest.raises(TrainingError) as told:
        list(train(base, run))
    assert told.value.code == "run-trains" and not list(run.iterdir())
    list(train(base.with_training(steps=1), run))
    before = left(run)
    with locked_folder(run), pytest.raises(TrainingError) as told:
        list(train(base.with_training(steps=1), run, resume=True))
    assert told.value.code == "run-trains" and "process" in told.value.what
    with pytest.raises(TrainingError) as told:
        list(train(base, tmp_path / "nothing", resume=True))
    assert told.value.code == "no-run" and not (tmp_path / "nothing").exists()
    assert left(run) == before


def test_a_run_that_passed_its_ceiling_loses_no_validation(base: RunSettings, tmp_path: Path) -> None:
    """Nor where the validation itself passed it."""
    run = tmp_path / "run"
    real = Trainer._evaluate

    def hungry(self: Trainer) -> Iterator[Event]:
        mx.eval(mx.zeros((50_000_000,)))
        return (yield from real(self))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_evaluate", hungry)
        with pytest.raises(TrainingError) as told:
            list(train(base.with_training(memory_limit_gb=0.15), run))
    assert told.value.code == "memory-ceiling" and "step-000001" in told.value.kept
    list(train(base, run, resume=True))
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in logged if "validation_loss" in row] == [1, 2, 3, 4, 5, 6]
    assert [row["step"] for row in logged if "train_loss" in row] == [1, 2, 3, 4, 5, 6]


def test_a_full_disk_is_told_as_one_and_the_run_goes_on(base: RunSettings, tmp_path: Path) -> None:
    """MLX writes by itself and says it in its own way; logs on the same disk fail too."""
    run = tmp_path / "run"
    real = mx.save_safetensors

    def full(path: str, arrays: Any, *rest: Any, **options: Any) -> None:
        if "step-000003" in path:
            raise RuntimeError("[write] Unable to write 692 bytes to file.")
        real(path, arrays, *rest, **options)

    chosen = base.with_training(loggers=["csv"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mx, "save_safetensors", full)
        (run / "metrics.csv").mkdir(parents=True)  # cannot be written as a file
        with pytest.raises(GemmaError) as told:
            list(train(chosen, run))
    assert told.value.code == "cannot-write" and "space" in told.value.fix
    (run / "metrics.csv").rmdir()
    done = list(train(chosen, run, resume=True))[-1]
    assert isinstance(done, Done) and done.outcome == "finished" and (run / "metrics.csv").is_file()


def test_a_published_model_stays_until_the_next_is_whole(
    base: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, control = tmp_path / "run", Control()
    chosen = base.with_training(method="full", learning_rate=1e-3, sample_prompts=[])
    for event in train(chosen, run, control=control):
        if isinstance(event, Metrics) and event.step == 2:
            control.request = "stop"
    before = (run / "model" / "model.safetensors").read_bytes()

    def full(writer: ShardWriter, *_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(writer.folder))

    monkeypatch.setattr(ShardWriter, "finish", full)
    with pytest.raises(GemmaError, match="No space"):
        list(train(chosen, run, resume=True))
    assert (run / "model" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("rate", [2e-5, 2e-4])
def test_all_weights_of_a_16_bit_model_learn_as_those_of_a_32_bit_one(
    base: RunSettings, tmp_path: Path, rate: float
) -> None:
    """16 bits hold no such updates (a tenth was learned): they are kept as float32, and rounded for use."""
    fallen = {}
    for width in ("float32", "bfloat16"):
        model = write_tiny_model(tmp_path / width, tokenizer=True, dtype=width)
        chosen = base.model_copy(update={"model": str(model)}).with_training(
            method="full", learning_rate=rate, schedule="constant", steps=20, evaluate_every=20,
            save_every=20, sample_prompts=[], batch_size=8,
        )  # fmt: skip
        events = list(train(chosen, tmp_path / f"run-{width}"))
        curve = [
            e.values["train_loss"] for e in events if isinstance(e, Metrics) and "train_loss" in e.values
        ]
        fallen[width] = curve[0] - min(curve[-3:])
        saved = mx.load(str(tmp_path / f"run-{width}" / "model" / "model.safetensors"))
        assert isinstance(saved, dict) and {str(a.dtype) for a in saved.values()} == {f"mlx.core.{width}"}
    assert fallen["float32"] > 0.1
    assert fallen["bfloat16"] == pytest.approx(fallen["float32"], rel=0.35)


def test_a_validation_that_is_no_number_is_named_and_never_the_best(
    base: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gemma_mlx.training.step import StepFunction

    real: Callable[..., mx.array] = StepFunction.evaluate
    calls: list[int] = []

    def poisoned(self: StepFunction, inputs: Any) -> mx.array:
        calls.append(1)
        return real(self, inputs) * (float("nan") if len(calls) == 1 else 1.0)

    monkeypatch.setattr(StepFunction, "evaluate", poisoned)
    events = list(train(base, tmp_path / "run"))
    done = events[-1]
    assert warnings_of(events).count("validation-not-finite") == 1
    assert isinstance(done, Done) and done.result["best_step"] > 1 and done.result["best_loss"] > 0
    assert "NaN" not in (tmp_path / "run" / "metrics.jsonl").read_text()


def test_validation_is_the_mean_over_tokens(base: RunSettings, tmp_path: Path) -> None:
    """Rows have from one word to a hundred and more: a mean of batches' means would be another."""
    done = list(train(base.with_training(steps=1), tmp_path / "run"))[-1]
    assert isinstance(done, Done)
    tuned = load_model(Path(base.model), adapter=done.result["adapter"])
    rows = prepare_dataset(base.data, tuned.tokenizer, seed=base.training.seed).valid
    assert len(rows) > 2
    measured = list(evaluate(tuned, rows))[-1]
    assert isinstance(measured, Done)
    assert done.result["best_loss"] == pytest.approx(measured.result["loss"], rel=1e-6)


def test_a_setting_that_came_later_has_its_default(base: RunSettings, tmp_path: Path) -> None:
    """A run begun by an earlier version goes on; that numbers may differ in their last bits is said."""
    run, control = tmp_path / "run", Control()
    for event in train(base, run, control=control):
        if isinstance(event, Metrics) and event.step == 2:
            control.request = "pause"
    about = json.loads((run / "run.json").read_text())
    del about["settings"]["training"]["preference_beta"]
    about["versions"]["mlx"] = "0.1.0"
    (run / "run.json").write_text(json.dumps(about))
    events = list(train(base, run, resume=True))
    assert isinstance(events[-1], Done) and warnings_of(events) == ["version-changed"]
    assert any("mlx 0.1.0" in event.what for event in events if isinstance(event, Warning))


def test_checkpoints_are_in_the_order_of_steps(tmp_path: Path) -> None:
    for step in (5, 999_999, 1_000_000):
        checkpoints.folder_of(tmp_path, step).mkdir(parents=True)
    assert [path.name for path in checkpoints.checkpoints(tmp_path)][-1] == "step-1000000"


def paused_at(run: Path, chosen: RunSettings, step: int) -> Path:
    control = Control()
    for event in train(chosen, run, control=control):
        if isinstance(event, Metrics) and event.step == step:
            control.request = "pause"
    return checkpoints.folder_of(run, step)


def rewrite(folder: Path, **values: Any) -> None:
    """Changes a checkpoint's state and its manifest with it; None takes a value away."""
    state = {**json.loads((folder / checkpoints.STATE).read_text()), **values}
    text = json.dumps({name: value for name, value in state.items() if value is not None})
    (folder / checkpoints.STATE).write_text(text)
    manifest = json.loads((folder / checkpoints.MANIFEST).read_text())
    manifest["sha256"][checkpoints.STATE] = sha256_file(folder / checkpoints.STATE)
    (folder / checkpoints.MANIFEST).write_text(json.dumps(manifest))


def test_an_earlier_versions_checkpoint_is_not_validated_again(base: RunSettings, tmp_path: Path) -> None:
    """It would count as a validation without gain, and end the run."""
    chosen = base.with_training(early_stop_patience=1, learning_rate=1e-3)
    rewrite(paused_at(tmp_path / "run", chosen, 2), validated=None)
    done = list(train(chosen, tmp_path / "run", resume=True))[-1]
    assert isinstance(done, Done) and done.result["step"] == 6


def test_what_is_made_up_for_is_made_up_for_once(base: RunSettings, tmp_path: Path) -> None:
    run = tmp_path / "run"
    rewrite(paused_at(run, base, 2), validated=1)
    for _ in range(3):
        control = Control()
        for event in train(base, run, resume=True, control=control):
            if isinstance(event, Progress) and event.stage == "Resuming":
                control.request = "pause"
    state = json.loads((checkpoints.folder_of(run, 2) / checkpoints.STATE).read_text())
    assert state["validated"] == 2
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert sum(row["step"] == 2 and "validation_loss" in row for row in lines) == 2
