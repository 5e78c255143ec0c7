"""The only QProcess: starts workers, sends commands, reads messages, and says how each of them ended."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from gemma_mlx import events
from gemma_mlx.worker import protocol
from gui.line_buffer import LineBuffer, LineTooLong

OutcomeKind = Literal["finished", "crashed", "stopped", "garbage", "unstartable", "mute"]


@dataclass(frozen=True)
class Timing:
    """Patience, in milliseconds. Tests use short ones."""

    hello: int = 60_000
    quiet: int = 10_000
    close: int = 6_000
    terminate: int = 2_000
    drain: int = 8


@dataclass(frozen=True)
class Outcome:
    """How a worker ended. `signal_number` is 0 unless a signal ended it; `log` is the end of its stderr."""

    kind: OutcomeKind
    exit_code: int = 0
    signal_number: int = 0
    detail: str = ""
    log: str = ""


@dataclass(frozen=True)
class Failure:
    """What a page shows when a job fails: what, where, how to mend it, what was kept."""

    code: str
    what: str
    where: str = ""
    fix: str = ""
    kept: str = ""
    problems: tuple[dict[str, Any], ...] = field(default=())
    log: str = ""


class Job(QObject):
    """One command's answers. After `finished` or `failed` nothing more comes."""

    happened = Signal(object)
    """Event: each of the engine's events, `Done` included."""
    part = Signal(str, object)
    """name, dict: a part of the result that comes early."""
    finished = Signal(object)
    """dict: the result's data; for long work the `Done` event's result with its "outcome"."""
    failed = Signal(object)
    """Failure."""

    def __init__(self, identifier: str, parent: QObject) -> None:
        super().__init__(parent)
        self.identifier = identifier
        self.over = False
        self.checkpoint: events.Checkpoint | None = None

    def take(self, message: protocol.Message) -> None:
        """Hand on a message that belongs to this job."""
        if self.over:
            return
        if isinstance(message, protocol.EventMessage):
            event = message.event
            if isinstance(event, events.Checkpoint):
                self.checkpoint = event
            self.over = isinstance(event, events.Done)
            self.happened.emit(event)
            if isinstance(event, events.Done):
                self.finished.emit({**event.result, "outcome": event.outcome})
        elif isinstance(message, protocol.PartMessage):
            self.part.emit(message.name, message.data)
        elif isinstance(message, protocol.ResultMessage):
            self.over = True
            self.finished.emit(message.data)
        elif isinstance(message, protocol.ErrorMessage):
            self.fail(
                Failure(
                    message.code, message.what, message.where, message.fix, message.kept, message.problems
                )
            )

    def fail(self, failure: Failure) -> None:
        """End the job as failed; the last checkpoint that was announced is named as kept."""
        if self.over:
            return
        self.over = True
        if not failure.kept and self.checkpoint is not None:
            kept = self.tr("The checkpoint of step {step} is safe on disk.").format(step=self.checkpoint.step)
            failure = replace(failure, kept=kept)
        self.failed.emit(failure)


class WorkerProcess(QObject):
    """One worker. Commands may be sent at once; they wait in the pipe until the worker is up."""

    hello = Signal(object)
    quiet = Signal(bool)
    """True: nothing was heard for a while (stopped, or the machine is swapping); False: it is back."""
    heartbeat = Signal(object)
    ended = Signal(object)
    """Outcome; the last signal of a worker."""

    def __init__(self, program: Sequence[str], timing: Timing | None = None, parent: QObject | None = None):
        super().__init__(parent)
        self._timing = timing or Timing()
        self._jobs: dict[str, Job] = {}
        self._count = 0
        self._pid = 0
        self._buffer = LineBuffer(protocol.MAX_LINE_BYTES)
        self._lines: deque[bytes] = deque()
        self._log: deque[bytes] = deque(maxlen=64)
        self._spoke = False
        self._is_quiet = False
        self._asked_to_stop = False
        self._violation = ""
        self._exit: tuple[int, QProcess.ExitStatus] | None = None
        self._over = False
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        self._process.setProcessEnvironment(environment)
        self._process.setProgram(program[0])
        self._process.setArguments(list(program[1:]))
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_log)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_process_error)
        self._silence = QTimer(self, singleShot=True)
        self._silence.timeout.connect(self._on_silence)
        self._stages = QTimer(self, singleShot=True)
        self._stages.timeout.connect(self._next_stage)
        self._stage = 0
        self._drain_timer = QTimer(self, singleShot=True, interval=0)
        self._drain_timer.timeout.connect(self._drain)

    @property
    def alive(self) -> bool:
        return not self._over

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def busy(self) -> bool:
        return any(not job.over for job in self._jobs.values())

    def start(self) -> None:
        self._silence.start(self._timing.hello)
        self._process.started.connect(self._on_started)
        self._process.start()

    def run(self, command: protocol.Command) -> Job:
        """Send a command as a new job. A job of a worker that is gone fails at the next turn of the loop."""
        self._count += 1
        job = Job(f"{command.type}-{self._count}", self)  # type: ignore[attr-defined]
        self._jobs[job.identifier] = job
        if self._over:
            failure = Failure("worker-gone", self.tr("The worker has already ended."), fix=self._again())
            QTimer.singleShot(0, self, lambda: job.fail(failure))
        else:
            self._send(command.model_copy(update={"job": job.identifier}))
        return job

    def cancel(self, job: Job) -> None:
        """Ask the job to stop at its next step and keep what there is."""
        self._send(protocol.Cancel(target=job.identifier))

    def pause(self, job: Job) -> None:
        """Ask the job to write a checkpoint and end as paused."""
        self._send(protocol.Pause(target=job.identifier))

    def close(self) -> None:
        """Ask the worker to keep what it can and exit; end it by force if it does not."""
        if self._over or self._asked_to_stop:
            return
        self._asked_to_stop = True
        self._begin_stages()

    def kill(self) -> None:
        """End the process at once. Works on a stopped one too."""
        self._asked_to_stop = True
        self._process.kill()

    def wait(self, milliseconds: int) -> bool:
        """Block until the process is gone. Only for quitting, when no window is open any more."""
        return self._over or self._process.waitForFinished(milliseconds)

    def _send(self, command: protocol.Command) -> None:
        if not self._over and not self._violation:
            self._process.write(protocol.encode(command))

    def _read(self) -> None:
        chunk = bytes(self._process.readAllStandardOutput().data())
        if self._violation:
            return  # read on, so that neither the pipe nor Qt's buffer fills, and drop it
        try:
            self._lines.extend(self._buffer.push(chunk))
        except LineTooLong as problem:
            self._break(str(problem))
            return
        self._drain()

    def _read_log(self) -> None:
        self._log.append(bytes(self._process.readAllStandardError().data())[-4096:])

    def _drain(self) -> None:
        """Handle lines for a few milliseconds, then let the window breathe."""
        deadline = time.monotonic() + self._timing.drain / 1000
        while self._lines and not self._violation:
            self._handle(self._lines.popleft())
            if time.monotonic() > deadline and self._lines:
                self._drain_timer.start()
                return
        if self._exit is not None:
            self._finish()

    def _handle(self, line: bytes) -> None:
        try:
            message = protocol.decode_message(line)
        except protocol.ProtocolError as problem:
            self._break(str(problem))
            return
        if not self._spoke:
            if not isinstance(message, protocol.Hello) or message.version != protocol.PROTOCOL_VERSION:
                self._break("it did not say hello in this version's way")
                return
            self._spoke = True
        self._silence.start(self._timing.quiet)
        if self._is_quiet:
            self._is_quiet = False
            self.quiet.emit(False)
        if isinstance(message, protocol.Hello):
            self.hello.emit(message)
        elif isinstance(message, protocol.Heartbeat):
            self.heartbeat.emit(message)
        elif (job := self._jobs.get(message.job)) is not None:
            if protocol.ends_job(message):
                del self._jobs[message.job]
            job.take(message)
        elif isinstance(message, protocol.ErrorMessage):
            self._violation = message.what  # an error without a job: the worker itself is at its end
            self._begin_stages()

    def _break(self, detail: str) -> None:
        """The other side does not keep to the protocol: believe nothing more, let it save, end it."""
        self._violation = detail
        self._lines.clear()
        self._begin_stages()

    def _begin_stages(self) -> None:
        if self._stage == 0 and self._exit is None:
            self._stage = 1
            if not self._violation:
                self._process.write(protocol.encode(protocol.Shutdown()))
            self._process.closeWriteChannel()
            self._stages.start(self._timing.close)

    def _next_stage(self) -> None:
        self._stage += 1
        if self._stage == 2:
            self._process.terminate()
            self._stages.start(self._timing.terminate)
        else:
            self._process.kill()

    def _on_started(self) -> None:
        self._pid = int(self._process.processId())

    def _on_silence(self) -> None:
        if not self._spoke:
            self._asked_to_stop = True
            self._violation = "mute"
            self._process.kill()
        elif not self._is_quiet:
            self._is_quiet = True
            self.quiet.emit(True)

    def _on_process_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._exit = (-1, QProcess.ExitStatus.NormalExit)
            self._finish()

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_log()
        self._exit = (code, status)
        self._read()
        if self._violation:
            self._finish()

    def _finish(self) -> None:
        if self._over or self._exit is None:
            return
        self._over = True
        self._silence.stop()
        self._stages.stop()
        outcome = self._outcome(*self._exit)
        failure = self._failure(outcome)
        for job in list(self._jobs.values()):
            job.fail(failure)
        self._jobs.clear()
        self.ended.emit(outcome)

    def _outcome(self, code: int, status: QProcess.ExitStatus) -> Outcome:
        log = b"".join(self._log).decode("utf-8", "replace")[-8000:]
        crashed = status == QProcess.ExitStatus.CrashExit
        kind: OutcomeKind
        if self._process.error() == QProcess.ProcessError.FailedToStart:
            kind = "unstartable"
        elif self._violation == "mute":
            kind = "mute"
        elif self._violation:
            kind = "garbage"
        elif self._asked_to_stop:
            kind = "stopped"
        else:
            kind = "crashed" if crashed or code != 0 else "finished"
        return Outcome(kind, code, code if crashed else 0, self._violation, log)

    def _again(self) -> str:
        return self.tr("Start it again; the rest of the app is not touched.")

    def _failure(self, outcome: Outcome) -> Failure:
        """The outcome in words, for the jobs that were cut off."""
        where = (
            self.tr("Worker process {pid}").format(pid=self.pid) if self.pid else self.tr("Worker process")
        )
        fix = self._again()
        if outcome.kind == "unstartable":
            what = self.tr("The worker program could not be started.")
            fix = self.tr("Reinstall Gemma MLX: its worker is missing or may not be run.")
        elif outcome.kind == "mute":
            what = self.tr("The worker started, but did not answer.")
        elif outcome.kind == "garbage":
            what = self.tr("The worker sent something that cannot be read, and was ended.")
            where = outcome.detail
        elif outcome.kind == "stopped":
            what = self.tr("The worker was stopped.")
        elif outcome.signal_number == signal.SIGKILL:
            what = self.tr("The system ended the worker, most likely because memory ran out.")
            fix = self.tr(
                "Close other programs, or choose a smaller model, batch or length; then start it again."
            )
        elif outcome.signal_number:
            what = self.tr("The worker crashed (signal {number}).").format(number=outcome.signal_number)
        else:
            what = self.tr("The worker ended before its work was done (status {code}).").format(
                code=outcome.exit_code
            )
        return Failure(f"worker-{outcome.kind}", what, where, fix, log=outcome.log)


class WorkerClient(QObject):
    """Opens workers, one process a job, and closes all of them when the app quits."""

    busy_changed = Signal(int)
    """How many workers live."""

    def __init__(self, program: Sequence[str], timing: Timing | None = None, parent: QObject | None = None):
        super().__init__(parent)
        self._program = tuple(program)
        self._timing = timing
        self._workers: list[WorkerProcess] = []
        self.mishaps: deque[Outcome] = deque(maxlen=3)
        """How the last workers ended that did not end well, for the diagnostics."""

    @property
    def workers(self) -> tuple[WorkerProcess, ...]:
        return tuple(self._workers)

    def open(self) -> WorkerProcess:
        """A new worker, started."""
        worker = WorkerProcess(self._program, self._timing, self)
        self._workers.append(worker)
        worker.ended.connect(self._forget)
        worker.start()
        self.busy_changed.emit(len(self._workers))
        return worker

    def ask(self, command: protocol.Command) -> Job:
        """One command in a worker of its own, which closes when the job is over."""
        worker = self.open()
        job = worker.run(command)
        job.finished.connect(worker.close)
        job.failed.connect(worker.close)
        return job

    def close_all(self, patience: int = 7_000) -> None:
        """Let every worker keep what it can and exit, then end what is left. Blocks; for quitting only."""
        workers = self.workers
        for worker in workers:
            worker.close()
        deadline = time.monotonic() + patience / 1000
        for worker in workers:
            if not worker.wait(max(1, int((deadline - time.monotonic()) * 1000))):
                worker.kill()
                worker.wait(1000)

    def _forget(self, outcome: Outcome) -> None:
        """Let go of workers that are gone: at the next turn of the loop, for they are still speaking."""
        if outcome.kind not in ("finished", "stopped"):
            self.mishaps.append(outcome)
        gone = [worker for worker in self._workers if not worker.alive]
        self._workers = [worker for worker in self._workers if worker.alive]
        for worker in gone:
            QTimer.singleShot(0, self, lambda worker=worker: worker.setParent(None))
        self.busy_changed.emit(len(self._workers))
