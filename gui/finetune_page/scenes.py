"""The pictures of the Fine-tune page."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QScrollArea

from gemma_mlx.library import store
from gemma_mlx.settings import DataSettings, RunSettings, TrainSettings
from gui.scenes import Scene, Wait


def _setup(page: Any, wait: Wait) -> None:
    wait(lambda: page.setup.model.count() > 0)
    page.presenter.setup.choose_dataset(str(_dataset(page)))
    wait(lambda: page.presenter.setup.forecast is not None)


def _advanced(page: Any, wait: Wait) -> None:
    _setup(page, wait)
    page.setup.advanced.setChecked(True)
    _scroll(page.setup.area, lambda: int(page.setup.advanced.parentWidget().y()), wait)


def _scroll(area: QScrollArea, place: Callable[[], int], wait: Wait) -> None:
    """To a place that is only known when the layout has come to rest."""
    bar = area.verticalScrollBar()
    seen: list[int] = []

    def rested() -> bool:
        bar.setValue(place())
        seen.append(bar.maximum())
        return len(seen) > 20 and seen[-20] == seen[-1] > 0

    wait(rested)


def _running(page: Any, wait: Wait) -> None:
    _some_runs(page)
    _setup(page, wait)
    setup = page.presenter.setup
    setup.change(training=setup.settings.training.model_copy(update={"steps": 400}))
    page.presenter.start()
    wait(lambda: len(page.presenter.history(page.presenter.live).curve("train_loss")[0]) > 45)
    page.presenter.history_changed.emit()


def _finished(page: Any, wait: Wait) -> None:
    _some_runs(page)
    page.presenter.show([page.presenter.runs[0].path])
    page.run_view.notes.setPlainText("Rank 16 answers in the right manner; try fewer steps next.")


def _samples(page: Any, wait: Wait) -> None:
    _finished(page, wait)
    _scroll(page.run_view.area, page.run_view.area.verticalScrollBar().maximum, wait)


def _export(page: Any, wait: Wait) -> None:
    _finished(page, wait)
    page.open_export().set_folder(Path("/Users/you/Documents"))


def _compared(page: Any, wait: Wait) -> None:
    _some_runs(page)
    page.presenter.show([run.path for run in page.presenter.runs[:3]])


def _failed(page: Any, wait: Wait) -> None:
    _some_runs(page)
    _setup(page, wait)
    workers = page.presenter._services.workers
    workers._program = (*workers._program[:-1], "disk-full")
    page.presenter.start()
    wait(lambda: page.presenter.live is None)


def _dataset(page: Any) -> Path:
    path = Path(page.presenter._services.data_root) / "orders.jsonl"
    path.write_text("{}\n")
    return path


def _some_runs(page: Any) -> None:
    """Runs as a week of trying leaves them, in the scene's own home."""
    os.environ["GEMMA_MLX_HOME"] = str(page.presenter._services.data_root)
    states = (("pirate answers", "finished"), ("orders to json", "paused"), ("support mails", "failed"))
    for number, (name, state) in enumerate(states):
        folder = store.new_run_folder(name)
        settings = RunSettings(
            model="/models/gemma-2-2b-it-4bit",
            data=DataSettings(dataset=f"/data/{name}.jsonl"),
            training=TrainSettings(steps=200, learning_rate=2e-4 / (number + 1), seed=number),
        )
        steps = (200, 120, 60)[number]
        about = {
            "state": state, "step": steps, "total_steps": 200, "settings": settings.model_dump(mode="json"),
        }  # fmt: skip
        about["created"] = f"2026-11-0{5 - number}T09:30:00+00:00"
        (folder / "run.json").write_text(json.dumps(about))
        with (folder / "metrics.jsonl").open("w") as file:
            for step in range(1, steps + 1):
                wave = 0.12 * math.sin(step * 12.9898 + number) * math.cos(step * 78.233)
                loss = 0.5 + 0.1 * number + 2.2 * math.exp(-step / (35 + 20 * number)) + wave
                entry = {"step": step, "train_loss": loss, "tokens_per_second": 1810 + 40 * wave}
                entry |= {"learning_rate": 2e-4 * min(step / 10, 1) * (1 - step / 220), "memory_bytes": 3.3e9}
                file.write(json.dumps(entry) + "\n")
                if step % 40 == 0:
                    file.write(json.dumps({"step": step, "validation_loss": loss - wave + 0.08}) + "\n")
        with (folder / "samples.jsonl").open("w") as file:
            for prompt, before, after in (
                ("What is the capital of Italy?", "The capital of Italy is Rome.", "Arr, it be Rome, matey!"),
                ("What is 12 plus 7?", "12 plus 7 is 19.", "Avast! 12 plus 7 be 19, savvy!"),
            ):
                for step, text in ((0, before), (40, before + " Aye."), (200, after)):
                    file.write(json.dumps({"step": step, "prompt": prompt, "text": text}) + "\n")
        if state == "finished":
            (folder / "adapter").mkdir()
            (folder / "adapter" / "adapter_config.json").write_text("{}")
    page.presenter.refresh()


SCENES = (
    Scene(
        "finetune-empty",
        "finetune",
        "empty",
        lambda page, wait: wait(lambda: page.content.currentIndex() == 1),
    ),
    Scene("finetune-setup", "finetune", "normal", _setup),
    Scene("finetune-advanced", "finetune", "normal", _advanced),
    Scene("finetune-running", "finetune", "busy", _running),
    Scene("finetune-finished", "finetune", "normal", _finished),
    Scene("finetune-samples", "finetune", "normal", _samples),
    Scene("finetune-export", "finetune", "normal", _export),
    Scene("finetune-compare", "finetune", "normal", _compared),
    Scene("finetune-failed", "finetune", "normal", _failed),
)
