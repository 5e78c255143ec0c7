"""`gemma-mlx generate`: answers one prompt and streams the answer, or answers a file of prompts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.markup import escape

from gemma_mlx import events
from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import QuantizeSettings, SamplingSettings
from gemma_mlx.terminal.flags import Given, JsonFlag, with_settings
from gemma_mlx.terminal.interrupt import STOPPED_STATUS, stoppable
from gemma_mlx.terminal.loading import AdapterFlag, open_model
from gemma_mlx.terminal.output import Output
from gemma_mlx.terminal.progress import follow


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
    prompts: Annotated[
        Path | None, Parameter(help='A file of prompts instead: rows with "prompt" or "messages".')
    ] = None,
    answers: Annotated[
        Path | None, Parameter(name="--out", help="Where the answers go (jsonl, a row per prompt).")
    ] = None,
    slots: Annotated[
        int, Parameter(help="Prompts of a file that are answered at once.", validator=Number(gte=1, lte=1024))
    ] = 16,
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Answer one prompt, or with --prompts and --out a file of them.

    Ctrl-C ends one answer and keeps what was said. A file of answers that was interrupted in any way goes on
    where it was when the same command is given again.

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
    if prompts is not None or answers is not None:
        files = _files(prompts, answers, prompt)
        _check_files(*files, raw=raw, system=system)
        loaded = open_model(model, out, adapter=adapter, quantization=given["quantization"])
        return _answer_file(loaded, *files, sampling, out, raw=raw, system=system, slots=slots)
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


def _files(prompts: Path | None, answers: Path | None, prompt: str | None) -> tuple[Path, Path]:
    """The file of prompts and that of answers.

    Raises:
        SettingsError: one of them is missing, or a prompt is given besides.
    """
    if prompts is None or answers is None or prompt is not None:
        raise SettingsError(
            "bad-settings",
            "--prompts and --out belong together, and there is no other prompt beside them.",
            where="the command line",
            fix="Try: gemma-mlx generate MODEL --prompts questions.jsonl --out answers.jsonl",
        )
    return prompts.expanduser(), answers.expanduser()


def _check_files(prompts: Path, answers: Path, *, raw: bool, system: str) -> None:
    """Refuse before a model is loaded what could not be answered.

    Raises:
        GemmaError: what `batch_file.answer_file` raises for its two files.
    """
    from gemma_mlx.inference.batch_file import check_new
    from gemma_mlx.inference.prompt_file import check_prompts

    check_new(answers)
    check_prompts(prompts, raw=raw, system=system)


def _answer_file(
    loaded: Any,
    prompts: Path,
    answers: Path,
    sampling: SamplingSettings,
    out: Output,
    *,
    raw: bool,
    system: str,
    slots: int,
) -> dict[str, Any]:
    """Answer every row of a file, with a bar that shows the speed."""
    from gemma_mlx.inference.batch_file import answer_file

    with stoppable() as interrupted:
        work = answer_file(
            loaded, prompts, answers, sampling, interrupted, raw=raw, system=system, slots=slots
        )
        done = follow(work, out)
    result = done.result
    out.say(
        f"[bold]{escape(result['path'])}[/]: {result['answers']:,} answers"
        + (f", {result['resumed']:,} of them from before" if result["resumed"] else "")
    )
    out.aside(f"{result['tokens']:,} tokens, {result['tokens_per_second']:,.1f} a second")
    if done.outcome == "finished":
        return {"outcome": done.outcome, **result}
    out.say("Stopped; these answers are kept, and the same command goes on from there.")
    return {"outcome": done.outcome, **result, "exit_status": STOPPED_STATUS}


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
