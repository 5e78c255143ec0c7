"""A dataset made ready for training: files found, rows read and tokenized, validation rows held out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gemma_mlx.data.cache import cache_key, prune_cache, read_cache, write_manifest
from gemma_mlx.data.columns import Mapping
from gemma_mlx.data.folder import find_files
from gemma_mlx.data.report import DatasetReport, FileReport, SplitReport, length_statistics
from gemma_mlx.data.rows import Problems, unreadable
from gemma_mlx.data.sources import Sources, Watch, bad_rows_error, detect_files, open_files
from gemma_mlx.data.split import split_rows
from gemma_mlx.data.table import ExampleRows, PreferenceRows, TableWriter, TokenTable
from gemma_mlx.data.tokenize import tokenized
from gemma_mlx.errors import DatasetError, GemmaError, RowProblem
from gemma_mlx.events import Progress
from gemma_mlx.library.atomic import atomic_folder
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Prepared:
    """Examples to train on and to validate with; `.lengths` of each is what `plan_epoch` takes.

    `preferences`: the items are `PreferenceExample`s. `fingerprint` changes with the files' contents, the
    data settings and the tokenizer: a resumed run compares it.
    """

    train: ExampleRows | PreferenceRows
    valid: ExampleRows | PreferenceRows
    report: DatasetReport
    fingerprint: str

    @property
    def preferences(self) -> bool:
        return isinstance(self.train, PreferenceRows)


@dataclass
class Findings:
    """What the reading of the rows found, besides the examples."""

    rows: list[int] = field(default_factory=list)
    bad: int = 0
    bad_rows: list[RowProblem] = field(default_factory=list)
    left_out: int = 0
    left_out_rows: list[RowProblem] = field(default_factory=list)
    truncated: int = 0
    cut_tokens: int = 0


def prepare_dataset(
    settings: DataSettings,
    tokenizer: Tokenizer,
    *,
    seed: int,
    cache_folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Prepared:
    """Read, check, tokenize and split the dataset that the settings name.

    With a `cache_folder` the tokens lie there and are mapped from disk, also the next time; a damaged cache
    is made anew. Rows are split by a hash of their content and `seed`: copies of a row stay on one side.

    Raises:
        DatasetError: no usable rows, unknown columns, or bad rows (all of them, in `problems`).
        Cancelled: `cancelled` returned True.
    """
    watch = Watch(progress, cancelled)
    files = find_files(settings.dataset)
    sources = open_files(files)
    mapping = detect_files(settings, sources, watch)
    hashes = [_file_hash(source.path, watch) for _, source in sources]
    fingerprint = cache_key(_identity(settings, mapping, tokenizer, sources, hashes))
    job = _Job(settings, tokenizer, mapping, sources, watch)
    notes: list[str] = []
    cached = None
    if cache_folder is not None:
        place = cache_folder / fingerprint
        cached = read_cache(place, job.names)
        built = cached or _built_on_disk(job, place, notes)
    else:
        built = None
    table, findings = _unpacked(built) if built else job.in_memory()
    report_files = [
        FileReport(source.name, split, rows, digest)
        for (split, source), rows, digest in zip(sources, findings.rows, hashes, strict=True)
    ]
    report_files += [FileReport(str(path), "test") for path in files.test]
    train, valid = split_rows(table, sources, settings, seed, notes)
    if not len(train):
        raise _nothing_left(settings, findings)
    report = _report(settings, mapping, report_files, findings, table, train, valid, notes)
    rows_of = PreferenceRows if mapping.format == "preference" else ExampleRows
    return Prepared(
        rows_of(table, train), rows_of(table, valid), replace(report, from_cache=bool(cached)), fingerprint
    )


class _Job:
    """One reading of all rows, into memory or onto disk."""

    def __init__(
        self, settings: DataSettings, tokenizer: Tokenizer, mapping: Mapping, sources: Sources, watch: Watch
    ) -> None:
        self.settings = settings
        self.tokenizer = tokenizer
        self.mapping = mapping
        self.sources = sources
        self.watch = watch
        self.names = [source.name for _, source in sources]
        self.width = 2 if mapping.format == "preference" else 1

    def in_memory(self) -> tuple[TokenTable, Findings]:
        writer = TableWriter(None, self.width)
        findings = self.run(writer)
        return writer.table(self.names), findings

    def run(self, writer: TableWriter) -> Findings:
        """Tokenize all rows.

        Raises:
            DatasetError: `bad-rows`, after all rows are read.
        """
        problems, left_out, findings = Problems(), Problems(), Findings()
        columns = list(self.mapping.columns.values())
        for index, (_, source) in enumerate(self.sources):
            stage, count = f"Reading {source.path.name}", 0
            entries = islice(source.entries(columns), self.settings.limit)
            with closing(tokenized(entries, self.mapping, self.settings, self.tokenizer)) as outcomes:
                for outcome in outcomes:
                    self.watch.step(stage, source.done, source.total, source.unit)
                    count += 1
                    if outcome.problem is not None:
                        problems.add(outcome.problem)
                    for reason in outcome.left_out:
                        left_out.add(RowProblem(outcome.entry.file, outcome.entry.line, reason))
                    for example in outcome.examples:
                        findings.truncated += bool(example.cut)
                        findings.cut_tokens += example.cut
                        writer.add(example, index, outcome.key)
            findings.rows.append(count)
            self.watch.step(stage, source.total, source.total, source.unit)
        if problems.count and self.settings.bad_rows == "refuse":
            raise bad_rows_error(problems)
        findings.bad, findings.bad_rows = problems.count, problems.details
        findings.left_out, findings.left_out_rows = left_out.count, left_out.details
        return findings


def _built_on_disk(job: _Job, place: Path, notes: list[str]) -> tuple[TokenTable, dict[str, Any]] | None:
    """Build the cache; None, with a note, when the disk does not take it."""
    try:
        with atomic_folder(place, replace=True) as folder:
            writer = TableWriter(folder, job.width)
            try:
                findings = job.run(writer)
            finally:
                writer.close()
            write_manifest(folder, job.width, asdict(findings))
        with suppress(OSError):  # another process is at it
            prune_cache(place.parent, keep=place.name)
    except GemmaError as problem:
        if problem.code not in ("cannot-write", "folder-exists"):
            raise
        notes.append(f"The tokens are kept in memory, because they cannot be kept on disk: {problem.what}")
        return None
    return read_cache(place, job.names)


def _unpacked(built: tuple[TokenTable, dict[str, Any]]) -> tuple[TokenTable, Findings]:
    table, found = built
    found["bad_rows"] = [RowProblem(**problem) for problem in found["bad_rows"]]
    found["left_out_rows"] = [RowProblem(**problem) for problem in found["left_out_rows"]]
    return table, Findings(**found)


def _report(
    settings: DataSettings,
    mapping: Mapping,
    files: list[FileReport],
    findings: Findings,
    table: TokenTable,
    train: npt.NDArray[np.int64],
    valid: npt.NDArray[np.int64],
    notes: list[str],
) -> DatasetReport:
    tokens, targets, keys = table.tokens(), table.targets(), table.of_each("key")
    places = np.stack([table.of_each("file"), table.of_each("line")], axis=1)
    duplicates = len(np.unique(places, axis=0)) - len(np.unique(keys))
    if mapping.format == "text" and settings.loss_on == "completions":
        notes.append("Raw text has no prompt, so all of its tokens carry loss.")
    if findings.left_out:
        notes.append(f"{findings.left_out} rows are left out: nothing to learn is left in them.")
    if findings.bad:
        notes.append(f"{findings.bad} rows that cannot be used are left out.")
    if findings.truncated:
        notes.append(f"{findings.truncated} examples are cut to {settings.max_length} tokens.")
    if duplicates > 0:
        notes.append(f"{duplicates} rows are copies of others.")
    if any(file.split == "test" for file in files):
        notes.append("Test files are not used in training.")

    def split_report(indices: npt.NDArray[np.int64]) -> SplitReport:
        return SplitReport(
            examples=len(indices),
            tokens=int(tokens[indices].sum()),
            targets=int(targets[indices].sum()),
            lengths=length_statistics(tokens[indices]),
        )

    return DatasetReport(
        format=mapping.format,
        columns=dict(mapping.columns),
        statement=mapping.statement,
        loss_on=settings.loss_on,
        max_length=settings.max_length,
        files=tuple(files),
        rows=sum(findings.rows),
        bad=findings.bad,
        bad_rows=tuple(findings.bad_rows),
        left_out=findings.left_out,
        left_out_rows=tuple(findings.left_out_rows),
        truncated=findings.truncated,
        cut_tokens=findings.cut_tokens,
        duplicates=max(0, duplicates),
        train=split_report(train),
        valid=split_report(valid),
        notes=tuple(notes),
    )


def _nothing_left(settings: DataSettings, findings: Findings) -> DatasetError:
    problems = [*findings.bad_rows, *findings.left_out_rows]
    reason = f" The first: {problems[0].reason}." if problems else ""
    return DatasetError(
        "no-usable-rows",
        f"None of the {sum(findings.rows)} rows of the training data is left to learn from.{reason}",
        where=settings.dataset,
        fix="Raise max_length, or give other rows."
        if findings.left_out
        else "Give a dataset with usable rows.",
        problems=problems,
    )


def _identity(
    settings: DataSettings, mapping: Mapping, tokenizer: Tokenizer, sources: Sources, hashes: list[str]
) -> dict[str, Any]:
    """All that the tokens depend on."""
    return {
        "files": [
            [split, source.kind, digest] for (split, source), digest in zip(sources, hashes, strict=True)
        ],
        "format": mapping.format,
        "columns": mapping.columns,
        "keys": mapping.keys,
        "settings": settings.model_dump(include={"loss_on", "max_length", "limit", "bad_rows"}),
        "tokenizer": [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(tokenizer.files)],
        "chat_template": tokenizer.chat_template,
    }


def _file_hash(path: Path, watch: Watch) -> str:
    """The SHA-256 of a file; a gigabyte takes a while, so it can be watched and cancelled."""
    digest, done = hashlib.sha256(), 0
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            while chunk := file.read(2**22):
                digest.update(chunk)
                done += len(chunk)
                watch.step(f"Checking {path.name}", done, max(done, total), "bytes")
    except OSError as problem:
        raise unreadable(path, problem) from None
    return digest.hexdigest()
