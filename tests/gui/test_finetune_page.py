"""The Fine-tune page: set up, start, watch, pause, resume, compare, and what is said when it goes wrong."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

from gui.finetune_page.presenter import FinetunePresenter
from gui.finetune_page.view import FinetunePage
from gui.services import Services


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "orders.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n')
    return path


@pytest.fixture
def make_page(
    qtbot: Any, make_services: Callable[..., Services], dataset: Path
) -> Callable[..., FinetunePage]:
    def make(scenario: str = "normal", steps: int = 40) -> FinetunePage:
        services = make_services(scenario)
        page = FinetunePage(services, FinetunePresenter(services))
        qtbot.addWidget(page)
        page.resize(1100, 760)
        page.show()
        page.shown()
        qtbot.waitUntil(lambda: page.setup.model.count() > 0 or scenario == "empty", timeout=20_000)
        setup = page.presenter.setup
        setup.choose_dataset(str(dataset))
        setup.change(training=setup.settings.training.model_copy(update={"steps": steps}))
        return page

    return make


def start(qtbot: Any, page: FinetunePage) -> None:
    qtbot.mouseClick(page.setup.start, Qt.MouseButton.LeftButton)


SLOW = 80
"""The fake worker's busy run goes slowly after this step: its last checkpoint stays the last for seconds."""


def wait_until_slow(qtbot: Any, page: FinetunePage) -> None:
    history = page.presenter.history(page.presenter.live)
    qtbot.waitUntil(lambda: len(history.curve("train_loss")[0]) > SLOW, timeout=20_000)


def wait_until_over(qtbot: Any, page: FinetunePage) -> None:
    qtbot.waitUntil(lambda: page.presenter.live is None, timeout=20_000)


def test_without_a_model_the_page_leads_to_the_models(qtbot: Any, make_page: Any) -> None:
    page = make_page("empty")
    qtbot.waitUntil(lambda: page.no_models.isVisible(), timeout=20_000)
    with qtbot.waitSignal(page._services.session.page_requested) as asked:
        page.no_models.buttons[0].click()
    assert asked.args == ["models"]


def test_the_start_waits_for_a_model_and_a_dataset_and_says_so(qtbot: Any, make_page: Any) -> None:
    page = make_page()
    assert page.setup.start.isEnabled()
    page.presenter.setup.choose_dataset("")
    assert not page.setup.start.isEnabled()
    assert page.setup.hint.text() == "Choose a dataset."
    page.presenter.setup.choose_dataset("/gone/away.jsonl")
    assert "not there" in page.setup.hint.text()


def test_a_preset_fills_the_settings_and_a_change_by_hand_is_told(qtbot: Any, make_page: Any) -> None:
    page = make_page()
    page.setup.presets["thorough"].click()
    settings = page.presenter.setup.settings
    assert (settings.lora.rank, settings.training.epochs) == (32, 4.0)
    assert page.setup.presets["thorough"].isChecked()
    form = page.setup.form("lora")
    form.field("rank").set_value(7)
    assert page.presenter.setup.settings.lora.rank == 7
    assert not any(button.isChecked() for button in page.setup.presets.values())
    assert page.setup.by_hand.isVisibleTo(page.setup)


def test_a_wrong_field_bars_the_start_until_it_is_right(make_page: Any) -> None:
    page = make_page()
    form = page.setup.form("training")
    form.field("learning_rate").set_value(5.0)
    assert "at most 1" in form.error_of("learning_rate")
    assert not page.setup.start.isEnabled()
    form.field("learning_rate").set_value(1e-3)
    assert page.setup.start.isEnabled()
    assert page.presenter.setup.settings.training.learning_rate == 1e-3


def test_every_training_and_adapter_setting_is_in_the_forms(make_page: Any) -> None:
    from gemma_mlx.settings import LoraSettings, TrainSettings

    page = make_page()
    for section, kind, elsewhere in (
        ("training", TrainSettings, {"sample_prompts"}),
        ("lora", LoraSettings, set()),
    ):
        assert set(page.setup.form(section).values()) == set(kind.model_fields) - elsewhere


def test_the_forecast_stands_beside_the_start(qtbot: Any, make_page: Any) -> None:
    page = make_page()
    qtbot.waitUntil(lambda: page.setup.verdict.isVisible(), timeout=20_000)
    assert page.setup.verdict.text() == "Fits"
    assert "40 steps" in page.setup.forecast.text() and "6 min" in page.setup.forecast.text()


def test_a_run_under_way_can_be_paused_and_stopped(qtbot: Any, make_page: Any) -> None:
    page = make_page("busy", steps=400)
    start(qtbot, page)
    qtbot.waitUntil(lambda: page.presenter.live_state == "running", timeout=20_000)
    assert page.stack.currentWidget() is page.run_view
    assert page.run_view.pause.isVisible() and page.run_view.stop.isVisible()
    assert "orders" in page.running()


def test_a_run_shows_its_curves_and_samples_and_then_offers_what_can_be_done(
    qtbot: Any, make_page: Any
) -> None:
    page = make_page()
    start(qtbot, page)
    wait_until_over(qtbot, page)
    raw, smooth, valid = page.run_view.loss.curves
    assert list(raw.steps) == list(range(1, 41)) and len(smooth.values) == 40
    assert list(valid.steps) == [20, 40]
    assert page.run_view.badge.text() == "Finished"
    assert page.run_view.chat.isVisible() and page.run_view.merge.isVisible()
    texts = [
        said.accessibleName() for said in page.run_view.samples_card.findChildren(type(page.run_view.badge))
    ]
    assert "Before: I do not know what that is." in texts
    assert "Step 40: A gemma is a bud. (step 40)" in texts
    with qtbot.waitSignal(page._services.session.chat_with) as asked:
        page.run_view.chat.click()
    assert asked.args == ["/models/gemma-demo", str(page.run_view.path / "adapter")]


def test_a_paused_run_goes_on_without_a_seam(qtbot: Any, make_page: Any) -> None:
    page = make_page("busy", steps=400)
    start(qtbot, page)
    path = page.presenter.live
    qtbot.waitUntil(lambda: len(page.presenter.history(path).curve("train_loss")[0]) > 25, timeout=20_000)
    page.run_view.pause.click()
    assert page.run_view.badge.text() == "Pausing…" and not page.run_view.pause.isEnabled()
    wait_until_over(qtbot, page)
    assert page.run_view.badge.text() == "Paused"
    assert page.run_view.resume.isVisible() and not page.run_view.chat.isVisible()
    page.run_view.resume.click()
    qtbot.waitUntil(lambda: len(page.presenter.history(path).curve("train_loss")[0]) > 40, timeout=20_000)
    page.run_view.stop.click()
    wait_until_over(qtbot, page)
    steps = page.presenter.history(path).curve("train_loss")[0]
    assert steps == list(range(1, len(steps) + 1))
    assert page.run_view.badge.text() == "Stopped" and page.run_view.chat.isVisible()


def test_a_killed_worker_is_told_and_the_run_can_be_resumed(qtbot: Any, make_page: Any) -> None:
    page = make_page("busy", steps=400)
    start(qtbot, page)
    wait_until_slow(qtbot, page)
    os.kill(page.presenter._worker.pid, signal.SIGKILL)
    wait_until_over(qtbot, page)
    assert "memory ran out" in page.banner.title.text()
    assert f"checkpoint of step {SLOW}" in page.banner.details.text()
    assert page.run_view.badge.text() == "Interrupted"
    assert [button.text() for button in page.banner.buttons()] == ["Resume"]
    page.banner.buttons()[0].click()
    qtbot.waitUntil(lambda: page.presenter.live_state == "running", timeout=20_000)
    assert not page.banner.isVisible()


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("crash", "status 3"), ("segfault", "signal 11"), ("garbage", "cannot be read"),
        ("long-line", "cannot be read"), ("disk-full", "disk is full"),
    ],
)  # fmt: skip
def test_a_run_that_ends_badly_says_what_was_kept_and_offers_to_go_on(
    qtbot: Any, make_page: Any, scenario: str, said: str
) -> None:
    page = make_page()
    workers = page._services.workers
    normal = workers._program
    workers._program = (*normal[:-1], scenario)
    page.presenter.start()
    wait_until_over(qtbot, page)
    assert said in page.banner.title.text()
    assert "To mend it:" in page.banner.details.text()
    assert "step 120" in page.banner.details.text().partition("Kept:")[2]
    assert [button.text() for button in page.banner.buttons()] == ["Resume"]
    workers._program = normal
    page.banner.buttons()[0].click()
    wait_until_over(qtbot, page)
    assert page.run_view.badge.text() == "Finished"


def test_a_stopped_worker_is_called_quiet_and_can_be_stopped_for_good(qtbot: Any, make_page: Any) -> None:
    page = make_page("busy", steps=400)
    start(qtbot, page)
    path = page.presenter.live
    wait_until_slow(qtbot, page)
    pid = page.presenter._worker.pid
    os.kill(pid, signal.SIGSTOP)
    qtbot.waitUntil(page.banner.isVisible, timeout=20_000)
    assert "does not answer" in page.banner.title.text()
    assert "Checkpoints are safe" in page.banner.details.text()
    os.kill(pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: not page.banner.isVisible(), timeout=20_000)
    assert page.presenter.live == path, "it goes on as if nothing had been"
    os.kill(pid, signal.SIGSTOP)
    qtbot.waitUntil(page.banner.isVisible, timeout=20_000)
    page.banner.buttons()[0].click()
    wait_until_over(qtbot, page)
    assert "was stopped" in page.banner.title.text()
    assert f"checkpoint of step {SLOW}" in page.banner.details.text()
    assert [button.text() for button in page.banner.buttons()] == ["Resume"]


def test_a_run_that_cannot_begin_leaves_no_folder(qtbot: Any, make_page: Any, gemma_home: Path) -> None:
    page = make_page()
    workers = page._services.workers
    workers._program = (*workers._program[:-1], "unreadable-model")
    page.presenter.start()
    wait_until_over(qtbot, page)
    assert "cut off" in page.banner.title.text()
    assert list((gemma_home / "runs").iterdir()) == []
    assert page.stack.currentWidget() is page.setup


def test_two_runs_are_compared_by_curves_and_by_what_differs(qtbot: Any, make_page: Any) -> None:
    page = make_page(steps=10)
    start(qtbot, page)
    wait_until_over(qtbot, page)
    setup = page.presenter.setup
    page.new()
    setup.change(lora=setup.settings.lora.model_copy(update={"rank": 3}))
    start(qtbot, page)
    wait_until_over(qtbot, page)
    page.list.selectAll()
    assert page.stack.currentWidget() is page.compare
    assert sorted(curve.name for curve in page.compare.training.curves) == ["orders", "orders-2"]
    assert page.presenter.differences(page.presenter.shown) == [("Rank", ["3", "16"])] or (
        page.presenter.differences(page.presenter.shown) == [("Rank", ["16", "3"])]
    )


def test_settings_of_a_run_can_be_taken_for_a_new_one(qtbot: Any, make_page: Any) -> None:
    page = make_page(steps=10)
    setup = page.presenter.setup
    setup.change(lora=setup.settings.lora.model_copy(update={"rank": 5}))
    start(qtbot, page)
    wait_until_over(qtbot, page)
    setup.choose_preset("quick")
    page.run_view.duplicate.trigger()
    assert page.stack.currentWidget() is page.setup
    assert setup.settings.lora.rank == 5


def test_notes_are_kept_with_the_run(qtbot: Any, make_page: Any) -> None:
    page = make_page(steps=10)
    start(qtbot, page)
    path = page.presenter.live
    wait_until_over(qtbot, page)
    page.run_view.notes.setPlainText("good manners")
    page.new()
    page.run_view._keep_notes()
    assert page.presenter.notes(path) == "good manners"


def test_merging_asks_for_a_name_and_says_when_it_is_done(
    qtbot: Any, make_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = make_page(steps=10)
    start(qtbot, page)
    wait_until_over(qtbot, page)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args, **_named: ("pirate-gemma", True))
    with qtbot.waitSignal(page._services.session.toast, timeout=20_000) as said:
        page.run_view.merge.click()
    assert "is written" in said.args[0]


def test_runs_of_before_are_listed_with_their_states(make_page: Any, gemma_home: Path) -> None:
    for name, state in (("one", "finished"), ("two", "running")):
        (gemma_home / "runs" / name).mkdir(parents=True)
        about = {
            "state": state,
            "process": 2**22 + 7,
            "step": 3,
            "total_steps": 9,
            "created": f"2026-01-0{len(name)}",
        }
        (gemma_home / "runs" / name / "run.json").write_text(json.dumps(about))
    page = make_page()
    states = {run.name: run.state for run in page.presenter.runs}
    assert states == {"one": "finished", "two": "interrupted"}


def test_other_pages_hand_over_model_and_dataset(make_page: Any, dataset: Path) -> None:
    from gemma_mlx.settings import DataSettings

    page = make_page()
    page._services.session.train_with.emit("/hub/gemma-3-4b-it", None)
    assert page.setup.model.currentText() == "google/gemma-3-4b-it"
    data = DataSettings(dataset=str(dataset), format="completion", bad_rows="leave_out")
    page._services.session.train_with.emit("", data)
    assert page.presenter.setup.settings.data == data
    assert page.setup.dataset.whole() == str(dataset)
