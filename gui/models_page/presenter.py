"""What the Models page does: list, import, quantize, delete and restore; decisions without a widget."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gemma_mlx.events import Event, Progress
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.worker import protocol
from gemma_mlx.worker.results import AdapterSummary, ModelSummary
from gui.services import Services
from gui.system import to_trash
from gui.worker_client import Failure, Job, WorkerProcess

Item = ModelSummary | AdapterSummary


class ModelsPresenter(QObject):
    """Asks workers and the file system; the view paints what the signals say."""

    listed = Signal(object)
    """ModelList: all models, anew."""
    failed = Signal(object)
    """Failure."""
    working = Signal(str, int, int)
    """Long work: what, done, total (0: not known). An empty text: it is over."""
    noted = Signal(str)
    """What the long work says besides: a file, the speed, the time left."""
    made = Signal(str)
    """path: a new model is there and should be selected."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._work: tuple[WorkerProcess, Job] | None = None
        self._select = ""
        self._waiting: list[str] = []
        self._note = ""
        services.library.listed.connect(self.listed)
        services.library.failed.connect(self.failed)

    @property
    def models(self) -> tuple[ModelSummary, ...]:
        return self._services.library.models

    @property
    def busy(self) -> bool:
        """Whether long work is under way; a second one has to wait."""
        return self._work is not None

    def refresh(self) -> None:
        """List again."""
        self._services.library.refresh()

    def accepts(self, path: Path) -> bool:
        """Whether this looks like a model's folder (a drop is offered or not)."""
        return (path / "config.json").is_file()

    def import_folder(self, path: Path) -> None:
        """Copy a model's folder into the library."""
        if not self.accepts(path):
            what = self.tr("This folder holds no model: there is no config.json in it.")
            fix = self.tr("Choose the folder that holds config.json and the .safetensors files.")
            self.failed.emit(Failure("no-model", what, str(path), fix))
            return
        self._begin(protocol.ImportModel(path=str(path)))

    def download(self, repository: str) -> None:
        """Fetch a model from the Hub, after what is under way; a stopped one goes on from where it was."""
        if self._work is None:
            self._begin(protocol.Download(repository=repository))
        elif repository not in self._waiting:
            self._waiting.append(repository)
            self._tell(self._note)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The models that are fetched when the long work is over, in this order."""
        return tuple(self._waiting)

    def quantize(self, model: ModelSummary, settings: QuantizeSettings, name: str) -> None:
        """Write a quantized copy."""
        self._begin(protocol.Quantize(model=model.path, settings=settings, name=name))

    def merge(self, model: ModelSummary, adapter: AdapterSummary, name: str) -> None:
        """Write a model that has the adapter folded in."""
        self._begin(protocol.MergeAdapter(model=model.path, adapter=adapter.path, name=name))

    def export(
        self, model: ModelSummary, adapter: AdapterSummary | None, kind: protocol.ExportFormat, target: Path
    ) -> None:
        """Write a model (and adapter) for another program, into a folder of the user's."""
        path = adapter.path if adapter is not None else None
        self._begin(protocol.ExportModel(model=model.path, adapter=path, format=kind, target=str(target)))

    def stop(self) -> None:
        """End the long work, whose traces the worker takes away; what waits comes next."""
        if self._work is not None:
            worker, job = self._work
            worker.cancel(job)

    def may_delete(self, item: Item) -> bool:
        """The demo model belongs to the app."""
        return not (isinstance(item, ModelSummary) and item.origin == "demo")

    def may_quantize(self, item: Item) -> bool:
        """Whether a quantized copy can be made: of a whole model in full width."""
        return isinstance(item, ModelSummary) and not item.problem and not item.quantization

    def may_use(self, item: Item, base: ModelSummary) -> bool:
        """Whether chatting and training can be offered."""
        return not base.problem and base.has_tokenizer

    def delete(self, item: Item) -> None:
        """Move to the trash, with an undo."""
        place = folder_to_delete(item)
        trashed = to_trash(place)
        if trashed is None:
            what = self.tr("{name} cannot be moved to the trash.").format(name=item.name)
            fix = self.tr("Delete the folder in the Finder.")
            self.failed.emit(Failure("no-trash", what, str(place), fix, self.tr("Nothing was deleted.")))
            return
        text = self.tr("{name} is in the trash").format(name=item.name)
        self._services.session.undo_offered.emit(text, lambda: self._restore(trashed, place))
        self._services.session.models_changed.emit()

    def suggested_name(self, model: ModelSummary, settings: QuantizeSettings) -> str:
        """A name for a quantized copy that is not taken: "gemma-2-2b-it-4bit"."""
        base = model.name.rsplit("/", 1)[-1]
        width = f"{settings.bits}bit" if settings.mode == "affine" else settings.mode
        return self.free_name(f"{base}-{width}")

    def free_name(self, name: str) -> str:
        """The name, with a number where it is taken."""
        taken = {model.name.rsplit("/", 1)[-1] for model in self.models}
        number = 1
        candidate = name
        while candidate in taken:
            number += 1
            candidate = f"{name}-{number}"
        return candidate

    def selection_wanted(self) -> str:
        """The path of what was just made, once."""
        path, self._select = self._select, ""
        return path

    def _restore(self, trashed: Path, place: Path) -> None:
        try:
            trashed.rename(place)
        except OSError as problem:
            what = self.tr("It cannot be put back: {reason}").format(reason=problem.strerror)
            fix = self.tr("Take it out of the trash in the Finder.")
            self.failed.emit(Failure("no-restore", what, str(trashed), fix, self.tr("It is in the trash.")))
        self._services.session.models_changed.emit()

    def _begin(self, command: protocol.Command) -> None:
        if self._work is not None:
            what = self.tr("Another model is being written.")
            fix = self.tr("Wait until it is done, or stop it.")
            self.failed.emit(Failure("busy", what, "", fix))
            return
        worker = self._services.workers.open()
        job = worker.run(command)
        self._work = (worker, job)
        self.working.emit(self.tr("Starting"), 0, 0)
        job.happened.connect(self._on_event)
        job.finished.connect(self._on_made)
        job.failed.connect(self._on_work_failed)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.working.emit(event.stage, event.done, event.total)
            self._tell(event.note)

    def _tell(self, note: str) -> None:
        self._note = note
        names = ", ".join(name.rsplit("/", 1)[-1] for name in self._waiting)
        parts = [note, self.tr("next: {names}").format(names=names) if names else ""]
        self.noted.emit(" · ".join(part for part in parts if part))

    def _on_made(self, data: dict[str, object]) -> None:
        self._end_work()
        if data.get("outcome") == "stopped":  # only a download keeps what it has
            text = self.tr("Stopped. What came is kept; downloading it again goes on from there.")
            self._services.session.toast.emit(text)
            return
        self._select = str(data.get("folder") or data.get("path") or "")
        text = self.tr("{name} is written").format(name=Path(self._select).name)
        self._services.session.toast.emit(text)
        self._services.session.models_changed.emit()

    def _on_work_failed(self, failure: Failure) -> None:
        self._end_work()
        if failure.code != "cancelled":
            self.failed.emit(failure)
        else:
            self._services.session.toast.emit(self.tr("Stopped. Nothing was written."))

    def _end_work(self) -> None:
        if self._work is not None:
            self._work[0].close()
        self._work = None
        self._note = ""
        self.working.emit("", 0, 0)
        if self._waiting:
            self._begin(protocol.Download(repository=self._waiting.pop(0)))
            self._tell("")


def folder_to_delete(item: Item) -> Path:
    """What is deleted with an item: of a model in the Hugging Face cache, all of its entry there."""
    path = Path(item.path)
    if isinstance(item, ModelSummary) and item.origin == "huggingface":
        entry = next((parent for parent in path.parents if parent.name.startswith("models--")), None)
        return entry or path
    return path
