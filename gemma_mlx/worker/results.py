"""What the answers hold, typed: both sides build and read `part` and `result` data through these classes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gemma_mlx.worker.protocol import Frame

Verdict = Literal["fits", "tight", "too-large", "unknown"]
"""How a need stands to what the machine allows."""


class AdapterSummary(Frame):
    """An adapter on disk, under its base model."""

    path: str
    name: str
    base: str = ""
    rank: int = 0
    size_bytes: int = 0
    run: str = ""


class ModelSummary(Frame):
    """A model folder, known without loading a weight. `problem` says why it cannot be used, if so."""

    path: str
    name: str
    origin: Literal["app", "huggingface", "elsewhere", "demo"] = "elsewhere"
    generation: str = ""
    parameters: int = 0
    size_bytes: int = 0
    dtype: str = ""
    quantization: str = ""
    context: int = 0
    has_tokenizer: bool = True
    memory_bytes: int = 0
    allowed_bytes: int = 0
    verdict: Verdict = "unknown"
    problem: str = ""
    fix: str = ""
    adapters: tuple[AdapterSummary, ...] = ()


class ModelList(Frame):
    """All models that were found, and what this machine allows."""

    models: tuple[ModelSummary, ...]
    allowed_bytes: int = 0
    total_bytes: int = 0


class LoadedForChat(Frame):
    """What was loaded, with the context length in tokens."""

    model: str
    adapter: str = ""
    context: int
    memory_bytes: int = 0
    seconds: float = 0.0


class QuantizationPreview(Frame):
    """A quantization before it is made: sizes, and the relative error of a sample of the weights."""

    before_bytes: int
    after_bytes: int
    bits_per_weight: float
    relative_error: float | None = None
    memory_bytes: int = 0
    allowed_bytes: int = 0
    verdict: Verdict = "unknown"


class TrainingForecast(Frame):
    """A run before it starts. `seconds` is None where nothing comparable was measured."""

    peak_bytes: int
    allowed_bytes: int = 0
    verdict: Verdict = "unknown"
    steps: int = 0
    tokens: int = 0
    seconds: float | None = None
    note: str = ""


class Piece(Frame):
    """A stretch of a row's text: whether it carries loss, and whether it is cut away."""

    text: str
    loss: bool = False
    cut: bool = False
    control: bool = False


class RowPreview(Frame):
    """One row as the model sees it. `tokens` counts all of it, `kept` what is not cut."""

    row: int
    source: str = ""
    pieces: tuple[Piece, ...] = ()
    tokens: int = 0
    kept: int = 0
    loss_tokens: int = 0
    problem: str = ""
    split: Literal["train", "valid", ""] = ""


class RowsPreview(Frame):
    """A stretch of rows, from `start`."""

    start: int
    rows: tuple[RowPreview, ...]


class Histogram(Frame):
    """Counts of rows by length in tokens; `edges` has one more entry than `counts`."""

    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


class Problem(Frame):
    """A row that cannot be used, by file and line (from 1)."""

    file: str
    line: int
    reason: str


class DatasetOverview(Frame):
    """All that is known of a dataset so far; `complete` once every row was looked at."""

    path: str
    size_bytes: int = 0
    format: str = ""
    columns: tuple[str, ...] = ()
    mapping: dict[str, str] = Field(default_factory=dict)
    rows: int = 0
    usable: int = 0
    train: int = 0
    valid: int = 0
    measured: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    shortest: int = 0
    median: int = 0
    longest: int = 0
    truncated: int = 0
    histogram: Histogram = Histogram()
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    duplicates: int = 0
    complete: bool = False
    estimated: bool = False
