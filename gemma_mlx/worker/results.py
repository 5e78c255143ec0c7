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


class Verification(Frame):
    """What the last comparison of a model with the PyTorch reference showed (`gemma-mlx verify`)."""

    passed: bool
    reference: str = ""
    """Such as "PyTorch 2.13.0 with transformers 5.23.0 on NVIDIA H200"; "" where there was no recording."""
    made: str = ""
    """The time, ISO 8601."""


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
    verification: Verification | None = None


class ModelList(Frame):
    """All models that were found, and what this machine allows."""

    models: tuple[ModelSummary, ...]
    allowed_bytes: int = 0
    total_bytes: int = 0


class ModelOffer(Frame):
    """A model that can be downloaded. Of what a search finds only name, downloads and licence are known."""

    repository: str
    generation: str = ""
    chat: bool = False
    bits: int = 0
    parameters: int = 0
    size_bytes: int = 0
    memory_bytes: int = 0
    allowed_bytes: int = 0
    verdict: Verdict = "unknown"
    licence: str = ""
    gated: bool = False
    downloads: int = 0
    page: str = ""
    """The address of its page, where a licence is read and accepted."""


class OfferList(Frame):
    """Models that can be downloaded, the likeliest first."""

    offers: tuple[ModelOffer, ...] = ()


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
    notes: tuple[str, ...] = ()


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
    """One example of a row as the model sees it. `index` counts rows from 0, `line` the file's lines from 1.

    `part` tells a row's examples apart ("chosen"). `tokens` counts all of it, `kept` what is not cut.
    """

    index: int
    source: str = ""
    line: int = 0
    split: str = ""
    part: str = ""
    pieces: tuple[Piece, ...] = ()
    tokens: int = 0
    kept: int = 0
    loss_tokens: int = 0
    problem: str = ""


class RowsPreview(Frame):
    """A stretch of rows, from `start`."""

    start: int
    rows: tuple[RowPreview, ...]


class LengthStatistics(Frame):
    """Lengths of examples. Bin i of the histogram counts lengths from `edges[i]` to below `edges[i + 1]`."""

    count: int = 0
    minimum: int = 0
    median: int = 0
    mean: float = 0.0
    percentile_95: int = 0
    maximum: int = 0
    total: int = 0
    edges: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    unit: str = "tokens"


class Problem(Frame):
    """A row that cannot be used, by file and line (from 1)."""

    file: str
    line: int
    reason: str


class DatasetOverview(Frame):
    """All that is known of a dataset so far (`gemma_mlx.data.overview.Overview`).

    `rows` counts all, `usable` those that can be learned from; token figures are of the `measured` examples,
    and `estimated` without a tokenizer. `trouble` is why the columns are not understood.
    """

    path: str
    size_bytes: int = 0
    format: str = ""
    statement: str = ""
    columns: tuple[str, ...] = ()
    mapping: dict[str, str] = Field(default_factory=dict)
    rows: int = 0
    usable: int = 0
    train: int = 0
    valid: int = 0
    measured: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    truncated: int = 0
    left_out: int = 0
    duplicates: int = 0
    lengths: LengthStatistics = LengthStatistics()
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    complete: bool = False
    estimated: bool = False
    trouble: str = ""
