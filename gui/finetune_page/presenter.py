"""What the Fine-tune page does: start, pause, resume, stop; the list of runs and what each has measured."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Event, Progress, Warning
from gemma_mlx.library import store
from gemma_mlx.library.store import RunEntry
from gemma_mlx.settings import RunSettings
from gemma_mlx.worker import protocol
from gui.finetune_page.run_files import (
    RESUMABLE,
    History,
    read_history,
    read_notes,
    read_run_settings,
    write_notes,
)
from gui.finetune_page.setup_presenter import SetupPresenter
from gui.services import Services
from gui.system import to_trash
from gui.worker_client import Failure, Job, WorkerProcess

REPAINT = 400
"""Milliseconds between repaints of live curves and progress, however fast the steps come."""


class FinetunePresenter(QObject):
    """One run is trained at a time; all runs can be looked at."""

    runs_changed = Signal(object)
    """list[RunEntry], newest first; the live run has its live state."""
    shown_changed = Signal(object)
    """list[Path]: what is looked at; empty: the setup of a new run."""
    history_changed = Signal()
    """Curves or samples of what is looked at."""
    progress = Signal(str, int, int)
    """stage, done, total of the live run; an empty stage: none is live."""
    failed = Signal(object, str)
    """Failure, path of the run that it is about ("")."""
    warned = Signal(object)
    """Warning event."""
    quiet = Signal(bool)
    making = Signal(str, int, int)
    """A merge or an export is under way: stage, done, total; an empty stage: it is over."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.setup = SetupPresenter(services)
        self.setup.setParent(self)
        self.runs: list[RunEntry] = []
        self.shown: list[Path] = []
        self.live: Path | None = None
        self.live_state = ""
        self.stage: tuple[str, int, int] = ("", 0, 0)
        self._worker: WorkerProcess | None = None
        self._job: Job | None = None
        self._making: tuple[WorkerProcess, Job] | None = None
        self._histories: dict[Path, History] = {}
        self._repaint = QTimer(self, singleShot=True, interval=REPAINT)
        self._repaint.timeout.connect(self._on_repaint)
        self._badge = -1

    # --- the list ---

    def refresh(self) -> None:
        """Read the runs' folders again."""
        runs = []
        for run in store.list_runs():
            if run.path == self.live:
                run = replace(run, state=self.live_state, step=0, steps=0)  # the view has the live step
            elif run.state == "new":
                continue  # a run that never began
            runs.append(run)
        if self.live is not None and self.live not in [run.path for run in runs]:
            name, settings = self.live.name, self.setup.settings
            runs.insert(
                0,
                RunEntry(
                    name, self.live, self.live_state, settings.model, settings.data.dataset, "", 0, 0, None
                ),
            )
        runs.sort(key=lambda run: run.path != self.live)  # the live one first, the others as they are
        self.runs = runs
        self.runs_changed.emit(runs)

    def run(self, path: Path) -> RunEntry | None:
        return next((run for run in self.runs if run.path == path), None)

    def show(self, paths: list[Path]) -> None:
        """Look at one run, compare several, or (none) set up a new one."""
        if paths != self.shown:
            self.shown = list(paths)
            self.shown_changed.emit(self.shown)

    def history(self, path: Path) -> History:
        """What a run has measured; of the live one as far as it is."""
        if path not in self._histories:
            self._histories[path] = read_history(path)
        return self._histories[path]

    # --- a run ---

    def start(self) -> None:
        """Begin a new run with the settings that are set up."""
        if self.live is not None or self.setup.missing():
            return
        try:
            folder = store.new_run_folder(self.setup.run_name())
        except GemmaError as problem:
            self.failed.emit(_failure(problem), "")
            return
        self._histories[folder] = History()
        self._begin(folder, self.setup.settings, resume=False)

    def resume(self, path: Path) -> None:
        """Go on from the newest checkpoint."""
        if self.live is not None:
            return
        settings = read_run_settings(path)
        if settings is None:
            what = self.tr("This run cannot go on: its run.json cannot be read.")
            self.failed.emit(Failure("no-run", what, str(path), self.tr("Start a new run.")), str(path))
            return
        self._histories.pop(path, None)
        self._begin(path, settings, resume=True)

    def pause(self) -> None:
        """Write a checkpoint and end, to go on later."""
        if self._worker is not None and self._job is not None:
            self._set_live_state("pausing")
            self._worker.pause(self._job)

    def stop(self) -> None:
        """End now and keep what was learned."""
        if self._worker is not None and self._job is not None:
            self._set_live_state("stopping")
            self._worker.cancel(self._job)

    def end_worker(self) -> None:
        """End a worker that does not answer, by force; the run can go on from its last checkpoint."""
        if self._worker is not None:
            self._worker.kill()

    def may_resume(self, run: RunEntry) -> bool:
        """Whether the run can go on, now."""
        return self.live is None and run.state in RESUMABLE and not (run.steps and run.step >= run.steps)

    def is_live(self, path: Path) -> bool:
        return path == self.live

    # --- what is made of a run ---

    def chat(self, run: RunEntry) -> None:
        """Talk to the result."""
        model, adapter = run.model, str(run.adapter) if run.adapter else ""
        if not adapter and (run.path / "model" / "config.json").is_file():
            model = str(run.path / "model")  # all weights were trained
        self._services.session.page_requested.emit("chat")
        self._services.session.chat_with.emit(model, adapter)

    def duplicate(self, run: RunEntry) -> None:
        """Set up a new run with this one's settings."""
        settings = read_run_settings(run.path)
        if settings is not None:
            self.setup.duplicate(settings)
            self.show([])

    def merge(self, run: RunEntry, name: str) -> None:
        """Write base and adapter as one model of the library."""
        if run.adapter is not None:
            self._make(protocol.MergeAdapter(model=run.model, adapter=str(run.adapter), name=name))

    def export(self, run: RunEntry, kind: protocol.ExportFormat, target: Path) -> None:
        """Write the result for another program, into a folder of the user's."""
        if run.adapter is not None:
            self._make(
                protocol.ExportModel(
                    model=run.model, adapter=str(run.adapter), format=kind, target=str(target)
                )
            )

    @property
    def busy(self) -> bool:
        """Whether a merge or an export is under way."""
        return self._making is not None

    def notes(self, path: Path) -> str:
        return read_notes(path)

    def set_notes(self, path: Path, text: str) -> None:
        if text == read_notes(path):
            return
        try:
            write_notes(path, text)
        except GemmaError as problem:
            self.failed.emit(_failure(problem), str(path))

    def delete(self, run: RunEntry) -> None:
        """Move the run to the trash, with an undo."""
        if self.is_live(run.path):
            return
        trashed = to_trash(run.path)
        if trashed is None:
            what = self.tr("{name} cannot be moved to the trash.").format(name=run.name)
            fix = self.tr("Delete the folder in the Finder.")
            self.failed.emit(Failure("no-trash", what, str(run.path), fix), str(run.path))
            return
        self._histories.pop(run.path, None)
        self.show([])
        self.refresh()
        text = self.tr("{name} is in the trash").format(name=run.name)
        self._services.session.undo_offered.emit(text, lambda: self._restore(trashed, run.path))
        self._services.session.models_changed.emit()

    def differences(self, paths: list[Path]) -> list[tuple[str, list[str]]]:
        """Settings in which runs differ: the name, and each run's value."""
        flat = [
            _flat(settings.model_dump()) if (settings := read_run_settings(path)) else {} for path in paths
        ]
        names = sorted({name for values in flat for name in values})
        rows = [
            (_setting_name(name), [_setting_value(values.get(name)) for values in flat]) for name in names
        ]
        return [row for row in rows if len(set(row[1])) > 1]

    # --- inside ---

    def _begin(self, folder: Path, settings: RunSettings, *, resume: bool) -> None:
        self.live = folder
        self._worker = self._services.workers.open()
        self._worker.quiet.connect(self.quiet)
        command = protocol.StartTraining(settings=settings, run_folder=str(folder), resume=resume)
        self._job = self._worker.run(command)
        self._job.happened.connect(self._on_event)
        self._job.finished.connect(self._on_finished)
        self._job.failed.connect(self._on_failed)
        self._set_live_state("starting")
        self._say_progress(self.tr("Starting"), 0, 0)
        self.show([folder])

    def _on_event(self, event: Event) -> None:
        if self.live is None:
            return
        if isinstance(event, Progress):
            if event.stage in ("Training", "Resuming"):
                if self.live_state == "starting":
                    self._set_live_state("running")
                if event.total:
                    self._show_badge(min(100, 100 * event.done // event.total))
            same = event.stage == self.stage[0]
            self.stage = (event.stage, event.done, event.total)
            if not same:
                self.progress.emit(*self.stage)
            elif not self._repaint.isActive():
                self._repaint.start()
        elif isinstance(event, Warning):
            self.warned.emit(event)
        if self.history(self.live).take(event) and not self._repaint.isActive():
            self._repaint.start()

    def _on_finished(self, data: dict[str, Any]) -> None:
        path, outcome = self._end_live(), str(data.get("outcome", "finished"))
        titles = {
            "finished": self.tr("The training is done"),
            "stopped": self.tr("The training was stopped; what was learned is kept"),
            "paused": self.tr("The training is paused"),
        }
        text = self.tr("{name}: step {step}").format(name=path.name, step=data.get("step", ""))
        self._services.session.notify.emit(titles.get(outcome, titles["finished"]), text)
        self._services.session.models_changed.emit()

    def _on_failed(self, failure: Failure) -> None:
        path = self._end_live()
        if not (path / "run.json").exists():
            self._histories.pop(path, None)
            with contextlib.suppress(OSError):
                path.rmdir()  # nothing was begun: no empty folder stays
            if self.shown == [path]:
                self.show([])
            self.refresh()
        self.failed.emit(failure, str(path))
        self._services.session.notify.emit(self.tr("The training ended with an error"), failure.what)

    def _end_live(self) -> Path:
        """The live run is over, whatever way."""
        path = self.live
        assert path is not None
        if self._worker is not None:
            self._worker.close()
        self.live, self.live_state, self._worker, self._job = None, "", None, None
        self._repaint.stop()
        self._show_badge(-1)
        self._say_progress("", 0, 0)
        self.quiet.emit(False)
        self.refresh()
        self.history_changed.emit()
        self.shown_changed.emit(self.shown)
        return path

    def _on_repaint(self) -> None:
        self.history_changed.emit()
        self.progress.emit(*self.stage)

    def _show_badge(self, percent: int) -> None:
        if percent != self._badge:
            self._badge = percent
            self._services.session.badge.emit(percent)

    def _set_live_state(self, state: str) -> None:
        self.live_state = state
        self.refresh()

    def _say_progress(self, stage: str, done: int, total: int) -> None:
        self.stage = (stage, done, total)
        self.progress.emit(stage, done, total)

    def _make(self, command: protocol.Command) -> None:
        if self._making is not None:
            return
        worker = self._services.workers.open()
        job = worker.run(command)
        self._making = (worker, job)
        self.making.emit(self.tr("Starting"), 0, 0)
        job.happened.connect(self._on_making)
        job.finished.connect(self._on_made)
        job.failed.connect(self._on_not_made)

    def _on_making(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.making.emit(event.stage, event.done, event.total)
        elif isinstance(event, Warning):
            self.warned.emit(event)

    def _on_made(self, data: dict[str, Any]) -> None:
        self._end_making()
        place = Path(str(data.get("folder") or data.get("path") or "")).name
        self._services.session.toast.emit(self.tr("{name} is written").format(name=place))
        self._services.session.models_changed.emit()

    def _on_not_made(self, failure: Failure) -> None:
        self._end_making()
        self.failed.emit(failure, "")

    def _end_making(self) -> None:
        if self._making is not None:
            self._making[0].close()
        self._making = None
        self.making.emit("", 0, 0)

    def _restore(self, trashed: Path, place: Path) -> None:
        try:
            trashed.rename(place)
        except OSError as problem:
            what = self.tr("It cannot be put back: {reason}").format(reason=problem.strerror)
            fix = self.tr("Take it out of the trash in the Finder.")
            self.failed.emit(Failure("no-restore", what, str(trashed), fix), "")
        self.refresh()
        self._services.session.models_changed.emit()


def _failure(problem: GemmaError) -> Failure:
    return Failure(problem.code, problem.what, problem.where, problem.fix, problem.kept)


def _setting_name(path: str) -> str:
    """ "training.learning_rate" as the form calls it: "Learning rate"."""
    kind: Any = RunSettings
    field = None
    for part in path.split("."):
        field = kind.model_fields.get(part) if hasattr(kind, "model_fields") else None
        if field is None:
            return path
        inner = [member for member in get_args(field.annotation) if hasattr(member, "model_fields")]
        kind = inner[0] if inner else field.annotation
    title = (field.title if field is not None else "") or path.replace("_", " ").capitalize()
    return QCoreApplication.translate("Settings", title)


def _setting_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
