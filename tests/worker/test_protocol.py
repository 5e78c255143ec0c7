"""Lines on the pipe: what goes in comes out, and nothing else comes in."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma_mlx import events
from gemma_mlx.errors import DatasetError, GemmaError, RowProblem
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, SamplingSettings
from gemma_mlx.worker import protocol

COMMANDS = [
    protocol.StartTraining(settings=RunSettings(model="/m"), run_folder="/r", resume=True),
    protocol.ForecastTraining(settings=RunSettings()),
    protocol.LoadForChat(model="/m", adapter="/a", quantization=QuantizeSettings(bits=8)),
    protocol.ChatTurn(
        messages=[protocol.ChatMessage(role="user", content="тест 你好 \u2028 \n")],
        sampling=SamplingSettings(seed=3),
        continue_last=True,
    ),
    protocol.ListModels(),
    protocol.InspectModel(path="/m"),
    protocol.ImportModel(path="/m"),
    protocol.QuantizePreview(model="/m", settings=QuantizeSettings()),
    protocol.Quantize(model="/m", settings=QuantizeSettings(), name="four"),
    protocol.MergeAdapter(model="/m", adapter="/a", name="merged"),
    protocol.ListOffers(query="gemma"),
    protocol.SaveToken(token="hf_a_token"),
    protocol.ExportModel(model="/m", format="gguf-q8_0", target="/t"),
    protocol.Download(repository="google/gemma-3-270m-it"),
    protocol.InspectDataset(settings=DataSettings(dataset="/d.jsonl"), model="/m"),
    protocol.PreviewRows(start=5),
    protocol.Cancel(target="x"),
    protocol.Pause(target="x"),
    protocol.Shutdown(),
]
MESSAGES = [
    protocol.Hello(pid=3),
    protocol.Heartbeat(job="j", memory_bytes=5),
    protocol.PartMessage(job="j", name="overview", data={"rows": 3}),
    protocol.ResultMessage(job="j", data={"a": [1, None]}),
    protocol.ErrorMessage(job="j", code="no-model", what="There is none."),
    protocol.EventMessage(job="j", event=events.Progress("Loading", 1, 2)),
    protocol.EventMessage(job="j", event=events.Metrics(3, {"train_loss": 1.5})),
    protocol.EventMessage(job="j", event=events.Sample(3, "p", "t")),
    protocol.EventMessage(job="j", event=events.Checkpoint(3, "/c", True)),
    protocol.EventMessage(job="j", event=events.Warning("w", "what")),
    protocol.EventMessage(job="j", event=events.Token("да\n", 7)),
    protocol.EventMessage(job="j", event=events.Done({"x": 1}, "paused")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.type)
def test_commands_come_back_as_they_were(command: protocol.AnyCommand) -> None:
    line = protocol.encode(command)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert protocol.decode_command(line) == command


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: getattr(message, "event", message).type)
def test_messages_come_back_as_they_were(message: protocol.Message) -> None:
    assert protocol.decode_message(protocol.encode(message)) == message


def test_only_the_last_message_of_a_job_ends_it() -> None:
    ending = [message for message in MESSAGES if protocol.ends_job(message)]
    assert [getattr(message, "event", message).type for message in ending] == ["result", "error", "done"]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"null", b"[]", b"{}", b'{"type": 5}', b'{"type": "surprise"}', b"\xff\xfe{}",
        b"[" * 100_000, b'{"type": "progress", "job": "j"}', b'{"type": "hello", "extra": 1}',
        b'{"type": "progress", "job": "j", "stage": "x", "done": 1, "total": 2, "more": 3}',
        b'{"type": "error", "job": "j"}', b'{"type":"list_models"',
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_with_one_kind_of_error(line: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.decode_message(line)
    with pytest.raises(protocol.ProtocolError):
        protocol.decode_command(line)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(line: bytes) -> None:
    for decode in (protocol.decode_message, protocol.decode_command):
        with contextlib.suppress(protocol.ProtocolError):
            decode(line)


@given(st.text(max_size=200))
def test_any_text_crosses_the_pipe_in_one_line(text: str) -> None:
    line = protocol.encode(protocol.EventMessage(job="j", event=events.Token(text)))
    assert line.count(b"\n") == 1
    message = protocol.decode_message(line)
    assert isinstance(message, protocol.EventMessage)
    sent = text.encode("utf-8", "replace").decode()
    assert message.event.text == sent  # type: ignore[attr-defined]


def test_a_line_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(protocol.ProtocolError, match="too long"):
        protocol.encode(protocol.ResultMessage(job="j", data={"x": "y" * protocol.MAX_LINE_BYTES}))


def test_an_error_takes_its_four_parts_and_its_rows_along() -> None:
    error = GemmaError("no-model", "None.", where="/m", fix="Choose one.", kept="All.")
    message = protocol.error_message("j", error)
    assert (message.what, message.where, message.fix, message.kept) == ("None.", "/m", "Choose one.", "All.")
    rows = [RowProblem("f.jsonl", number, "bad") for number in range(5000)]
    message = protocol.error_message("j", DatasetError("bad-rows", "5000 bad rows.", problems=rows))
    assert len(message.problems) == 1000
    assert json.loads(protocol.encode(message))["problems"][2]["line"] == 2
