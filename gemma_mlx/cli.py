"""The command line: finds the command, runs it, and turns what goes wrong into words or one JSON document.

A new command is one file, gemma_mlx/commands/NAME.py with a function NAME, and one line in COMMANDS.
Nothing heavy is imported here or at the top of a command's file: `--help` answers at once.
"""

from __future__ import annotations

import difflib
import inspect
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import cyclopts

from gemma_mlx import __version__
from gemma_mlx.errors import Cancelled, GemmaError
from gemma_mlx.terminal.interrupt import STOPPED_STATUS
from gemma_mlx.terminal.output import Output

COMMANDS: tuple[tuple[str, str, str], ...] = (
    # group, name, what it does in a few words
    ("Begin", "demo", "Fine-tune the embedded model and show its answers before and after."),
    ("Begin", "inspect", "Show what a model, a dataset, an adapter or a run is."),
    ("Models", "download", "Bring a model from the Hub, checked and resumable."),
    ("Models", "quantize", "Store a model in fewer bits."),
    ("Models", "merge", "Make one model of a base and its adapter."),
    ("Models", "export", "Write a model for another program."),
    ("Models", "convert", "Take in a model or an adapter of another program."),
    ("Train", "plan", "Forecast what a run takes and propose what fits."),
    ("Train", "train", "Fine-tune a model on a dataset."),
    ("Train", "evaluate", "Measure loss and perplexity on a dataset."),
    ("Use", "generate", "Answer one prompt, or a file of them."),
    ("Use", "chat", "Talk with a model."),
    ("Use", "serve", "Answer other programs over a local address."),
    ("Proof", "verify", "Compare this machine's numbers with PyTorch's."),
    ("Proof", "record", "Record PyTorch's numbers of a model."),
    ("Proof", "bench", "Measure speed and memory beside mlx-lm."),
)

USAGE_STATUS = 2
INTERNAL_STATUS = 70

EPILOGUE = """Settings come from flags or from a file (--config), and each run keeps its own.
--json on any command prints one JSON document, errors too.
--offline on any command forbids every connection. Try: gemma-mlx demo"""


def installed_commands() -> list[tuple[str, str, str]]:
    """The commands whose file is there."""
    return [entry for entry in COMMANDS if find_spec(f"gemma_mlx.commands.{entry[1]}") is not None]


def build_app(explained: str = "") -> cyclopts.App:
    """The tree of commands. A command's file is imported when it is called.

    The command `explained` shows its own docstring as help; the summary in COMMANDS serves the others.
    """
    app = cyclopts.App(
        name="gemma-mlx",
        version=__version__,
        help="Fine-tune and run Google's Gemma on your own machine.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        result_action="return_value",
    )
    app["--help"].group = app["--version"].group = cyclopts.Group("Options", sort_key=99)
    names = dict.fromkeys(group for group, _, _ in COMMANDS)
    groups = {name: cyclopts.Group(name, sort_key=place) for place, name in enumerate(names)}
    for group, name, summary in installed_commands():
        app.command(
            f"gemma_mlx.commands.{name}:{name}",
            name=name,
            help=_explanation(name) if name == explained else summary,
            group=groups[group],
        )
    return app


def _explanation(name: str) -> str:
    """A command's docstring without its table of parameters, each paragraph on one line."""
    text = inspect.getdoc(getattr(import_module(f"gemma_mlx.commands.{name}"), name)) or ""
    paragraphs = text.partition("\nParameters\n---")[0].strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def main(tokens: Sequence[str] | None = None) -> None:
    """Run one command and leave the program with its status."""
    sys.exit(run(sys.argv[1:] if tokens is None else tokens))


def run(tokens: Sequence[str], out: Output | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0 done, unless the command's document says another; 1 a GemmaError, 2 a wrong command
        line, 130 interrupted, 70 our own mistake.
    """
    out = out or Output(json=wants_json(tokens))
    tokens = switched_offline(tokens)
    try:
        command, bound, ignored = build_app(tokens[0] if tokens else "").parse_args(
            list(tokens), print_error=False, exit_on_error=False, console=out.stdout
        )
        if "out" in ignored:
            bound.arguments["out"] = out
        result = command(*bound.args, **bound.kwargs)
        if isinstance(result, dict):
            status = int(result.pop("exit_status", 0))
            out.document(result)
            return status
        return 0
    except cyclopts.CycloptsError as problem:
        out.error(_usage_error(problem, tokens))
        return USAGE_STATUS
    except Cancelled as problem:
        out.error(problem)
        return STOPPED_STATUS
    except GemmaError as problem:
        out.error(problem)
        return 1
    except KeyboardInterrupt:
        out.error(Cancelled())
        return STOPPED_STATUS
    except BrokenPipeError:
        # The reader of our output (head, less) went away. Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as problem:
        out.error(_system_error(problem))
        return 1
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as problem:  # a panic of a Rust extension is no Exception
        out.error(_internal_error(problem))
        return INTERNAL_STATUS


def switched_offline(tokens: Sequence[str]) -> list[str]:
    """The words without --offline, which turns the switch on for this process and those that it starts."""
    end = list(tokens).index("--") if "--" in tokens else len(tokens)
    if "--offline" in tokens[:end]:
        os.environ["GEMMA_MLX_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"
    return [word for place, word in enumerate(tokens) if word != "--offline" or place >= end]


def wants_json(tokens: Sequence[str]) -> bool:
    """Known before parsing, so that a wrong command line is answered in JSON too."""
    flags = tokens[: tokens.index("--")] if "--" in tokens else tokens
    return "--json" in flags


def _usage_error(problem: cyclopts.CycloptsError, tokens: Sequence[str]) -> GemmaError:
    """A wrong command line, in the words of the parser, with the nearest thing that exists."""
    what = str(problem).strip()
    names = [name for _, name, _ in installed_commands()]
    command = next((token for token in tokens if token in names), "")
    fix = f"See gemma-mlx {command} --help." if command else "See gemma-mlx --help."
    if isinstance(problem, cyclopts.UnknownCommandError) and tokens:
        near = difflib.get_close_matches(tokens[0], names, n=1)
        what = f"There is no command {tokens[0]!r}."
        fix = f"Did you mean {near[0]}? {fix}" if near else fix
    elif isinstance(problem, cyclopts.MissingArgumentError) and problem.argument is not None:
        given = [problem.keyword, *(token.keyword for token in problem.argument.tokens)]
        begun = next((keyword for keyword in given if keyword), "")
        what = f"{begun} needs a value." if begun else f"{problem.argument.name} is missing."
    elif isinstance(problem, cyclopts.UnusedCliTokensError) and problem.unused_tokens:
        what = f"These words are too many here: {' '.join(problem.unused_tokens)}"
    return GemmaError(
        "bad-command-line", what, where=f"gemma-mlx {command}".strip(), fix=fix, kept="Nothing was done."
    )


def _system_error(problem: OSError) -> GemmaError:
    """What the system refused, where no wing had a better word for it."""
    full = problem.errno == 28
    return GemmaError(
        "disk-full" if full else "system-refused",
        problem.strerror or str(problem),
        where=str(problem.filename or ""),
        fix="Make room on the disk and try again." if full else "Look at this path and its permissions.",
        kept="Finished files are whole: everything is written beside its place and then moved there.",
    )


def _internal_error(problem: BaseException) -> GemmaError:
    """Our own mistake: a sentence for the person, the traceback in a file for us."""
    name = f"gemma-mlx-error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    report = Path(tempfile.gettempdir()) / name
    text = "".join(traceback.format_exception(problem))
    try:
        report.write_text(f"gemma-mlx {__version__}, Python {sys.version}\n{text}", encoding="utf-8")
        where = str(report)
    except OSError:
        where = ""
    if isinstance(problem, MemoryError):
        return GemmaError(
            "out-of-memory",
            "The memory did not suffice.",
            where=where,
            fix="Use fewer bits or a smaller batch.",
        )
    return GemmaError(
        "internal",
        f"This is a mistake in Gemma MLX: {type(problem).__name__}: {problem}",
        where=where,
        fix="Please report it with that file.",
        kept="Finished files are whole.",
    )
