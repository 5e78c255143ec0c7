"""What the Datasets page does: open, look through, map columns, hand rows to the table as they are needed."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gemma_mlx import events
from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import DataSettings
from gemma_mlx.worker import protocol
from gemma_mlx.worker.results import DatasetOverview, RowPreview, RowsPreview
from gui.assets import asset
from gui.datasets_page.formats import SUFFIXES
from gui.services import Services
from gui.worker_client import Failure, Job, Outcome, WorkerProcess

PAGE_ROWS = 50
PAGES_KEPT = 60
RECENT_KEPT = 8
SETTLE = 350
"""Milliseconds after the last change of a setting before the dataset is looked through anew."""


class DatasetsPresenter(QObject):
    """One dataset at a time, in a worker of its own that stays as long as the dataset is open."""

    opened = Signal(str)
    """path: a dataset is being opened (again, after a change of settings)."""
    closed = Signal()
    """Nothing is open any more: the file could not be opened."""
    overview_changed = Signal(object)
    """DatasetOverview, growing until it is complete."""
    progress = Signal(int, int)
    """done, total of the looking through; 0, 0 when it is over."""
    rows_changed = Signal(int, int)
    """first, last: rows that have arrived."""
    failed = Signal(object)
    """Failure."""
    warned = Signal(object)
    """Warning event."""
    quiet = Signal(bool)
    """The worker does not answer / answers again."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.settings = DataSettings()
        self.model = ""
        self.overview: DatasetOverview | None = None
        self._worker: WorkerProcess | None = None
        self._job: Job | None = None
        self._rows: OrderedDict[int, dict[int, list[RowPreview]]] = OrderedDict()
        self._asked: dict[int, Job] = {}
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self._inspect)

    # --- opening ---

    def accepts(self, path: Path) -> bool:
        """Whether this looks like a dataset: a file of a known ending, or a folder with such files in it."""
        if path.is_dir():
            return any(self.accepts(entry) for entry in path.iterdir() if entry.is_file())
        name = path.name.lower().removesuffix(".gz")
        return name.endswith(SUFFIXES)

    def open(self, path: str) -> None:
        """Open a file or folder, with what was set for it the last time."""
        self._remember_recent(path)
        self.settings = self._remembered_settings(path)
        self._close_worker()
        self._inspect()

    def open_demo(self) -> None:
        """Open the dataset that comes with the app."""
        self.open(str(demo_dataset()))

    def has_demo(self) -> bool:
        return demo_dataset().exists()

    def recent(self) -> list[str]:
        """Paths opened before that are still there, the newest first."""
        stored: Any = self._services.state.value("datasets/recent", [])
        paths = [stored] if isinstance(stored, str) else list(stored or [])
        return [path for path in paths if isinstance(path, str) and Path(path).exists()]

    def close(self) -> None:
        """Let go of the dataset."""
        self._close_worker()
        self.overview = None
        self.settings = DataSettings()
        self.closed.emit()

    # --- settings ---

    def change(self, **values: Any) -> str:
        """Change settings; gives why they are refused, or "" and looks through the dataset anew."""
        try:
            changed = check_settings(DataSettings, {**self.settings.model_dump(), **values}, "dataset")
        except SettingsError as problem:
            return problem.what
        if changed != self.settings:
            self.settings = changed
            self._settle.start()
        return ""

    def choose_format(self, name: str) -> None:
        """Read rows in another format; a mapping of the former one no longer counts."""
        self.change(format=name, columns={})

    def map_column(self, field: str, column: str) -> None:
        """Take one of our columns from a column of the file; "" leaves it out."""
        current = dict(self.overview.mapping) if self.overview else {}
        columns = {**current, **self.settings.columns, field: column}
        columns = {name: value for name, value in columns.items() if value}
        self.change(columns=columns)

    def choose_model(self, path: str) -> None:
        """Whose tokenizer and chat template to use."""
        if path != self.model:
            self.model = path
            self._services.state.setValue("datasets/model", path)
            if self.settings.dataset:
                self._settle.start()

    def choose_default_model(self) -> None:
        """The model of the last time, or the first that can be used."""
        usable = [model.path for model in self._services.library.usable]
        last = str(self._services.state.value("datasets/model", "") or "")
        if self.model not in usable and usable:
            self.choose_model(last if last in usable else usable[0])

    # --- rows ---

    def row(self, index: int) -> list[RowPreview] | None:
        """The examples of a row, or None while they are on their way."""
        page = index // PAGE_ROWS
        held = self._rows.get(page)
        if held is not None:
            self._rows.move_to_end(page)
            return held.get(index, [])
        self._ask_for(page)
        return None

    # --- the end ---

    def train(self) -> None:
        """Take the dataset to the fine-tune page."""
        self._services.session.page_requested.emit("finetune")
        self._services.session.train_with.emit("", self.settings)

    def may_train(self) -> bool:
        """Whether there is something to learn from, and no bad row that would be refused."""
        overview = self.overview
        if overview is None or overview.trouble or not overview.usable:
            return False
        return not overview.problem_count or self.settings.bad_rows == "leave_out"

    def refused(self) -> bool:
        """Whether training would refuse the dataset for its bad rows."""
        overview = self.overview
        if overview is None or not overview.complete or not overview.usable:
            return False
        return overview.problem_count > 0 and self.settings.bad_rows == "refuse"

    def _inspect(self) -> None:
        """Look through the dataset with the settings in force."""
        self._settle.stop()
        self._rows.clear()
        self._asked.clear()
        if self._worker is None or not self._worker.alive:
            self._worker = self._services.workers.open()
            self._worker.quiet.connect(self.quiet)
            self._worker.ended.connect(self._on_ended)
        elif self._job is not None and not self._job.over:
            self._worker.cancel(self._job)
        self.overview = None
        self._save_settings()
        self.opened.emit(self.settings.dataset)
        command = protocol.InspectDataset(settings=self.settings, model=self.model)
        self._job = job = self._worker.run(command)
        job.part.connect(self._on_part)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.happened.connect(self._on_event)
        self._ask_for(0)

    def _ask_for(self, page: int) -> None:
        if page in self._asked or self._worker is None or not self._worker.alive:
            return
        job = self._worker.run(protocol.PreviewRows(start=page * PAGE_ROWS, count=PAGE_ROWS))
        self._asked[page] = job
        job.finished.connect(self._on_rows)
        job.failed.connect(self._on_rows_failed)

    def _asked_by(self, job: QObject) -> int | None:
        """The page that a job fetches; None if it was asked for under other settings."""
        return next((page for page, asked in self._asked.items() if asked is job), None)

    def _on_rows(self, data: dict[str, Any]) -> None:
        page = self._asked_by(self.sender())
        if page is None:
            return
        del self._asked[page]
        held: dict[int, list[RowPreview]] = {}
        for row in RowsPreview.model_validate(data).rows:
            held.setdefault(row.index, []).append(row)
        if not held:
            return
        self._rows[page] = held
        while len(self._rows) > PAGES_KEPT:
            self._rows.popitem(last=False)
        self.rows_changed.emit(min(held), max(held))

    def _on_rows_failed(self, _failure: Failure) -> None:
        page = self._asked_by(self.sender())
        if page is not None:
            del self._asked[page]

    def _on_part(self, _name: str, data: dict[str, Any]) -> None:
        if self.sender() is self._job:
            self._show(data)

    def _on_finished(self, data: dict[str, Any]) -> None:
        if self.sender() is self._job:
            self.progress.emit(0, 0)
            self._show(data)

    def _show(self, data: dict[str, Any]) -> None:
        self.overview = DatasetOverview.model_validate(data)
        self.overview_changed.emit(self.overview)

    def _on_failed(self, failure: Failure) -> None:
        if self.sender() is not self._job or failure.code == "cancelled":
            return
        self.progress.emit(0, 0)
        if self.overview is None:
            self._close_worker()
            self.closed.emit()
        self.failed.emit(failure)

    def _on_event(self, event: events.Event) -> None:
        if self.sender() is not self._job:
            return
        if isinstance(event, events.Progress):
            self.progress.emit(event.done, max(event.total, 1))
        elif isinstance(event, events.Warning):
            self.warned.emit(event)

    def _on_ended(self, _outcome: Outcome) -> None:
        self.quiet.emit(False)

    def _close_worker(self) -> None:
        self._job = None
        self._rows.clear()
        self._asked.clear()
        if self._worker is not None:
            self._worker.close()
        self._worker = None
        self.progress.emit(0, 0)

    def _remember_recent(self, path: str) -> None:
        paths = [path, *(other for other in self.recent() if other != path)][:RECENT_KEPT]
        self._services.state.setValue("datasets/recent", paths)

    def _save_settings(self) -> None:
        name = f"datasets/settings/{_key(self.settings.dataset)}"
        self._services.state.setValue(name, self.settings.model_dump_json())

    def _remembered_settings(self, path: str) -> DataSettings:
        stored = self._services.state.value(f"datasets/settings/{_key(path)}", "")
        try:
            settings = DataSettings.model_validate_json(str(stored))
        except ValueError:
            settings = DataSettings()
        return settings.model_copy(update={"dataset": path})


def demo_dataset() -> Path:
    """The embedded dataset's folder."""
    return asset("demo", "pirate")


def _key(path: str) -> str:
    """A path as a name in the state file, where slashes make groups."""
    return path.replace("/", "\u2215").replace("\\", "\u2216")
