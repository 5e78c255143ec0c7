"""`--self-test`: the app tries itself: window, worker, quantizing, training, chat, PyTorch's numbers.

It needs no screen and no network and writes only into a folder of its own in the app's data folder, which it
removes. Exit status 0 when all is well; else the report says what failed, with the worker's last words.
"""

from __future__ import annotations

import base64
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QProcess, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from gemma_mlx.events import Event, Metrics
from gemma_mlx.library.store import data_root
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, SamplingSettings, TrainSettings
from gemma_mlx.worker import protocol
from gui.assets import asset
from gui.diagnostics import anonymous, diagnostics
from gui.worker_client import Failure, Job, Outcome, WorkerProcess

WINDOW_SECONDS = 2.0
WORKER_SECONDS = 3.0
"""What is promised of a warm start. A busy machine may miss it: it is told, and fails nothing."""

QUESTION, ANSWER = "What is the capital of Italy?", "Rome"
_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message.role + '\\n' }}"
    "{{ message.content + '<end_of_turn>\\n' }}{% endfor %}{{ '<start_of_turn>model\\n' }}"
)
"""Gemma's form but for the blanks around a message, which it keeps: so it is not taken for Gemma's own."""
_PARQUET = (
    "UEFSMRUAFSYVJiwVBBUAFQYVBhwAAAACAAAABAECAAAASGkDAAAAQnllFQAVNBU0LBUEFQAVBhUGHAAAAAIAAAAEAQUAAABIZWxsbwcAAABT"
    "ZWUgeW91FQQZPDUAGAZzY2hlbWEVBAAVDCUCGAZwcm9tcHQlAEwcAAAAFQwlAhgKY29tcGxldGlvbiUATBwAAAAWBBkcGSwmABwVDBklBgAZ"
    "GAZwcm9tcHQVABYEFkwWTCYISRwVABUAFQIAPBYKGQYZJgAEAAAAJgAcFQwZJQYAGRgKY29tcGxldGlvbhUAFgQWWhZaJlRJHBUAFQAVAgA8"
    "FhgZBhkmAAQAAAAWpgEWBCYIFqYBACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZLBwAABwAAADdAAAAUEFSMQ=="
)
"""A table of two rows, "prompt" and "completion"."""


class Failed(Exception):
    """A step's result is not what it should be."""


@dataclass
class Bench:
    """What the steps share. `engine` is the command line as a program, `worker` the worker."""

    qt: QApplication
    folder: Path
    engine: Sequence[str]
    worker: Sequence[str]
    window: Sequence[str]
    app: Any = None
    quantized: str = ""
    adapter: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def model(self) -> str:
        return str(asset("demo", "model"))

    def open(self) -> WorkerProcess:
        """A worker that has said hello."""
        worker = WorkerProcess(self.worker, parent=self.qt)
        loop, ends = QEventLoop(), list[Outcome]()
        worker.ended.connect(ends.append)
        worker.ended.connect(loop.quit)
        worker.hello.connect(loop.quit)
        worker.start()
        QTimer.singleShot(60_000, loop, loop.quit)
        loop.exec()
        if ends or not worker.pid:
            self.log += ends[0].log.splitlines()[-40:] if ends else []
            raise Failed(f"the worker did not start: {ends[0].kind if ends else 'no answer in a minute'}")
        return worker

    def result(self, worker: WorkerProcess, command: protocol.Command, seconds: int = 240) -> dict[str, Any]:
        """What a command comes to, once it is over; its metrics are under "metrics"."""
        job = worker.run(command)
        happened: list[Event] = []
        job.happened.connect(happened.append)
        outcome = self._wait(job, seconds)
        if isinstance(outcome, Failure):
            self.log += [outcome.where, outcome.fix, *outcome.log.splitlines()[-40:]]
            raise Failed(f"{outcome.code}: {outcome.what}")
        return {**outcome, "metrics": [event for event in happened if isinstance(event, Metrics)]}

    def _wait(self, job: Job, seconds: int) -> dict[str, Any] | Failure:
        loop, outcomes = QEventLoop(), list[Any]()
        for signal in (job.finished, job.failed):
            signal.connect(outcomes.append)
            signal.connect(loop.quit)
        QTimer.singleShot(seconds * 1000, loop, loop.quit)
        loop.exec()
        return outcomes[0] if outcomes else Failure("no-answer", f"no answer within {seconds} s")

    def command(self, *words: str, seconds: int = 480) -> dict[str, Any]:
        """The document that a command of the command line gives."""
        process = QProcess(self.qt)
        process.setProgram(self.engine[0])
        process.setArguments([*self.engine[1:], *words, "--json"])
        loop = QEventLoop()
        process.finished.connect(loop.quit)
        process.errorOccurred.connect(loop.quit)
        process.start()
        QTimer.singleShot(seconds * 1000, loop, loop.quit)
        loop.exec()
        ended = process.state() == QProcess.ProcessState.NotRunning
        if not ended:
            process.kill()
            process.waitForFinished(2000)
        said = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
        self.log += bytes(process.readAllStandardError().data()).decode("utf-8", "replace").splitlines()[-20:]
        try:
            document = json.loads(said)
        except ValueError:
            why = f"status {process.exitCode()}" if ended else f"no answer within {seconds} s"
            raise Failed(f"{words[0]} gave no result ({why}): {said[-500:]}") from None
        if "error" in document:
            raise Failed(f"{words[0]}: {document['error']}")
        return dict(document)

    def answer(self, model: str, adapter: str | None = None) -> str:
        """What a model says to the question, greedily."""
        worker = self.open()
        try:
            self.result(worker, protocol.LoadForChat(model=model, adapter=adapter))
            turn = protocol.ChatTurn(
                messages=[protocol.ChatMessage(role="user", content=QUESTION)],
                sampling=SamplingSettings(temperature=0.0, max_tokens=32),
            )
            text = str(self.result(worker, turn).get("text", "")).strip()
        finally:
            end(worker)
        if not text:
            raise Failed("the model said nothing")
        return text


def end(worker: WorkerProcess) -> None:
    """Close a worker and wait for it."""
    worker.close()
    if not worker.wait(7000):
        worker.kill()
        worker.wait(1000)


def window_step(bench: Bench) -> str:
    """The window and all its pages are built and painted."""
    from gui.app import PAGES, build

    state = QSettings(str(bench.folder / "state.ini"), QSettings.Format.IniFormat)
    state.setValue("app/language", "en")
    bench.app = build(bench.qt, state=state, worker=bench.worker, root=bench.folder)
    window = bench.app.window
    window.show()
    for page in PAGES:
        window.page_of(page.key)  # here, so that what goes wrong is raised
        window.sidebar.select(page.key)
        bench.qt.processEvents()
        if window.current != page.key:
            raise Failed(f"the page {page.key} does not come to the front")
        picture = window.grab().toImage()
        colours = {
            picture.pixel(x, y) for x in range(0, picture.width(), 9) for y in range(0, picture.height(), 9)
        }
        if len(colours) < 3:
            raise Failed(f"the page {page.key} is blank")
    return f"{len(PAGES)} pages painted"


def worker_step(bench: Bench) -> str:
    """The worker answers, and knows the demo model."""
    worker = bench.open()
    try:
        found = bench.result(worker, protocol.InspectModel(path=bench.model))
    finally:
        end(worker)
    if found.get("problem"):
        raise Failed(str(found["problem"]))
    return f"{found['name']}: {found['parameters']:,} parameters"


def quantize_step(bench: Bench) -> str:
    """The demo model in 4 bits."""
    worker = bench.open()
    try:
        settings = QuantizeSettings(bits=4, group_size=32)
        command = protocol.Quantize(model=bench.model, settings=settings, name="self-test-4bit")
        bench.quantized = str(bench.result(worker, command)["folder"])
    finally:
        end(worker)
    weights = Path(bench.quantized, "model.safetensors").stat().st_size
    if weights >= Path(bench.model, "model.safetensors").stat().st_size:
        raise Failed("the quantized weights are not smaller")
    return f"{weights / 1e6:.1f} MB"


def train_step(bench: Bench) -> str:
    """Five steps of QLoRA on the 4-bit model."""
    settings = RunSettings(
        model=bench.quantized or bench.model,
        data=DataSettings(dataset=str(asset("demo", "pirate", "valid.jsonl")), limit=24, validation_split=0),
        training=TrainSettings(steps=5, batch_size=2, warmup_steps=1, save_every=5),
    )
    folder = bench.folder / "runs" / "self-test"
    folder.mkdir(parents=True)
    worker = bench.open()
    try:
        command = protocol.StartTraining(settings=settings, run_folder=str(folder))
        done = bench.result(worker, command, seconds=480)
    finally:
        end(worker)
    losses = [each.values["train_loss"] for each in done["metrics"] if "train_loss" in each.values]
    if len(losses) != 5 or not all(math.isfinite(loss) for loss in losses):
        raise Failed(f"5 finite losses were expected, not {losses}")
    bench.adapter = str(done["adapter"])
    if not Path(bench.adapter, "adapter_model.safetensors").is_file():
        raise Failed(f"no adapter in {bench.adapter}")
    return f"losses {losses[0]:.3f} to {losses[-1]:.3f}"


def chat_step(bench: Bench) -> str:
    """The demo model answers right, and the trained one answers."""
    said = bench.answer(bench.model)
    if ANSWER not in said:
        raise Failed(f"{QUESTION} {said!r} does not name {ANSWER}")
    tuned = bench.answer(bench.quantized or bench.model, bench.adapter or None)
    return f"{said!r}; tuned in 4 bit: {tuned!r}"


def template_step(bench: Bench) -> str:
    """A template of another make is rendered in its sandbox, a process of its own."""
    folder = bench.folder / "models" / "template"
    shutil.copytree(bench.model, folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "chat_template": _TEMPLATE}), encoding="utf-8")
    said = bench.answer(str(folder))
    if ANSWER not in said:
        raise Failed(f"{said!r} does not name {ANSWER}")
    return repr(said)


def dataset_step(bench: Bench) -> str:
    """A parquet table is read."""
    path = bench.folder / "rows.parquet"
    path.write_bytes(base64.b64decode(_PARQUET))
    worker = bench.open()
    try:
        command = protocol.InspectDataset(settings=DataSettings(dataset=str(path)), model=bench.model)
        overview = bench.result(worker, command)
    finally:
        end(worker)
    if overview.get("usable") != 2:
        raise Failed(f"2 usable rows were expected: {overview}")
    return "2 rows of parquet"


def export_step(bench: Bench) -> str:
    """The demo model as GGUF, by the command line."""
    folder = bench.folder / "gguf"
    bench.command("export", "demo", "--out", str(folder), "--width", "q8_0")
    sizes = [path.stat().st_size for path in folder.glob("*.gguf") if path.read_bytes()[:4] == b"GGUF"]
    if not sizes:
        raise Failed("no GGUF file was written")
    return f"{max(sizes) / 1e6:.1f} MB"


def recording_step(bench: Bench) -> str:
    """This machine's numbers against PyTorch's, which came with the app."""
    document = bench.command("verify", "demo")
    summary = f"{document['passed']} within limits, {document['failed']} beyond, on {document['device']}"
    if document["failed"] or not document["passed"]:
        raise Failed(f"{summary}. {document['first_deviation']}")
    return summary


def speed_step(bench: Bench) -> str:
    """How long a warm start takes until the window is painted or the worker says hello: the best of two."""
    seconds = {}
    programs = {"window": (bench.window, WINDOW_SECONDS), "worker": (bench.worker, WORKER_SECONDS)}
    for name, (program, limit) in programs.items():
        _cold, *warm = [_time_to_first_line(bench, program) for _ in range(3)]
        slow = "" if min(warm) <= limit else " (LATE)"
        seconds[name] = f"{name} {min(warm):.2f} s of {limit:.0f} s{slow}"
    return ", ".join(seconds.values())


def _time_to_first_line(bench: Bench, program: Sequence[str]) -> float:
    """Seconds from starting a program to the first line that it writes."""
    process = QProcess(bench.qt)
    process.setProgram(program[0])
    process.setArguments(list(program[1:]))
    process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
    loop = QEventLoop()
    process.readyReadStandardOutput.connect(loop.quit)
    process.finished.connect(loop.quit)
    process.errorOccurred.connect(loop.quit)
    started = time.monotonic()
    process.start()
    QTimer.singleShot(60_000, loop, loop.quit)
    loop.exec()
    took = time.monotonic() - started
    spoke = process.bytesAvailable() > 0
    process.closeWriteChannel()
    if not process.waitForFinished(7000):
        process.kill()
        process.waitForFinished(1000)
    if not spoke:
        raise Failed(f"{Path(program[0]).name} {' '.join(program[1:])} said nothing")
    return took


STEPS: dict[str, Callable[[Bench], str]] = {
    "window": window_step,
    "worker": worker_step,
    "quantize": quantize_step,
    "train": train_step,
    "chat": chat_step,
    "template": template_step,
    "dataset": dataset_step,
    "export": export_step,
    "recording": recording_step,
    "speed": speed_step,
}


def self_test(
    qt: QApplication,
    *,
    engine: Sequence[str],
    worker: Sequence[str],
    window: Sequence[str],
    only: Sequence[str],
) -> int:
    """Run the steps (those named in `only`, or all) and print the report; gives the exit status.

    `window` is a program that shows the window, writes a line when it is painted, and ends.
    """
    unknown = [name for name in only if name not in STEPS]
    if unknown:
        say(f"There is no step {', '.join(unknown)}; the steps are {', '.join(STEPS)}.")
        return 2
    began, failed, bundle = time.monotonic(), 0, listing()
    folder = data_root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".self-test-", dir=folder))
    except OSError as problem:
        say(f"FAILED folder: {anonymous(str(problem))}")
        return 1
    os.environ["GEMMA_MLX_HOME"] = str(folder)  # the workers' too
    bench = Bench(qt, folder, engine, worker, window)
    try:
        for name, step in STEPS.items():
            if not only or name in only:
                failed += _run(bench, name, step)
        written = sorted(bundle ^ listing())
        if written:
            failed += 1
            say(f"FAILED {'unchanged':<10} the app wrote into itself: {written[:5]}")
    finally:
        if bench.app is not None:
            bench.app.close()
            bench.app.window.deleteLater()
        shutil.rmtree(folder, ignore_errors=True)
    say(f"{'FAILED' if failed else 'All is well'}, {time.monotonic() - began:.0f} s")
    if failed:
        say(diagnostics(()))
    return int(failed > 0)


def _run(bench: Bench, name: str, step: Callable[[Bench], str]) -> int:
    """One step and its line; gives 1 when it failed."""
    began = time.monotonic()
    bench.log.clear()
    try:
        note = step(bench)
    except Exception as problem:  # whatever it is, it belongs into the report
        kind = "" if isinstance(problem, Failed) else f"{type(problem).__name__}: "
        say(f"FAILED {name:<10} {time.monotonic() - began:6.1f} s  {anonymous(f'{kind}{problem}')}")
        for line in bench.log:
            say(f"       | {anonymous(line)}")
        return 1
    say(f"ok     {name:<10} {time.monotonic() - began:6.1f} s  {anonymous(note)}")
    return 0


def listing() -> set[tuple[str, int, int]]:
    """Every file of the bundle with its size and time; nothing outside a bundle."""
    if not getattr(sys, "frozen", False):
        return set()
    root = Path(sys.executable).parent
    root = root.parent if root.name == "MacOS" else root
    files = (path for path in root.rglob("*") if path.is_file())
    return {(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def say(line: str) -> None:
    """One line of the report, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
