"""A file of prompts to a file of answers, which an interruption never costs more than the answers under way.

Answers are appended to `OUT.partial` as they end, behind a header that says what they were made with. Once
all are there they are put in the prompts' order and published whole as `OUT`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import mlx.nn as nn

from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done, Event, Progress
from gemma_mlx.inference.batch import answer_all, long_prompts_warning
from gemma_mlx.inference.generate import DEFAULT_SAMPLING, prompt_ids
from gemma_mlx.inference.prompt_file import FilePrompt, check_prompts, read_prompts
from gemma_mlx.inference.sampling import draw_seed, noise_key
from gemma_mlx.inference.slots import Request
from gemma_mlx.library.atomic import atomic_write, cannot_write, sha256_file
from gemma_mlx.settings import SamplingSettings

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded

FORMAT = 1
_FORMAT_FIELD = "gemma_mlx_answers"
_MAGIC = f'{{"{_FORMAT_FIELD}": '.encode()
WINDOW = 8
"""Prompts are sorted by length within so many batches, so that those read together are padded little."""

SYNCHRONIZE_EVERY = 2.0
"""Seconds between two waits for the disk: what a power cut can cost."""


def answer_file(
    loaded: Loaded,
    prompts: Path,
    out: Path,
    sampling: SamplingSettings = DEFAULT_SAMPLING,
    cancel: Callable[[], bool] | None = None,
    *,
    raw: bool = False,
    system: str = "",
    slots: int = 16,
) -> Iterator[Event]:
    """Answers every row of `prompts` (any format that datasets have) into `out` (jsonl, a row per prompt).

    A row has "prompt" or "messages"; `raw` prompts are continued as they are. An answer has the row's "line",
    "id" and prompt, "text", "tokens", "prompt_tokens", "reason" and "seed". Called again after an
    interruption it goes on where it was, and ends with the same file.

    Yields Progress in prompts, with the speed as note, and Done with {"path", "answers", "tokens",
    "tokens_per_second", "resumed"}; cancelled, its outcome is "stopped" and the answers so far are kept.

    Raises:
        DatasetError: `prompts` cannot be read; or with all rows that hold no prompt.
        GemmaError: `out` exists, cannot be written, or was begun with other prompts, model or settings.
    """
    check_new(out)
    total = check_prompts(prompts, raw=raw, system=system)
    header = _header(loaded, prompts, sampling, raw, system)
    with _open(out.with_name(out.name + ".partial"), header) as (partial, done, seed):
        resumed = len(done)
        yield Progress("Answering", resumed, total, "prompts")
        waiting: dict[int, FilePrompt] = {}
        started = synchronized = time.perf_counter()
        tokens = too_long = 0
        source = (each for each in read_prompts(prompts, raw=raw, system=system) if each.index not in done)
        requests = _requests(loaded, source, sampling, seed, slots, waiting)
        for index, result in answer_all(loaded, requests, slots, cancel):
            if result["reason"] == "cancelled":
                continue
            asked = waiting.pop(index)
            done[index] = partial.append({"index": index, "line": asked.line, **asked.shown, **_told(result)})
            tokens += result["tokens"]
            too_long += result["prompt_tokens"] >= loaded.config.max_position_embeddings
            now = time.perf_counter()
            if now - synchronized > SYNCHRONIZE_EVERY:
                partial.synchronize()
                synchronized = now
            speed = f"{tokens / max(now - started, 1e-9):.0f} tokens/s"
            yield Progress("Answering", len(done), total, "prompts", speed)
        partial.synchronize()
        yield from long_prompts_warning(loaded, too_long)
        result = {
            "path": str(out), "answers": len(done), "tokens": tokens, "resumed": resumed,
            "tokens_per_second": tokens / max(time.perf_counter() - started, 1e-9),
        }  # fmt: skip
        if len(done) < total:
            yield Done({**result, "path": str(partial.path)}, outcome="stopped")
            return
        atomic_write(out, b"".join(partial.read(done[index]) for index in range(total)))
        partial.path.unlink()
    yield Done(result)


def check_new(out: Path) -> None:
    """Refuse a file of answers that is there already.

    Raises:
        GemmaError: `output-exists`.
    """
    if out.exists():
        raise GemmaError(
            "output-exists", "There is a file of this name already.", where=str(out),
            fix="Choose another name, or delete that file.", kept="It is untouched; nothing was answered.",
        )  # fmt: skip


def _requests(
    loaded: Loaded,
    prompts: Iterator[FilePrompt],
    sampling: SamplingSettings,
    seed: int,
    slots: int,
    waiting: dict[int, FilePrompt],
) -> Iterator[Request]:
    """The prompts as requests, those of like length near each other; noted in `waiting`."""
    while window := list(islice(prompts, WINDOW * slots)):
        requests = []
        for each in window:
            waiting[each.index] = each
            own = seed if sampling.seed is not None else _row_seed(seed, each.index)
            requests.append(Request(each.index, prompt_ids(loaded.tokenizer, each.prompt), sampling, own))
        yield from sorted(requests, key=lambda request: len(request.ids), reverse=True)


def _row_seed(seed: int, index: int) -> int:
    """A seed of its own for each row, 63 bits."""
    first, second = noise_key(seed, index)
    return (first << 31) ^ second


def _told(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "ids"}


def _header(
    loaded: Loaded, prompts: Path, sampling: SamplingSettings, raw: bool, system: str
) -> dict[str, Any]:
    """What the answers depend on."""
    return {
        _FORMAT_FIELD: FORMAT,
        "prompts": sha256_file(prompts),
        "model": loaded.fingerprint or str(loaded.folder),
        "weights": _weights(loaded),
        "adapter": _adapter(loaded),
        "sampling": sampling.model_dump(mode="json"),
        "raw": raw,
        "system": system,
    }


def _weights(loaded: Loaded) -> list[str]:
    """In which widths the model is kept: the same folder answers otherwise once it is quantized."""
    kinds = set()
    for _, module in loaded.model.named_modules():
        if isinstance(module, nn.QuantizedLinear | nn.QuantizedEmbedding):
            kinds.add(f"{module.mode} {module.bits} bit, groups of {module.group_size}")
        elif isinstance(module, nn.Linear | nn.Embedding):
            kinds.add(str(module.weight.dtype).removeprefix("mlx.core."))
    return sorted(kinds)


def _adapter(loaded: Loaded) -> str:
    """The adapter's weights, if it has any."""
    file = None if loaded.adapter is None else loaded.adapter / "adapter_model.safetensors"
    return sha256_file(file) if file is not None and file.is_file() else str(loaded.adapter or "")


class _Partial:
    """The answers so far: one JSON line each, behind the header."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file

    def append(self, answer: dict[str, Any]) -> tuple[int, int]:
        """Writes an answer; where it stands, as (offset, length)."""
        line = json.dumps({name: value for name, value in answer.items() if name != "index"})
        data = f'{{"index": {answer["index"]}, {line[1:]}\n'.encode()
        try:
            offset = self.file.seek(0, os.SEEK_END)
            self.file.write(data)
            self.file.flush()
        except OSError as problem:
            raise cannot_write(self.path, problem) from problem
        return offset, len(data)

    def read(self, place: tuple[int, int]) -> bytes:
        """An answer's line, without its index."""
        self.file.seek(place[0])
        answer = json.loads(self.file.read(place[1]))
        del answer["index"]
        return (json.dumps(answer, ensure_ascii=False) + "\n").encode("utf-8", "replace")

    def synchronize(self) -> None:
        os.fsync(self.file.fileno())


@contextlib.contextmanager
def _open(path: Path, header: dict[str, Any]) -> Iterator[tuple[_Partial, dict[int, tuple[int, int]], int]]:
    """The partial file, where in it each answer stands, and the seed; begun if it is not there.

    Raises:
        GemmaError: it cannot be written, is in use, or was begun with something else.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise cannot_write(path, OSError(errno.EINVAL, "not a regular file"))
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GemmaError(
                "in-use", "Another process is answering into this file.", where=str(path),
                fix="Wait until it ends, or choose another name.", kept="Its answers go on.",
            ) from None  # fmt: skip
        found, places = _read_answers(path, file)
        if found is None:
            found = {**header, "seed": draw_seed(SamplingSettings(**header["sampling"]))}
            file.write(json.dumps(found).encode() + b"\n")
            file.flush()
        differing = [name for name, value in header.items() if found.get(name) != value]
        if differing:
            raise GemmaError(
                "other-answers",
                f"These answers were begun with other {', '.join(differing)}.",
                where=str(path),
                fix="Go on with what they were begun with, choose another name, or delete that file.",
                kept=f"Its {len(places)} answers are untouched.",
            )
        yield _Partial(path, file), places, int(found["seed"])


def _read_answers(path: Path, file: BinaryIO) -> tuple[dict[str, Any] | None, dict[int, tuple[int, int]]]:
    """The header and each answer's place. A last line that was cut off is cleared away."""
    places: dict[int, tuple[int, int]] = {}
    header: dict[str, Any] | None = None
    offset = 0
    for line in file:
        whole = line.endswith(b"\n")
        if not whole and (header is not None or _MAGIC.startswith(line[: len(_MAGIC)])):
            break
        try:
            if not whole:
                raise ValueError(line)
            values = json.loads(line)
            if header is None:
                header = dict(values)
                if header[_FORMAT_FIELD] != FORMAT:
                    raise ValueError(header)
                int(header["seed"])
            else:
                places[int(values["index"])] = (offset, len(line))
        except (ValueError, TypeError, KeyError):
            raise GemmaError(
                "bad-answers", "This is not a file of answers that were begun.",
                where=f"{path}, byte {offset}", fix="Choose another name, or delete that file.",
                kept="It is untouched.",
            ) from None  # fmt: skip
        offset += len(line)
    file.seek(offset)
    file.truncate()
    return header, places
