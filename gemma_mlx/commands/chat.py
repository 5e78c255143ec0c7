"""`gemma-mlx chat`: a conversation in the terminal, streamed, with edits and further answers."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx import events
from gemma_mlx.commands.generate import speed_text, stream
from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import GemmaError
from gemma_mlx.settings import QuantizeSettings, SamplingSettings
from gemma_mlx.terminal.flags import Given, JsonFlag, with_settings
from gemma_mlx.terminal.interrupt import stoppable
from gemma_mlx.terminal.loading import AdapterFlag, open_model
from gemma_mlx.terminal.output import Output

if TYPE_CHECKING:
    from gemma_mlx.inference.chat import ChatSession

HELP = (
    ("/regenerate", "another answer to the last question"),
    ("/edit TEXT", "ask the last question in other words"),
    ("/continue", "go on with an answer that was cut"),
    ("/system TEXT", "set the text that stands before the chat; without text: none"),
    ("/save FILE", "write the chat: .md for people, anything else as JSON"),
    ("/new", "begin again"),
    ("/help", "this list"),
    ("/quit", "leave (Ctrl-D too)"),
)
"""What a line that begins with a slash means. Two slashes begin a message that begins with one."""


@with_settings(sampling=SamplingSettings, quantization=QuantizeSettings)
def chat(
    model: str,
    /,
    *,
    adapter: AdapterFlag = "",
    system: Annotated[str, Parameter(help="Text that stands before the chat.", show_default=False)] = "",
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Talk with a model. Ctrl-C ends an answer and keeps what was said; /help lists the rest.

    Parameters
    ----------
    model
        The model's folder or name.
    """
    sampling = check_settings(SamplingSettings, given["sampling"], "the command line")
    loaded = open_model(model, out, adapter=adapter, quantization=given["quantization"])

    from gemma_mlx.inference.chat import ChatSession

    session = ChatSession(loaded, system=system, sampling=sampling)
    talk = Talk(session, out)
    if sys.stdin.isatty() and not out.json:
        out.say(
            f"[bold]{escape(Path(model).name)}[/]{' with ' + escape(adapter) if adapter else ''}. "
            "/help lists the commands."
        )
        talk.hold(_typed_lines(out))
    else:
        talk.hold(line.rstrip("\n") for line in sys.stdin)
    return {"model": model, "adapter": adapter or None, "chat": session.to_dict(), "turns": talk.turns()}


def _typed_lines(out: Output) -> Iterator[str]:
    """What a person types, until Ctrl-D or Ctrl-C at an empty prompt."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  line editing and history for input()
    while True:
        try:
            yield input("\n> ")
        except (EOFError, KeyboardInterrupt):
            out.say("")
            return


@dataclass
class Talk:
    """One chat in the terminal: lines in, answers out."""

    session: ChatSession
    out: Output
    saved: set[Path] = field(default_factory=set)
    """Files that this chat has written: it may write them again, and no others."""

    def hold(self, lines: Iterator[str]) -> None:
        """Answer line after line. A mistake is told and the chat goes on."""
        for line in lines:
            if not line.strip():
                continue
            if line.strip() == "/quit":
                return
            try:
                self.take(line)
            except GemmaError as problem:
                if self.out.json:
                    raise
                self.out.error(problem)

    def take(self, line: str) -> None:
        """One line: a message, or a command.

        Raises:
            GemmaError: the command is unknown or does not go now.
        """
        if line.startswith("//"):
            self._stream(lambda cancel: self.session.send(line[1:], cancel))
            return
        if not line.startswith("/"):
            self._stream(lambda cancel: self.session.send(line, cancel))
            return
        name, _, rest = line[1:].strip().partition(" ")
        command = getattr(self, f"_{name}_command", None)
        if not name.isalpha() or command is None:
            raise GemmaError(
                "unknown-command",
                f"There is no command /{name}.",
                fix="/help lists the commands; begin with // to send a message that begins with a slash.",
            )
        command(rest.strip())

    def turns(self) -> list[dict[str, Any]]:
        """What is on the path, first to last."""
        return [
            {
                "role": turn.role,
                "content": turn.content,
                **({"details": turn.details} if turn.details else {}),
            }
            for turn in self.session.tree.path()
        ]

    def _stream(self, answer: Callable[[Callable[[], bool]], Iterator[events.Event]]) -> None:
        with stoppable() as interrupted:
            done = stream(answer(interrupted), self.out)
        self.out.write("\n")
        if done.result:
            self.out.aside(speed_text(done.result))

    def _help_command(self, _rest: str) -> None:
        self.out.table(("", ""), HELP)

    def _regenerate_command(self, _rest: str) -> None:
        self._stream(lambda cancel: self.session.regenerate(cancel=cancel))

    def _continue_command(self, _rest: str) -> None:
        self._stream(lambda cancel: self.session.continue_answer(cancel=cancel))

    def _edit_command(self, text: str) -> None:
        questions = [turn for turn in self.session.tree.path() if turn.role == "user"]
        if not questions or not text:
            raise GemmaError(
                "nothing-to-edit",
                "There is no question to edit." if not questions else "There are no other words.",
                fix="Send a message first." if not questions else "Write them: /edit What is ...",
            )
        self._stream(lambda cancel: self.session.edit(questions[-1].id, text, cancel))

    def _system_command(self, text: str) -> None:
        self.session.system = text
        self.out.say("The system text is set." if text else "There is no system text now.", style="dim")

    def _new_command(self, _rest: str) -> None:
        self.session.tree.cut_all()
        self.out.say("A new chat.", style="dim")

    def _save_command(self, name: str) -> None:
        if not name:
            raise GemmaError("nothing-named", "No file is named.", fix="Write it: /save chat.md")
        path = Path(name).expanduser()
        if path.exists() and path.absolute() not in self.saved:
            raise GemmaError(
                "file-exists",
                "There is a file of this name already, and it is not of this chat.",
                where=str(path),
                fix="Choose another name.",
                kept="It is untouched.",
            )
        from gemma_mlx.library.store import atomic_write, write_json

        if path.suffix == ".md":
            atomic_write(path, markdown(self.session.system, self.turns()).encode())
        else:
            write_json(path, self.session.to_dict())
        self.saved.add(path.absolute())
        self.out.say(f"Saved to {escape(str(path))}.", style="dim")


def markdown(system: str, turns: list[dict[str, Any]]) -> str:
    """A chat for people."""
    parts = [f"*{system}*"] if system else []
    for turn in turns:
        parts.append(f"**{'You' if turn['role'] == 'user' else 'Model'}:**\n\n{turn['content'].strip()}")
    return "\n\n".join(parts) + "\n"
