"""Rows to examples on several cores, in the order of the rows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice

from gemma_mlx.data.columns import Mapping
from gemma_mlx.data.content import BadRow, content_key
from gemma_mlx.data.formats import Example, PreferenceExample, row_examples
from gemma_mlx.data.rows import Entry
from gemma_mlx.errors import RowProblem
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer

_MOST_THREADS = 8
_WAITING_PER_THREAD = 4


@dataclass(frozen=True)
class Outcome:
    """What became of a row: its examples, why others of it are left out, or what is wrong with it.

    `key` is the hash of the row's content.
    """

    entry: Entry
    examples: list[Example | PreferenceExample] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problem: RowProblem | None = None
    key: int = 0


def tokenized(
    entries: Iterable[Entry], mapping: Mapping, settings: DataSettings, tokenizer: Tokenizer
) -> Generator[Outcome, None, None]:
    """The outcome of each row, in order; only some dozens of rows are in memory.

    Both tokenizer libraries let go of Python's lock while they work, so threads are enough.
    """

    def outcome(entry: Entry) -> Outcome:
        if isinstance(entry, RowProblem):
            return Outcome(entry, problem=entry)
        try:
            examples, reasons = row_examples(entry, mapping, settings, tokenizer)
        except BadRow as problem:
            return Outcome(entry, problem=RowProblem(entry.file, entry.line, str(problem)))
        return Outcome(entry, examples, reasons, key=content_key(entry, mapping) if examples else 0)

    entries = iter(entries)
    first = list(map(outcome, islice(entries, _WAITING_PER_THREAD)))
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    # A stranger's template is rendered in a forked child, and a process with threads must not fork.
    if threads == 1 or not (mapping.format == "text" or tokenizer.chat_form == "gemma"):
        yield from chain(first, map(outcome, entries))
        return
    yield from first
    waiting: deque[Future[Outcome]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tokenize")
    try:
        for entry in entries:
            waiting.append(pool.submit(outcome, entry))
            if len(waiting) >= threads * _WAITING_PER_THREAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
