"""The loop: what it yields and leaves on disk; a resumed run equals an uninterrupted one to the bit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.adapters.lora import lora_modules
from gemma_mlx.adapters.peft import WEIGHTS_NAME
from gemma_mlx.errors import DatasetError, TrainingError
from gemma_mlx.events import Checkpoint, Done, Event, Metrics, Progress, Sample, Warning
from gemma_mlx.load import load_model
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training.step import StepFunction
from gemma_mlx.training.trainer import Control, Trainer, train
from tests.tiny import write_tiny_model

ROWS = 14


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", tokenizer=True)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    rows = [
        {"prompt": f"count to {n}", "completion": " ".join(map(str, range(n)))} for n in range(1, ROWS + 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def settings(model: Path, dataset: Path, data: dict[str, Any] | None = None, **training: Any) -> RunSettings:
    plan = {"steps": 6, "batch_size": 3, "warmup_steps": 1, "save_every": 2, "evaluate_every": 3, "seed": 4}
    return RunSettings(
        model=str(model),
        lora=LoraSettings(rank=4, dropout=0.1),
        data=DataSettings(dataset=str(dataset), validation_split=0.2, **(data or {})),
        training=TrainSettings(**(plan | training)),
    )


def final_adapter(run: Path, step: int) -> dict[str, mx.array]:
    arrays = mx.load(str(run / "checkpoints" / f"step-{step:06d}" / "parameters.safetensors"))
    assert isinstance(arrays, dict)
    return arrays


def same(a: dict[str, mx.array], b: dict[str, mx.array]) -> bool:
    return a.keys() == b.keys() and all(bool(mx.array_equal(a[name], b[name])) for name in a)


def losses(events: list[Event]) -> dict[int, float]:
    return {
        e.step: e.values["train_loss"] for e in events if isinstance(e, Metrics) and "train_loss" in e.values
    }


def test_a_run_learns_and_leaves_what_people_use(tmp_path: Path, model: Path, dataset: Path) -> None:
    chosen = settings(
        model, dataset, steps=30, learning_rate=1e-2, sample_prompts=["count to 3"], sample_tokens=3
    )
    run = tmp_path / "run"
    events = list(train(chosen, run))
    per_step = losses(events)
    assert list(per_step) == list(range(1, 31))
    assert np.mean(list(per_step.values())[-5:]) < 0.7 * per_step[1]
    done = events[-1]
    assert isinstance(done, Done) and done.outcome == "finished" and done.result["step"] == 30
    tuned = load_model(model, adapter=done.result["adapter"])
    assert len(list(lora_modules(tuned.model))) == 28
    assert {e.step for e in events if isinstance(e, Sample)} >= {0, 30}
    assert [e.done for e in events if isinstance(e, Progress) and e.stage == "Training"][-1] == 30
    about = json.loads((run / "run.json").read_text())
    assert about["state"] == "finished" and about["total_steps"] == 30
    assert RunSettings.model_validate(about["settings"]) == chosen
    assert about["identity"].keys() == {"model", "data", "layout"}
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in logged if "train_loss" in row] == list(range(1, 31))


@pytest.mark.parametrize("stop_after", [1, 2, 3, 5])
def test_a_paused_run_goes_on_to_the_bit(tmp_path: Path, model: Path, dataset: Path, stop_after: int) -> None:
    chosen = settings(model, dataset, neftune_alpha=5.0, accumulation=2)
    whole = list(train(chosen, tmp_path / "whole"))
    control = Control()
    first = []
    for event in train(chosen, tmp_path / "parts", control=control):
        first.append(event)
        if isinstance(event, Metrics) and event.step == stop_after:
            control.request = "pause"
    assert isinstance(first[-1], Done) and first[-1].outcome == "paused"
    second = list(train(chosen, tmp_path / "parts", resume=True))
    assert same(final_adapter(tmp_path / "whole", 6), final_adapter(tmp_path / "parts", 6))
    assert losses(first) | losses(second) == losses(whole)
    curves = [(tmp_path / name / "metrics.jsonl").read_text().splitlines() for name in ("whole", "parts")]
    steps = [[json.loads(line)["step"] for line in curve] for curve in curves]
    assert steps[0] == steps[1]


def test_a_killed_run_goes_on_to_the_bit_from_what_was_announced(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    """Closing the generator is what a crash leaves: no final checkpoint, logs beyond the last one."""
    chosen = settings(model, dataset)
    list(train(chosen, tmp_path / "whole"))
    events = train(chosen, tmp_path / "parts")
    announced = None
    for event in events:
        if isinstance(event, Checkpoint):
            announced = Path(event.path)
        if isinstance(event, Metrics) and event.step == 5:
            break
    events.close()
    assert announced is not None and announced.exists()
    list(train(chosen, tmp_path / "parts", resume=True))
    assert same(final_adapter(tmp_path / "whole", 6), final_adapter(tmp_path / "parts", 6))


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, model: Path, dataset: Path) -> None:
    chosen, run = settings(model, dataset, keep_checkpoints=9), tmp_path / "run"
    control = Control()
    for event in train(chosen, run, control=control):
        if isinstance(event, Metrics) and event.step == 5:
            control.request = "pause"
    newest = sorted((run / "checkpoints").iterdir())[-1]
    (newest / WEIGHTS_NAME).write_bytes(b"cut short")
    events = list(train(chosen, run, resume=True))
    assert any(isinstance(event, Warning) and event.code == "damaged-checkpoint" for event in events)
    list(train(chosen, tmp_path / "whole"))
    assert same(final_adapter(tmp_path / "whole", 6), final_adapter(run, 6))


def test_resuming_with_something_else_lists_every_difference(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    control = Control()
    for event in train(settings(model, dataset), tmp_path / "run", control=control):
        if isinstance(event, Metrics):
            control.request = "pause"
    before = (tmp_path / "run" / "run.json").read_text()
    with dataset.open("a") as file:
        file.write('{"prompt": "one", "completion": "more"}\n')
    with pytest.raises(TrainingError) as caught:
        list(train(settings(model, dataset, learning_rate=0.5), tmp_path / "run", resume=True))
    assert "training.learning_rate" in caught.value.what and "identity.data" in caught.value.what
    assert (tmp_path / "run" / "run.json").read_text() == before


def test_what_is_only_watched_may_change_on_resuming(tmp_path: Path, model: Path, dataset: Path) -> None:
    control = Control()
    for event in train(settings(model, dataset), tmp_path / "run", control=control):
        if isinstance(event, Metrics):
            control.request = "pause"
    list(train(settings(model, dataset, save_every=1), tmp_path / "run", resume=True))


def test_a_second_run_never_overwrites_a_first(tmp_path: Path, model: Path, dataset: Path) -> None:
    list(train(settings(model, dataset, steps=1), tmp_path / "run"))
    with pytest.raises(TrainingError, match="holds a run already"):
        list(train(settings(model, dataset, steps=1), tmp_path / "run"))


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_layout_and_accumulation_change_no_weights(
    tmp_path: Path, model: Path, dataset: Path, layout: str
) -> None:
    """Four batches of one weigh as one batch of four: means are taken over tokens, not over batches."""
    rows = [{"prompt": f"count to {n}", "completion": " ".join(map(str, range(n)))} for n in (1, 2, 9, 30)]
    dataset.write_text("".join(json.dumps(row) + "\n" for row in rows))
    common: dict[str, Any] = {"steps": 3, "warmup_steps": 0, "evaluate_every": 100}
    found = []
    for name, plan in (("one", {"batch_size": 4}), ("four", {"batch_size": 1, "accumulation": 4})):
        chosen = settings(model, dataset, **common, **plan, layout=layout)
        chosen = chosen.model_copy(
            update={
                "lora": LoraSettings(rank=4),
                "data": DataSettings(dataset=str(dataset), validation_split=0),
            }
        )
        list(train(chosen, tmp_path / name))
        found.append(final_adapter(tmp_path / name, 3))
    for name in found[0]:
        assert float(mx.abs(found[0][name] - found[1][name]).max()) < 5e-6


def test_each_row_is_seen_once_an_epoch(tmp_path: Path, model: Path, dataset: Path) -> None:
    chosen = settings(model, dataset, steps=None, epochs=2.0, batch_size=4)
    events = list(train(chosen, tmp_path / "run"))
    rows = [json.loads(line) for line in dataset.read_text().splitlines()]
    assert len(losses(events)) == 2 * -(-round(len(rows) * 0.8) // 4)


def test_checkpoints_kept_are_the_newest_and_the_best(
    tmp_path: Path, model: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worsening = iter(range(1, 1000))
    monkeypatch.setattr(StepFunction, "evaluate", lambda *_: mx.array(float(next(worsening))))
    chosen = settings(model, dataset, steps=8, save_every=1, evaluate_every=2, keep_checkpoints=2)
    events = list(train(chosen, tmp_path / "run"))
    done = events[-1]
    assert isinstance(done, Done)
    kept = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert kept == {"step-000007", "step-000008", "step-000002"}
    assert done.result["best_step"] == 2
    best = final_adapter(tmp_path / "run", done.result["best_step"])
    published = mx.load(str(Path(done.result["adapter"]) / WEIGHTS_NAME))
    first = next(name for name in best if name.endswith("lora_B"))
    assert mx.array_equal(published[f"base_model.model.{first}.weight"], best[first])


def test_training_stops_early_when_nothing_is_gained(tmp_path: Path, model: Path, dataset: Path) -> None:
    chosen = settings(
        model, dataset, steps=50, evaluate_every=1, early_stop_patience=2, learning_rate=0.5, warmup_steps=0
    )
    events = list(train(chosen, tmp_path / "run"))
    assert len(losses(events)) < 50
    assert any(isinstance(event, Warning) and event.code == "early-stop" for event in events)


@pytest.mark.parametrize("optimizer", ["adafactor", "lion"])
def test_other_optimizers_learn_too(tmp_path: Path, model: Path, dataset: Path, optimizer: str) -> None:
    chosen = settings(model, dataset, steps=12, optimizer=optimizer, learning_rate=2e-3)
    per_step = losses(list(train(chosen, tmp_path / "run")))
    assert per_step[12] < per_step[1]


def test_qlora_trains_on_a_quantized_base(tmp_path: Path, model: Path, dataset: Path) -> None:
    chosen = settings(model, dataset, steps=12, learning_rate=1e-2).model_copy(
        update={"quantization": QuantizeSettings(bits=4, group_size=32)}
    )
    per_step = losses(list(train(chosen, tmp_path / "run")))
    assert per_step[12] < per_step[1]


def test_full_fine_tuning_gives_a_model_folder(tmp_path: Path, model: Path, dataset: Path) -> None:
    chosen = settings(model, dataset, steps=8, method="full", learning_rate=1e-3)
    events = list(train(chosen, tmp_path / "run"))
    per_step, done = losses(events), events[-1]
    assert per_step[8] < per_step[1] and isinstance(done, Done)
    tuned, base = load_model(done.result["model"]), load_model(model)
    ids = mx.array([[2, 5, 9]])
    assert not mx.allclose(tuned.model(ids), base.model(ids), atol=1e-3)
    assert tuned.tokenizer.encode("hello") == base.tokenizer.encode("hello")


def test_full_fine_tuning_of_a_quantized_base_is_refused(tmp_path: Path, model: Path, dataset: Path) -> None:
    chosen = settings(model, dataset, method="full").model_copy(update={"quantization": QuantizeSettings()})
    with pytest.raises(TrainingError) as caught:
        list(train(chosen, tmp_path / "run"))
    assert caught.value.code == "full-needs-dense"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("objective", ["dpo", "orpo"])
def test_preferences_raise_the_chosen_answers(
    tmp_path: Path, model: Path, dataset: Path, objective: str
) -> None:
    rows = [{"prompt": f"say {n}", "chosen": f"it is {n}", "rejected": "no no no"} for n in range(6)]
    dataset.write_text("".join(json.dumps(row) + "\n" for row in rows))
    chosen = settings(model, dataset, steps=12, objective=objective, learning_rate=1e-2)
    events = list(train(chosen, tmp_path / "run"))
    per_step = losses(events)
    if objective == "dpo":
        assert per_step[1] == pytest.approx(np.log(2), abs=1e-5)  # the adapter starts at the reference
    assert per_step[12] < per_step[1]


def test_a_poisoned_loss_stops_before_the_update_and_names_rows(
    tmp_path: Path, model: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss that is not finite: nothing is updated, the row is named, the checkpoint before it is good."""
    from gemma_mlx.training import step as step_module

    real = step_module.token_losses
    poison = 7

    def poisoned(head: Any, hidden: mx.array, targets: mx.array, **options: Any) -> mx.array:
        values = real(head, hidden, targets, **options)
        return mx.where((targets == poison).any(), values * float("nan"), values)

    chosen = settings(model, dataset, batch_size=1, save_every=1, steps=ROWS)
    loaded = load_model(model)
    poison = loaded.tokenizer.encode("13")[-1]
    monkeypatch.setattr(step_module, "token_losses", poisoned)
    with pytest.raises(TrainingError) as caught:
        list(train(chosen, tmp_path / "run"))
    assert caught.value.code == "loss-not-finite"
    assert "rows.jsonl, row" in caught.value.where
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "failed"
    for folder in (tmp_path / "run" / "checkpoints").iterdir():
        for array in final_adapter(tmp_path / "run", int(folder.name[5:])).values():
            assert bool(mx.isfinite(array).all())


def test_a_memory_ceiling_stops_the_run(tmp_path: Path, model: Path, dataset: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        list(train(settings(model, dataset, memory_limit_gb=1e-6), tmp_path / "run"))
    assert caught.value.code == "memory-ceiling"
    assert "step-000001, with the update" in caught.value.kept
    assert final_adapter(tmp_path / "run", 1)


def test_an_empty_dataset_is_an_error_and_leaves_no_run(tmp_path: Path, model: Path, dataset: Path) -> None:
    dataset.write_text("")
    with pytest.raises(DatasetError):
        list(train(settings(model, dataset), tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_further_logs_are_written(tmp_path: Path, model: Path, dataset: Path) -> None:
    list(train(settings(model, dataset, steps=2, loggers=["csv", "tensorboard"]), tmp_path / "run"))
    assert "train_loss" in (tmp_path / "run" / "metrics.csv").read_text().splitlines()[0]
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))


def test_preference_data_teaches_its_chosen_answers_under_sft(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    pairs = [{"prompt": f"say {n}", "chosen": f"it is {n}", "rejected": "no " * 9 + str(n)} for n in range(6)]
    dataset.write_text("".join(json.dumps(row) + "\n" for row in pairs))
    plan: dict[str, Any] = {"steps": 3, "evaluate_every": 100, "batch_size": 6}

    def whole() -> RunSettings:
        chosen = settings(model, dataset, **plan)
        return chosen.model_copy(
            update={"data": DataSettings(dataset=str(dataset), validation_split=0, max_length=64)}
        )

    list(train(whole(), tmp_path / "pairs"))
    chosen = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in pairs]
    dataset.write_text("".join(json.dumps(row) + "\n" for row in chosen))
    list(train(whole(), tmp_path / "chosen"))
    assert same(final_adapter(tmp_path / "pairs", 3), final_adapter(tmp_path / "chosen", 3))


def test_an_objective_on_pairs_refuses_rows_without_any(tmp_path: Path, model: Path, dataset: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        list(train(settings(model, dataset, objective="dpo"), tmp_path / "run"))
    assert caught.value.code == "needs-preferences" and not (tmp_path / "run").exists()


def test_what_a_person_should_know_of_model_and_rows_is_said(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    chosen = settings(model, dataset, {"max_length": 40}, steps=1)
    said = [event.what for event in train(chosen, tmp_path / "run") if isinstance(event, Warning)]
    assert any("are cut to 40 tokens" in what for what in said)


def test_the_library_sees_that_a_run_was_cut_off(
    model: Path, dataset: Path, gemma_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gemma_mlx.library import store

    run = store.new_run_folder("a run")
    events = train(settings(model, dataset), run)
    next(event for event in events if isinstance(event, Metrics))
    assert [entry.state for entry in store.list_runs()] == ["running"]
    assert list((gemma_home / "cache").iterdir())  # tokens are kept for the next time
    monkeypatch.setattr(store, "process_alive", lambda process: process != os.getpid())
    assert [entry.state for entry in store.list_runs()] == ["interrupted"]
    events.close()


def test_samples_are_made_as_in_a_chat_and_training_goes_on(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    """Decoding has one row at a time: products that dequantize first are switched back for it."""
    from gemma_mlx.adapters.products import UnpackedLinear, unpack_products
    from gemma_mlx.data.prepare import prepare_dataset

    chosen = settings(model, dataset, steps=1, sample_prompts=["count to 2"], sample_tokens=2)
    chosen = chosen.model_copy(update={"quantization": QuantizeSettings(bits=8, group_size=32)})
    loaded = load_model(model, quantization=chosen.quantization)
    prepared = prepare_dataset(chosen.data, loaded.tokenizer, seed=0)
    trainer = Trainer(chosen, loaded, prepared, tmp_path / "run", Control())
    assert unpack_products(loaded.model) > 0

    def state() -> tuple[bool, bool]:
        unpacked = any(isinstance(module, UnpackedLinear) for _, module in loaded.model.named_modules())
        return unpacked, loaded.model.training

    assert state() == (True, True)
    for event in trainer.run():
        if isinstance(event, Sample):
            assert state() == (False, False)
        elif isinstance(event, Metrics):
            assert state() == (True, True)


def test_a_run_resumed_from_its_start_samples_the_base_once(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    chosen = settings(model, dataset, steps=2, sample_prompts=["one", "two"], sample_tokens=1)
    events = train(chosen, tmp_path / "run")
    next(event for event in events if isinstance(event, Sample))
    events.close()
    list(train(chosen, tmp_path / "run", resume=True))
    logged = [json.loads(line) for line in (tmp_path / "run" / "samples.jsonl").read_text().splitlines()]
    assert [row["prompt"] for row in logged if row["step"] == 0] == ["one", "two"]
