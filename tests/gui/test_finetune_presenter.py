"""Presets, histories and decisions of the Fine-tune page, without a window."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.events import Metrics, Progress, Sample
from gemma_mlx.library.store import RunEntry
from gemma_mlx.settings import RunSettings
from gui.finetune_page.presenter import FinetunePresenter
from gui.finetune_page.presets import PRESETS, preset_of, with_preset
from gui.finetune_page.run_files import History, read_history
from gui.services import Services


def test_every_preset_is_known_again_and_keeps_what_it_does_not_name() -> None:
    settings = RunSettings.model_validate({"model": "/m", "training": {"seed": 7}, "lora": {"dropout": 0.1}})
    for name in PRESETS:
        chosen = with_preset(settings, name)
        assert preset_of(chosen) == name
        assert (chosen.model, chosen.training.seed, chosen.lora.dropout) == ("/m", 7, 0.1)
    assert preset_of(settings) is None


def test_a_small_model_learns_faster() -> None:
    small, large = (with_preset(RunSettings(), "quick", size) for size in (9_000_000, 2_600_000_000))
    assert small.training.learning_rate > large.training.learning_rate


def test_a_resumed_history_has_no_seam() -> None:
    history = History()
    for step in range(1, 31):
        history.take(Metrics(step, {"train_loss": 1 / step}))
    history.take(Sample(0, "p", "before"))
    history.take(Sample(30, "p", "after"))
    assert history.take(Progress("Resuming", 20, 60))
    history.take(Metrics(21, {"train_loss": 0.5}))
    steps, values = history.curve("train_loss")
    assert steps == list(range(1, 22)) and values[-1] == 0.5
    assert history.sampled_steps() == [0]
    assert not history.take(Progress("Training", 1, 2))


def test_files_that_a_crash_cut_short_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    good = '{"step": 1, "train_loss": 2.0}\n{"step": 2, "train_loss": 1.5}\n'
    (tmp_path / "metrics.jsonl").write_text(good + '{"step": 3, "tra')
    (tmp_path / "samples.jsonl").write_text('[]\n{"step": "x"}\n{"step": 0, "prompt": "p", "text": "t"}\n')
    history = read_history(tmp_path)
    assert history.curve("train_loss") == ([1, 2], [2.0, 1.5])
    assert history.sample(0, "p") == "t"
    assert read_history(tmp_path / "nowhere").curves == {}


@pytest.mark.parametrize(
    ("state", "step", "may"),
    [("paused", 3, True), ("interrupted", 3, True), ("failed", 0, True), ("finished", 9, False),
     ("stopped", 9, False), ("stopped", 4, True), ("running", 3, False), ("unreadable", 0, False)],
)  # fmt: skip
def test_what_can_be_resumed(services: Services, state: str, step: int, may: bool) -> None:
    run = RunEntry("r", Path("/r"), state, "/m", "/d", "", step, 9, None)
    assert FinetunePresenter(services).may_resume(run) is may


def test_a_run_is_named_after_its_dataset(services: Services) -> None:
    presenter = FinetunePresenter(services)
    setup = presenter.setup
    setup.choose_dataset("/data/orders.train.jsonl.gz")
    assert setup.run_name() == "orders"
    setup.name = " my run "
    assert setup.run_name() == "my run"


def test_a_run_that_cannot_be_read_is_told(services: Services, tmp_path: Path) -> None:
    presenter = FinetunePresenter(services)
    failures: list[object] = []
    presenter.failed.connect(lambda failure, _path: failures.append(failure.code))
    presenter.resume(tmp_path)
    assert failures == ["no-run"] and presenter.live is None
