"""What the window and a worker say to each other: typed commands and messages, one JSON object a line.

The window writes commands to the worker's stdin and reads messages from its stdout. The worker speaks first
(`hello`). Each command carries a `job`; each message carries the job that it belongs to. A job ends with
exactly one of `done` (the event), `result` or `error`; before that come events and `part`s. `heartbeat` comes
about once a second as long as the process lives. EOF on stdin means: keep what can be kept and exit.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_serializer,
)

from gemma_mlx.errors import DatasetError, GemmaError
from gemma_mlx.events import EVENT_TYPES, Done, Event, event_from_dict
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, SamplingSettings

PROTOCOL_VERSION = 1
"""Raised with each change that an older window or worker would misread."""

MAX_LINE_BYTES = 4 * 1024 * 1024
"""A longer line is a broken peer. json.loads takes some 10 ms a MiB, and the window must answer in 100."""


class Frame(BaseModel):
    """The root of all that crosses the pipe: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProtocolError(ValueError):
    """A line is not what the other side may send."""


# --- commands: window -> worker ---------------------------------------------------------------------------


class Command(Frame):
    """The root of commands. `job` is given by the sender; the worker only hands it back."""

    job: str = ""


class ChatMessage(Frame):
    """One message of a conversation, as text."""

    role: Literal["system", "user", "assistant"]
    content: str


class StartTraining(Command):
    """Train (or resume) in a run folder. Answer: the trainer's events, ending with `done`."""

    type: Literal["start_training"] = "start_training"
    settings: RunSettings
    run_folder: str
    resume: bool = False


class ForecastTraining(Command):
    """Memory and time of a run before it starts. Answer: `TrainingForecast`."""

    type: Literal["forecast_training"] = "forecast_training"
    settings: RunSettings


class LoadForChat(Command):
    """Load a model (and an adapter) and keep it. Answer: progress, then `LoadedForChat`."""

    type: Literal["load_for_chat"] = "load_for_chat"
    model: str
    adapter: str | None = None
    quantization: QuantizeSettings | None = None


class ChatTurn(Command):
    """Answer a conversation with the loaded model. Answer: `token` events, then `done`.

    `continue_last`: the last message is an answer that is to be carried on, not a question.
    """

    type: Literal["chat_turn"] = "chat_turn"
    messages: list[ChatMessage]
    sampling: SamplingSettings = SamplingSettings()
    continue_last: bool = False


class ListModels(Command):
    """What models, adapters and runs are on this machine. Answer: `ModelList`."""

    type: Literal["list_models"] = "list_models"


class InspectModel(Command):
    """Look at one model folder without loading its weights. Answer: `ModelSummary`."""

    type: Literal["inspect_model"] = "inspect_model"
    path: str


class ImportModel(Command):
    """Copy a model folder into the app's own folder, checked. Answer: progress, then `ModelSummary`."""

    type: Literal["import_model"] = "import_model"
    path: str


class QuantizePreview(Command):
    """Size and error of a quantization before it is made. Answer: `QuantizationPreview`."""

    type: Literal["quantize_preview"] = "quantize_preview"
    model: str
    settings: QuantizeSettings


class Quantize(Command):
    """Write a quantized copy of a model. Answer: progress, then `done` with {"folder"}."""

    type: Literal["quantize"] = "quantize"
    model: str
    settings: QuantizeSettings
    name: str


class MergeAdapter(Command):
    """Write base and adapter as one model. Answer: progress, then `done` with {"folder"}."""

    type: Literal["merge_adapter"] = "merge_adapter"
    model: str
    adapter: str
    name: str


ExportFormat = Literal[
    "safetensors", "gguf-f16", "gguf-bf16", "gguf-q8_0", "gguf-q4_0", "gguf-adapter", "mlx-lm-adapter"
]
"""The first five write the whole model, with the adapter folded in; the others the adapter alone."""


class ExportModel(Command):
    """Write a model or adapter for another program. Answer: progress, then `done` with {"path", "folder"}."""

    type: Literal["export_model"] = "export_model"
    model: str
    adapter: str | None = None
    format: ExportFormat
    target: str


class ListOffers(Command):
    """Models to download: the catalogue, or what the Hub finds for `query`. Answer: `OfferList`."""

    type: Literal["list_offers"] = "list_offers"
    query: str = ""


class SaveToken(Command):
    """Keep the user's token for the Hub in the Keychain; empty: forget it. Answer: an empty `OfferList`."""

    type: Literal["save_token"] = "save_token"
    token: SecretStr

    @field_serializer("token", when_used="json")
    def _reveal(self, token: SecretStr) -> str:
        return token.get_secret_value()


class Download(Command):
    """Fetch a model from the Hub, verified and resumable. Answer: progress, then `done` with {"folder"}."""

    type: Literal["download"] = "download"
    repository: str
    revision: str = "main"


class InspectDataset(Command):
    """Open a dataset and look through all of it.

    Answer: part "overview" (`DatasetOverview`) as soon as the first rows are read and again as counting goes
    on, progress, then the result (a whole `DatasetOverview`). The dataset stays open for `PreviewRows`.
    `model` names the folder whose tokenizer and chat template are used; empty: lengths are estimated.
    """

    type: Literal["inspect_dataset"] = "inspect_dataset"
    settings: DataSettings
    model: str = ""
    seed: int = 0


class PreviewRows(Command):
    """Rows of the dataset that is open, as the model will see them. Answer: `RowsPreview`."""

    type: Literal["preview_rows"] = "preview_rows"
    start: int = Field(0, ge=0)
    count: int = Field(20, ge=1, le=200)


class Cancel(Command):
    """Stop a job at the next step and keep what there is."""

    type: Literal["cancel"] = "cancel"
    target: str


class Pause(Command):
    """Write a checkpoint and end the job as paused."""

    type: Literal["pause"] = "pause"
    target: str


class Shutdown(Command):
    """Stop all jobs, keep what there is, exit."""

    type: Literal["shutdown"] = "shutdown"


AnyCommand = Annotated[
    StartTraining
    | ForecastTraining
    | LoadForChat
    | ChatTurn
    | ListModels
    | InspectModel
    | ImportModel
    | QuantizePreview
    | Quantize
    | MergeAdapter
    | ExportModel
    | ListOffers
    | Download
    | SaveToken
    | InspectDataset
    | PreviewRows
    | Cancel
    | Pause
    | Shutdown,
    Field(discriminator="type"),
]


# --- messages: worker -> window ---------------------------------------------------------------------------


class Hello(Frame):
    """The first message of a worker."""

    type: Literal["hello"] = "hello"
    version: int = PROTOCOL_VERSION
    program: str = ""
    pid: int = 0


class Heartbeat(Frame):
    """The process lives. `job` is what it is working at, empty when it waits."""

    type: Literal["heartbeat"] = "heartbeat"
    job: str = ""
    memory_bytes: int = 0


class EventMessage(Frame):
    """An event of events.py and its job. On the wire it is flat: the event's own fields and `job`."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    type: Literal["event"] = "event"
    job: str
    event: Event


class PartMessage(Frame):
    """A part of a result that comes before the rest, by name."""

    type: Literal["part"] = "part"
    job: str
    name: str
    data: dict[str, Any]


class ResultMessage(Frame):
    """The answer to an enquiry; it ends the job."""

    type: Literal["result"] = "result"
    job: str
    data: dict[str, Any]


class ErrorMessage(Frame):
    """What went wrong, for people; it ends the job. `problems` are the bad rows of a dataset."""

    type: Literal["error"] = "error"
    job: str = ""
    code: str
    what: str
    where: str = ""
    fix: str = ""
    kept: str = ""
    problems: tuple[dict[str, Any], ...] = ()


Message = Hello | Heartbeat | EventMessage | PartMessage | ResultMessage | ErrorMessage

_COMMAND: TypeAdapter[AnyCommand] = TypeAdapter(AnyCommand)
_MESSAGES: dict[str, type[Hello | Heartbeat | PartMessage | ResultMessage | ErrorMessage]] = {
    "hello": Hello,
    "heartbeat": Heartbeat,
    "part": PartMessage,
    "result": ResultMessage,
    "error": ErrorMessage,
}


def ends_job(message: Message) -> bool:
    """Whether nothing more will come for the message's job."""
    if isinstance(message, EventMessage):
        return isinstance(message.event, Done)
    return isinstance(message, ResultMessage | ErrorMessage)


def encode(frame: Command | Message) -> bytes:
    """One line of JSON, newline included.

    Raises:
        ProtocolError: the line would be longer than the other side accepts.
    """
    if isinstance(frame, EventMessage):
        content = {**frame.event.as_dict(), "job": frame.job}
    else:
        content = frame.model_dump(mode="json")
    line = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(f"a {content['type']!r} of {len(line):,} bytes is too long for one line")
    return line


def decode_command(line: bytes) -> AnyCommand:
    """The command in a line.

    Raises:
        ProtocolError: it is not JSON, or not a command.
    """
    try:
        return _COMMAND.validate_json(line)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise ProtocolError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def decode_message(line: bytes) -> Message:
    """The message in a line.

    Raises:
        ProtocolError: it is not JSON, or not a message.
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise ProtocolError(f"not JSON: {problem}") from None
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        raise ProtocolError("not an object with a type")
    try:
        if content["type"] in EVENT_TYPES:
            job = content.pop("job", "")
            return EventMessage(job=job, event=event_from_dict(content))
        kind = _MESSAGES.get(content["type"])
        if kind is None:
            raise ProtocolError(f"unknown type {content['type']!r}")
        return kind.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise ProtocolError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ProtocolError:
        raise
    except ValueError as problem:
        raise ProtocolError(str(problem)) from None


def error_message(job: str, error: GemmaError) -> ErrorMessage:
    """An engine's error as it crosses the pipe. Of very many bad rows the first thousand go along."""
    bad_rows = error.problems if isinstance(error, DatasetError) else ()
    return ErrorMessage(
        job=job,
        code=error.code,
        what=error.what,
        where=error.where,
        fix=error.fix,
        kept=error.kept,
        problems=tuple(asdict(problem) for problem in bad_rows[:1000]),
    )
