"""A worker that speaks the real protocol and does no work: it answers by script.

Called as `python fake_worker.py SCENARIO`.

Scenarios: normal, mute, crash, segfault, garbage, long-line, flood, disk-full, unreadable-model, hang, deaf,
quiet, busy (as normal, but training never ends), empty (no models). A scenario changes what the first
command meets; all others are answered as in normal. Answers by command type are in ANSWERS.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gemma_mlx import events
from gemma_mlx.errors import GemmaError
from gemma_mlx.worker import protocol, results
from tests.fake_models import fake_models, fake_offers

GB = 1024**3


class FakeWorker:
    """Reads commands on a thread, answers them one after another on the main one."""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario
        self.wishes: dict[str, str] = {}
        self.job = ""
        self.ended = threading.Event()
        self.waiting: list[protocol.Command] = []
        self.arrived = threading.Condition()
        self.lock = threading.Lock()

    @property
    def cancelled(self) -> str:
        return self.wishes.get(self.job, "stop" if self.ended.is_set() else "")

    def send(self, frame: protocol.Message) -> None:
        with self.lock:
            try:
                os.write(1, protocol.encode(frame))
            except BrokenPipeError:
                os._exit(0)

    def event(self, job: str, event: events.Event) -> None:
        self.send(protocol.EventMessage(job=job, event=event))

    def listen(self) -> None:
        for line in sys.stdin.buffer:
            command = protocol.decode_command(line)
            if isinstance(command, protocol.Cancel):
                self.wishes[command.target] = "stop"
            elif isinstance(command, protocol.Pause):
                self.wishes[command.target] = "pause"
            elif isinstance(command, protocol.Shutdown):
                break
            else:
                with self.arrived:
                    self.waiting.append(command)
                    self.arrived.notify()
        self.ended.set()
        with self.arrived:
            self.arrived.notify()

    def beat(self) -> None:
        while True:
            time.sleep(0.1)
            self.send(protocol.Heartbeat(memory_bytes=2 * GB))

    def run(self) -> None:
        if self.scenario == "mute":
            time.sleep(3600)
        self.send(protocol.Hello(program="fake", pid=os.getpid()))
        threading.Thread(target=self.listen, daemon=True).start()
        if self.scenario != "quiet":
            threading.Thread(target=self.beat, daemon=True).start()
        while True:
            with self.arrived:
                self.arrived.wait_for(lambda: self.waiting or self.ended.is_set())
                if not self.waiting:
                    return
                command = self.waiting.pop(0)
            self.job = command.job
            try:
                self.misbehave(command)
                for answer in ANSWERS[type(command)](self, command):
                    if isinstance(answer, events.Event):
                        self.event(command.job, answer)
                    else:
                        self.send(answer)
            except GemmaError as problem:
                self.send(protocol.error_message(command.job, problem))

    def misbehave(self, command: protocol.Command) -> None:
        job = command.job
        scenario, self.scenario = (
            self.scenario,
            "normal" if self.scenario not in ("busy", "empty") else self.scenario,
        )
        if scenario in ("crash", "segfault", "garbage", "long-line", "disk-full"):
            self.event(job, events.Progress("Training", 120, 400))
            self.event(job, events.Checkpoint(120, "/runs/one/checkpoints/step-000120"))
            if isinstance(command, protocol.StartTraining):
                for event in half_a_run(command, scenario):
                    self.event(job, event)
        if scenario == "crash":
            print("Traceback (most recent call last): it broke", file=sys.stderr, flush=True)
            os._exit(3)
        elif scenario == "segfault":
            signal.signal(signal.SIGSEGV, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGSEGV)
        elif scenario == "garbage":
            os.write(1, b"\x00\xff{{{ not json \xfe\n" * 20_000)
        elif scenario == "long-line":
            block = b"x" * (1 << 20)
            for _ in range(1024):
                os.write(1, block)
            os.write(1, b"\n")
        elif scenario == "flood":
            for index in range(50_000):
                self.event(job, events.Progress("Reading", index, 50_000, "rows"))
        elif scenario == "hang":
            time.sleep(3600)
        elif scenario == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(3600)
        elif scenario == "disk-full":
            raise GemmaError(
                "disk-full",
                "The disk is full.",
                where="/runs/one/checkpoints/step-000160",
                fix="Free 2.1 GB on this disk, then resume the run.",
                kept="The checkpoint of step 120 is safe.",
            )
        elif scenario == "unreadable-model":
            raise GemmaError(
                "truncated-shard",
                "The model file model-00001-of-00002.safetensors is cut off.",
                where="model-00001-of-00002.safetensors",
                fix="Download the model again.",
                kept="Nothing was changed.",
            )


def _train(worker: FakeWorker, command: protocol.StartTraining) -> Iterator[Any]:
    steps = command.settings.training.steps or 60
    start = 20 if command.resume else 0
    run = FakeRun(command, steps)
    yield events.Progress("Loading the model", 1, 1)
    if command.resume:
        yield events.Progress("Resuming", start, steps)
    else:
        yield run.sample(0, "What is a gemma?", "I do not know what that is.")
    step = start
    while step < steps or worker.scenario == "busy":
        step += 1
        if worker.cancelled:
            yield events.Checkpoint(step, f"{command.run_folder}/checkpoints/step-{step:06d}")
            outcome = "paused" if worker.cancelled == "pause" else "stopped"
            yield events.Done({"adapter": run.end(outcome, step), "step": step}, outcome)
            return
        loss = 3.2 * 0.97**step + 0.4 + 0.2 * ((step * 7919) % 13) / 13
        yield run.metrics(
            step,
            {
                "train_loss": loss,
                "learning_rate": 2e-4 * min(1, step / 10) * max(0.0, 1 - step / max(steps, 1)),
                "gradient_norm": 1.1,
                "tokens": 512.0 * step,
                "tokens_per_second": 1800.0 + step % 7,
                "memory_bytes": 3.1 * GB,
            },
        )
        yield events.Progress("Training", step, steps)
        if step % 20 == 0:
            yield run.metrics(step, {"validation_loss": loss + 0.1, "perplexity": 2.718 ** (loss + 0.1)})
            yield run.sample(step, "What is a gemma?", f"A gemma is a bud. (step {step})")
            yield events.Checkpoint(step, f"{command.run_folder}/checkpoints/step-{step:06d}", best=True)
        # A run that never ends becomes slow, so that a window that waits for quiet finds some.
        time.sleep(0.3 if worker.scenario == "busy" and step > 80 else 0.004)
    yield events.Done({"adapter": run.end("finished", steps), "step": steps, "train_loss": 0.61})


class FakeRun:
    """The run's folder as the trainer writes it, where the window made one."""

    def __init__(self, command: protocol.StartTraining, steps: int) -> None:
        self.path = Path(command.run_folder)
        self.about = {
            "created": "2026-11-06T09:30:00+00:00",
            "settings": command.settings.model_dump(mode="json"),
            "total_steps": steps,
            "process": os.getpid(),
        }
        self.save("running", 0)

    def save(self, state: str, step: int) -> None:
        if self.path.is_dir():
            text = json.dumps({**self.about, "state": state, "step": step})
            (self.path / "run.json").write_text(text)

    def append(self, name: str, entry: dict[str, Any]) -> None:
        if self.path.is_dir():
            with (self.path / name).open("a") as file:
                file.write(json.dumps(entry) + "\n")

    def metrics(self, step: int, values: dict[str, float]) -> events.Metrics:
        self.append("metrics.jsonl", {"step": step, **values})
        return events.Metrics(step, values)

    def sample(self, step: int, prompt: str, text: str) -> events.Sample:
        self.append("samples.jsonl", {"step": step, "prompt": prompt, "text": text})
        return events.Sample(step, prompt, text)

    def end(self, state: str, step: int) -> str:
        adapter = self.path / "adapter"
        if state != "paused" and self.path.is_dir():
            adapter.mkdir(exist_ok=True)
            (adapter / "adapter_config.json").write_text("{}")
        self.save(state, step)
        return str(adapter)


def half_a_run(command: protocol.StartTraining, scenario: str) -> Iterator[events.Event]:
    """What a run says and leaves on the disk that ends badly at step 120 of 400."""
    run = FakeRun(command, 400)
    for step in range(1, 121):
        yield run.metrics(step, {"train_loss": 3.2 * 0.97**step + 0.4 + 0.2 * ((step * 7919) % 13) / 13})
    run.save("failed" if scenario == "disk-full" else "running", 120)


def _forecast(worker: FakeWorker, command: protocol.ForecastTraining) -> Iterator[Any]:
    peak = int(2.4 * GB + command.settings.training.batch_size * 0.35 * GB)
    forecast = results.TrainingForecast(
        peak_bytes=peak,
        allowed_bytes=12 * GB,
        verdict="fits" if peak < 10 * GB else "tight",
        steps=command.settings.training.steps or 60,
        tokens=120_000,
        seconds=380.0,
    )
    yield _result(command, forecast)


def _load(worker: FakeWorker, command: protocol.LoadForChat) -> Iterator[Any]:
    for done in range(1, 5):
        yield events.Progress("Loading weights", done, 4, "files")
        time.sleep(0.01)
    yield _result(
        command,
        results.LoadedForChat(
            model=command.model, adapter=command.adapter or "", context=8192, memory_bytes=2 * GB
        ),
    )


ANSWER = "A **gemma** is a bud.\n\n```python\nprint('hello')\n```\n\nThat is *all*, <end_of_turn> stays text."


def _chat(worker: FakeWorker, command: protocol.ChatTurn) -> Iterator[Any]:
    said = ""
    reason = "end"
    pause = 0.05 if "slowly" in command.messages[-1].content else 0.002
    for index in range(0, len(ANSWER), 4):
        if worker.cancelled:
            reason = "cancelled"
            break
        said += ANSWER[index : index + 4]
        yield events.Token(ANSWER[index : index + 4], index)
        time.sleep(pause)
    yield events.Done(
        {
            "text": said,
            "tokens": len(said) // 4,
            "prompt_tokens": 24,
            "tokens_per_second": 41.5,
            "time_to_first_token": 0.18,
            "reason": reason,
        },
        "stopped" if reason == "cancelled" else "finished",
    )


def _list_models(worker: FakeWorker, command: protocol.ListModels) -> Iterator[Any]:
    models = () if worker.scenario == "empty" else fake_models()
    yield _result(command, results.ModelList(models=models, allowed_bytes=12 * GB, total_bytes=16 * GB))


def _inspect_model(worker: FakeWorker, command: protocol.InspectModel) -> Iterator[Any]:
    yield _result(
        command, fake_models()[1].model_copy(update={"path": command.path, "name": Path(command.path).name})
    )


def _import_model(worker: FakeWorker, command: protocol.ImportModel) -> Iterator[Any]:
    for done in range(1, 11):
        yield events.Progress("Copying", done * GB // 10, GB, "bytes")
        time.sleep(0.01)
    yield from _inspect_model(worker, command)  # type: ignore[arg-type]


def _quantize_preview(worker: FakeWorker, command: protocol.QuantizePreview) -> Iterator[Any]:
    bits = command.settings.bits + 0.5
    error = {2: 0.35, 3: 0.19, 4: 0.091, 5: 0.045, 6: 0.022, 8: 0.0054}[command.settings.bits]
    yield _result(
        command,
        results.QuantizationPreview(
            before_bytes=8 * GB,
            after_bytes=int(8 * GB * bits / 16),
            bits_per_weight=bits,
            relative_error=error,
            memory_bytes=int(8 * GB * bits / 16 + GB),
            allowed_bytes=12 * GB,
            verdict="fits",
        ),
    )


def _quantize(worker: FakeWorker, command: protocol.Quantize) -> Iterator[Any]:
    for done in range(1, 11):
        yield events.Progress("Quantizing", done, 10, "layers")
        time.sleep(0.01)
    yield events.Done({"folder": f"/models/{command.name}"})


def _made(worker: FakeWorker, command: Any) -> Iterator[Any]:
    yield events.Progress("Writing", 1, 1, "files")
    yield events.Done({"folder": "/models/merged", "path": getattr(command, "target", "")})


def _offers(worker: FakeWorker, command: protocol.ListOffers) -> Iterator[Any]:
    yield _result(command, results.OfferList(offers=fake_offers(command.query)))


def _save_token(worker: FakeWorker, command: protocol.SaveToken) -> Iterator[Any]:
    if not command.token.get_secret_value().startswith("hf_"):
        raise GemmaError("bad-token", "This does not look like a token.", fix="Copy the whole of it: hf_...")
    yield _result(command, results.OfferList())


def _download(worker: FakeWorker, command: protocol.Download) -> Iterator[Any]:
    """Half a gigabyte in two seconds; a stop keeps what came."""
    for part in range(1, 101):
        if worker.cancelled:
            yield events.Done({"repository": command.repository, "kept": part}, "stopped")
            return
        note = "model.safetensors, 210 MB/s, 2 s left"
        yield events.Progress(
            f"Downloading {command.repository}", part * 5_400_000, 540_000_000, "bytes", note
        )
        time.sleep(0.02)
    yield events.Done({"repository": command.repository, "folder": f"/models/{command.repository}"})


def _overview(command: protocol.InspectDataset, rows: int, complete: bool) -> results.DatasetOverview:
    counts = tuple(int(rows / 40 * height) for height in (1, 4, 9, 11, 7, 4, 2, 1, 1))
    lengths = results.LengthStatistics(
        count=rows,
        minimum=12,
        median=164,
        mean=180.0,
        percentile_95=420,
        maximum=1900,
        total=rows * 180,
        edges=tuple(64 * edge for edge in range(10)),
        counts=counts,
    )
    return results.DatasetOverview(
        path=command.settings.dataset,
        size_bytes=3_400_000,
        format="completion",
        statement='Each row is a prompt (column "question") and its answer (column "answer").',
        columns=("question", "answer", "topic"),
        mapping=command.settings.columns or {"prompt": "question", "completion": "answer"},
        rows=rows,
        usable=rows - 3,
        train=int(rows * 0.95) - 3,
        valid=rows - int(rows * 0.95),
        measured=rows,
        tokens=rows * 180,
        loss_tokens=rows * 110,
        lengths=lengths,
        truncated=rows // 50,
        problems=(
            results.Problem(
                file="orders.jsonl", line=17, reason="not valid JSON: Expecting ',' at column 31"
            ),
            results.Problem(file="orders.jsonl", line=208, reason="the answer is empty"),
            results.Problem(file="orders.jsonl", line=1044, reason='the column "answer" is missing'),
        ),
        problem_count=3,
        duplicates=5,
        complete=complete,
        estimated=not command.model,
    )


def _inspect_dataset(worker: FakeWorker, command: protocol.InspectDataset) -> Iterator[Any]:
    for rows in (200, 800, 1600):
        overview = _overview(command, rows, False)
        yield protocol.PartMessage(job=command.job, name="overview", data=overview.model_dump(mode="json"))
        yield events.Progress("Reading rows", rows * 2000, 3_400_000, "bytes")
        time.sleep(0.01)
    while worker.scenario == "busy" and not worker.cancelled:  # a file that has no end
        previews = [waiting for waiting in worker.waiting if isinstance(waiting, protocol.PreviewRows)]
        for preview in previews:
            worker.waiting.remove(preview)
            yield from _preview_rows(worker, preview)
        time.sleep(0.02)
    yield _result(command, _overview(command, 2000, True))


def fake_row(index: int) -> results.RowPreview:
    """A row of two turns; each seventh is cut, each eleventh cannot be used."""
    place = results.RowPreview(
        index=index, source="orders.jsonl", line=index + 1, split="valid" if index % 20 == 3 else "train"
    )
    if index % 11 == 10:
        text = results.Piece(text=f'{{"question": "Order {index + 1}", "answer": ""}}')
        return place.model_copy(update={"problem": "the answer is empty", "pieces": (text,)})
    question = f"Write order {index + 1} as JSON: three apples and a pear, to be delivered on Friday."
    answer = f'{{"order": {index + 1}, "items": {{"apple": 3, "pear": 1}}, "day": "Friday"}}'
    cut = " and so on, and on" * 6 if index % 7 == 6 else ""
    pieces = [
        results.Piece(text="<bos><start_of_turn>user\n", control=True),
        results.Piece(text=question),
        results.Piece(text="<end_of_turn>\n<start_of_turn>model\n", control=True),
        results.Piece(text=answer, loss=True),
        *([results.Piece(text=cut, cut=True)] if cut else []),
        results.Piece(text="<end_of_turn>\n", control=True, loss=not cut, cut=bool(cut)),
    ]
    tokens = 160 if cut else 64
    figures = {"pieces": tuple(pieces), "tokens": tokens, "kept": min(tokens, 128), "loss_tokens": 30}
    return place.model_copy(update=figures)


def _preview_rows(worker: FakeWorker, command: protocol.PreviewRows) -> Iterator[Any]:
    rows = tuple(fake_row(index) for index in range(command.start, min(2000, command.start + command.count)))
    yield _result(command, results.RowsPreview(start=command.start, rows=rows))


def _result(command: protocol.Command, data: protocol.Frame) -> protocol.ResultMessage:
    return protocol.ResultMessage(job=command.job, data=data.model_dump(mode="json"))


ANSWERS: dict[type[protocol.Command], Callable[[FakeWorker, Any], Iterator[Any]]] = {
    protocol.StartTraining: _train,
    protocol.ForecastTraining: _forecast,
    protocol.LoadForChat: _load,
    protocol.ChatTurn: _chat,
    protocol.ListModels: _list_models,
    protocol.InspectModel: _inspect_model,
    protocol.ImportModel: _import_model,
    protocol.QuantizePreview: _quantize_preview,
    protocol.Quantize: _quantize,
    protocol.MergeAdapter: _made,
    protocol.ExportModel: _made,
    protocol.ListOffers: _offers,
    protocol.Download: _download,
    protocol.SaveToken: _save_token,
    protocol.InspectDataset: _inspect_dataset,
    protocol.PreviewRows: _preview_rows,
}


if __name__ == "__main__":
    FakeWorker(sys.argv[1] if len(sys.argv) > 1 else "normal").run()
