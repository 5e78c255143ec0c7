"""Renders a stranger's chat template in a process of its own, which may neither run long nor grow large.

The template is jinja2 in its immutable sandbox, with what transformers offers to templates
(`raise_exception`, `strftime_now`, `tojson`, loop controls, `{% generation %}`). The sandbox keeps a template
from running code, not from looping or from filling the memory; so a forked child renders, and is stopped at
half a second of processor time or a quarter of a gigabyte.
Source: transformers' utils/chat_template_utils.py, jinja2's sandbox.py.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import jinja2.debug  # jinja2 imports it on the first error, which would be in the child
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_PROCESSOR_SECONDS = 0.5
_WALL_SECONDS = 8.0  # a template cannot sleep: only a stopped or overloaded machine comes here
_MEMORY_BYTES = 256 * 2**20
_LONGEST_OUTPUT = 4 * 2**20
_LARGEST_VALUE = 2**20
_MOST_BITS = 4096


@dataclass(frozen=True)
class Rendering:
    """One conversation's outcome: the text, or why there is none.

    `problem` is "" (all well), "refused" (the template called raise_exception), "failed" (it is wrong) or
    "limits" (it took too much time or memory).
    """

    text: str = ""
    problem: str = ""
    reason: str = ""


def render_template(template: str, conversations: Sequence[dict[str, Any]]) -> list[Rendering]:
    """Renders `template` with the variables of each of `conversations` (plain JSON values).

    Never raises for a template's sake: each conversation has its outcome. Takes two seconds at the most
    on a machine that is not overloaded.
    """
    now = datetime.now()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of forks beside threads. The child runs jinja2 alone, and a stuck one is killed.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _be_the_child(writing, template, conversations, now)
    os.close(writing)
    try:
        answer = _read_answer(reading)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)
    try:
        outcomes = [Rendering(*item) for item in json.loads(answer)]
    except ValueError:
        outcomes = []
    limits = Rendering(problem="limits", reason="it takes too much time or memory")
    return [*outcomes, *[limits] * (len(conversations) - len(outcomes))]


def _read_answer(reading: int) -> bytes:
    deadline = time.monotonic() + _WALL_SECONDS
    parts = []
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([reading], [], [], left)
        part = os.read(reading, 2**20) if ready else b""
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def _be_the_child(
    writing: int, template: str, conversations: Sequence[dict[str, Any]], now: datetime
) -> NoReturn:
    """Renders, writes the outcomes as JSON and is gone, without running anyone's clean-up."""
    status = 1
    try:
        gc.disable()  # what the parent left is not this process's to free
        _limit_this_process()
        answer = json.dumps(_render_all(template, conversations, now)).encode()
        while answer:
            answer = answer[os.write(writing, answer) :]
        status = 0
    except BaseException:  # the parent sees a missing answer and says so
        pass
    finally:
        os._exit(status)


def _limit_this_process() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGPROF, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF, signal.SIGALRM])
    signal.setitimer(signal.ITIMER_PROF, _PROCESSOR_SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):  # Linux; macOS has no such file and ignores the limit
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + _MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    unit = 1 if sys.platform == "darwin" else 1024
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def look(number: int, frame: object) -> None:
        if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * unit > _MEMORY_BYTES:
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)


def _render_all(
    template: str, conversations: Sequence[dict[str, Any]], now: datetime
) -> list[tuple[str, str, str]]:
    outcomes = []
    try:
        compiled = _environment(now).from_string(template)
    except _TooMuch as problem:
        return [("", "limits", str(problem))] * len(conversations)
    except (TemplateError, RecursionError, SyntaxError, ValueError, TypeError) as problem:
        return [("", "failed", _in_words(problem))] * len(conversations)
    for variables in conversations:
        try:
            parts, length = [], 0
            for part in compiled.generate(**variables):
                length += len(part)
                if length > _LONGEST_OUTPUT:
                    raise _TooMuch("it writes more than any chat needs")
                parts.append(part)
            outcomes.append(("".join(parts), "", ""))
        except _Refused as problem:
            outcomes.append(("", "refused", str(problem)))
        except (_TooMuch, MemoryError, OverflowError) as problem:
            outcomes.append(("", "limits", str(problem) or "it takes too much memory"))
        except Exception as problem:  # whatever a template's expression can raise
            outcomes.append(("", "failed", _in_words(problem)))
    return outcomes


def _in_words(problem: BaseException) -> str:
    line = getattr(problem, "lineno", None)
    words = (str(problem).splitlines() or [""])[0][:300]
    return f"{words or type(problem).__name__}" + (f" (line {line})" if line else "")


class _Refused(Exception):
    """The template called raise_exception."""


class _TooMuch(Exception):
    """The template makes something larger than any chat needs."""


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with a bound on what one operator can make (a single C call cannot be interrupted)."""

    intercepted_binops = frozenset(["*", "**", "+", "%"])

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() * abs(right) > _MOST_BITS:
                raise _TooMuch("it raises a number to a power that is too large")
        elif operator == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(one, int):
                    size = other.bit_length() if isinstance(other, int) else 0
                    if size + one.bit_length() > _MOST_BITS or _length(other) * one > _LARGEST_VALUE:
                        raise _TooMuch("it makes a value that is too large")
        elif operator == "%" and isinstance(left, str) and any(len(run) > 3 for run in _digits(left)):
            raise _TooMuch("it formats a text that is too wide")
        elif operator == "+" and _length(left) + _length(right) > _LONGEST_OUTPUT:
            raise _TooMuch("it makes a value that is too large")
        return super().call_binop(context, operator, left, right)


def _length(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 0


def _digits(text: str) -> list[str]:
    return "".join(letter if letter.isdigit() else " " for letter in text).split()


class _GenerationBlock(jinja2.ext.Extension):
    """`{% generation %}...{% endgeneration %}` marks the assistant's part; here it is rendered as it is."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment(now: datetime) -> _Environment:
    """What transformers gives to templates; the time is the parent's, so that no library looks it up here."""

    def raise_exception(message: object) -> NoReturn:
        raise _Refused(str(message))

    def to_json(value: object, **options: Any) -> str:
        known = {name: options[name] for name in ("indent", "separators", "sort_keys") if name in options}
        return json.dumps(value, ensure_ascii=bool(options.get("ensure_ascii", False)), **known)

    environment = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = now.strftime
    return environment
