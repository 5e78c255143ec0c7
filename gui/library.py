"""The models on this machine, asked of a worker once and shared by the pages that let one be chosen."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from gemma_mlx.worker import protocol
from gemma_mlx.worker.results import ModelList, ModelSummary
from gui.worker_client import Failure, Job, WorkerClient


class Library(QObject):
    """`refresh` lists anew; `models` is what was listed last."""

    listed = Signal(object)
    """ModelList."""
    listing = Signal(bool)
    """A list is being made (the old one stays)."""
    failed = Signal(object)
    """Failure."""

    def __init__(self, workers: WorkerClient) -> None:
        super().__init__()
        self._workers = workers
        self._job: Job | None = None
        self._again = False
        self._asked = False
        self._models: tuple[ModelSummary, ...] = ()
        self.known = False
        """Whether a list was made yet: a page that is built later does not hear `listed`."""

    @property
    def models(self) -> tuple[ModelSummary, ...]:
        """All of them, also those that cannot be used."""
        return self._models

    @property
    def usable(self) -> tuple[ModelSummary, ...]:
        """Those that can be chosen for a chat or a run."""
        return tuple(model for model in self._models if not model.problem and model.has_tokenizer)

    def model(self, path: str) -> ModelSummary | None:
        return next((model for model in self._models if model.path == path), None)

    def ensure(self) -> None:
        """List once; later calls do nothing."""
        if not self._asked:
            self.refresh()

    def refresh(self) -> None:
        """List again. A wish that comes while a list is being made leads to one more list after it."""
        self._asked = True
        if self._job is not None:
            self._again = True
            return
        self.listing.emit(True)
        self._job = self._workers.ask(protocol.ListModels())
        self._job.finished.connect(self._on_listed)
        self._job.failed.connect(self._on_failed)

    def _on_listed(self, data: dict[str, object]) -> None:
        self._job = None
        answer = ModelList.model_validate(data)
        self._models = answer.models
        self.known = True
        self.listing.emit(False)
        self.listed.emit(answer)
        if self._again:
            self._again = False
            self.refresh()

    def _on_failed(self, failure: Failure) -> None:
        self._job = None
        self._again = self._asked = False
        self.listing.emit(False)
        self.failed.emit(failure)
