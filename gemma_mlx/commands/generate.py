"""`gemma-mlx generate`: answers one prompt and streams the answer."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from gemma_mlx import events
from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import QuantizeSettings, SamplingSettings
from gemma_mlx.terminal.flags import Given, JsonFlag, with_settings
from gemma_mlx.terminal.interrupt import stoppable
from gemma_mlx.terminal.loading import AdapterFlag, open_model
from gemma_mlx.terminal.output import Output


@with_settings(sampling=SamplingSettings, quantization=QuantizeSettings)
def generate(
    model: str,
    prompt: Annotated[str | None, Parameter(show_default=False)] = None,
    /,
    *,
    adapter: AdapterFlag = "",
    system: Annotated[str, Parameter(help="Text that stands before the question.", show_default=False)] = "",
    raw: Annotated[
        bool, Parameter(negative=(), help="Continue the text as it is, without the chat form.")
    ] = False,
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Answer one prompt. Ctrl-C ends the answer and keeps what was said.

    Parameters
    ----------
    model
        The model's folder or name.
    prompt
        The question. Not given: standard input is read to its end.
    """
    sampling = check_settings(SamplingSettings, given["sampling"], "the command line")
    if raw and system:
        raise SettingsError(
            "bad-settings",
            "--system needs the chat form, which --raw turns off.",
            where="the command line",
            fix="Leave one of the two out.",
        )
    if prompt is None and sys.stdin.isatty():
        raise SettingsError(
            "nothing-named",
            "There is no prompt.",
            where="the command line",
            fix='Try: gemma-mlx generate MODEL "What is the capital of France?"',
        )
    text = sys.stdin.read() if prompt is None else prompt
    loaded = open_model(model, out, adapter=adapter, quantization=given["quantization"])

    from gemma_mlx.inference.generate import generate as answer
    from gemma_mlx.text.chat_template import Message

    messages = [Message("system", system)] if system else []
    asked = text if raw else [*messages, Message("user", text)]
    with stoppable() as interrupted:
        done = stream(answer(loaded, asked, sampling, cancel=interrupted), out)
    out.write("\n")
    out.aside(speed_text(done.result))
    return {"prompt": text, "outcome": done.outcome, **done.result}


def stream(work: Any, out: Output) -> events.Done:
    """Write an answer's text as it comes; the last event."""
    done = events.Done(outcome="stopped")
    for event in work:
        match event:
            case events.Token():
                out.write(event.text)
            case events.Warning():
                out.warn(event.code, event.what, event.fix)
            case events.Done():
                done = event
    return done


def speed_text(result: dict[str, Any]) -> str:
    """How long an answer was and how fast it came."""
    return (
        f"{result['tokens']} tokens, {result['tokens_per_second']:.1f} a second, first after "
        f"{result['time_to_first_token']:.2f} s"
        + {"length": ", cut at the longest answer", "cancelled": ", stopped"}.get(result["reason"], "")
    )
