"""What a run will take before it starts: peak memory and time of a step, from shapes and a calibration.

The formula counts what a LoRA step keeps (weights, adapter, moments, what the backward pass needs) and scales
what comes and goes with it by factors fitted to what steps take at the least, with MLX made to wait at each
operation. A run is let to take some more and held to that (training/memory.py), so that what was forecast is
what it takes: `gemma-mlx bench forecast` prints the errors.
N tokens of a batch, D hidden, F feed-forward, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from gemma_mlx.adapters.lora import rank_of
from gemma_mlx.models.attention import QUERY_BLOCK, few_scores
from gemma_mlx.models.config import ModelConfig, parameter_shapes
from gemma_mlx.models.recompute import piece_rows
from gemma_mlx.settings import QuantizeSettings, RunSettings
from gemma_mlx.training.backend import Backend
from gemma_mlx.training.losses import chunk_rows
from gemma_mlx.weights.quantize import quantization_preview


@dataclass(frozen=True)
class Factors:
    """How much of what passes through a step is alive at its peak, on one backend.

    `saved` scales what is kept for the backward pass, `feed_forward` and `hidden` are float32 arrays (N, F)
    and (N, D + queries) alive within one layer, `logits` float32 arrays of a loss chunk (chunk, V), `overlap`
    the share of the smaller of the two that is alive beside the larger, `scores` float32 arrays of scores.
    `headroom` times what a step needs at the least is what it is let to take: MLX runs ahead of the device,
    and a step that waited at each operation would take eight times as long (H200).
    """

    saved: float
    feed_forward: float
    hidden: float
    logits: float
    overlap: float
    scores: float
    headroom: float


FACTORS: dict[Backend, Factors] = {
    # Fitted to what the grid of `gemma-mlx bench forecast` takes at the least (20 tiny shapes; MLX 0.32.4 on
    # Linux), and to H200_LEAST on MLX's CUDA backend. Metal was not measured.
    "cpu": Factors(0.95, 7.8, 2.6, 4.4, 0.11, 3.5, 1.25),
    "gpu": Factors(0.87, 23.4, 0.65, 4.2, 0.31, 1.6, 1.4),
}

_OPTIMIZER_SLOTS = {"adamw": 2.0, "lion": 1.0, "adafactor": 0.1}
_BASE_BYTES = {"float32": 4}


@dataclass(frozen=True)
class Forecast:
    """Bytes at the peak of a step, by what they are for. `batch_tokens` is what one forward pass holds."""

    weights: int
    adapter: int
    optimizer: int
    activations: int
    logits: int
    batch_tokens: int
    loss_tokens: int
    flops: float
    headroom: float = 1.0
    steps: int = 0
    seconds_per_step: float | None = None

    @property
    def total(self) -> int:
        """Peak memory in bytes."""
        return self.weights + self.above_weights

    @property
    def above_weights(self) -> int:
        """What training takes beside the base's weights."""
        return self.adapter + self.optimizer + self.activations + self.logits

    @property
    def least_above_weights(self) -> int:
        """What training takes beside the weights where MLX waits at each operation."""
        return self.adapter + self.optimizer + round((self.activations + self.logits) / self.headroom)

    @property
    def parts(self) -> dict[str, int]:
        names = ("weights", "adapter", "optimizer", "activations", "logits")
        return {name: getattr(self, name) for name in names}

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"total": self.total, "above_weights": self.above_weights}


def memory_forecast(
    config: ModelConfig,
    settings: RunSettings,
    *,
    longest: int,
    mean: float,
    loss_share: float = 0.5,
    weight_bytes: int | None = None,
    backend: Backend = "gpu",
) -> Forecast:
    """The peak of a run over rows of at most `longest` and on average `mean` tokens.

    The fullest batch decides: one row of the longest beside rows of the mean, or the token budget.
    `loss_share` of the tokens carries loss; `weight_bytes` takes the place of the base's computed size.
    """
    plan = settings.training
    longest = max(2, min(longest, settings.data.max_length))
    mean = min(mean, longest)
    if plan.tokens_per_batch is not None:
        tokens = max(plan.tokens_per_batch, longest)
        rows = max(1, round(tokens / mean))
    else:
        rows = plan.batch_size
        packed = longest + (rows - 1) * mean
        padded = plan.layout == "padded" or (plan.layout == "auto" and backend == "gpu") or not config.packs
        tokens = round(longest * rows if padded else packed)
    if plan.objective != "sft":
        tokens, rows = 2 * tokens, 2 * rows
    loss_tokens = max(1, round(tokens * loss_share))
    factors, width = FACTORS[backend], _width(config, settings)
    full = plan.method == "full"
    trained = 4 * _parameter_count(config) if full else _adapter_bytes(config, settings)
    # All weights are trained as float32; 16-bit ones are what the forward pass computes with besides.
    doubled = full and _BASE_BYTES.get(config.dtype, 2) != 4
    chunk = min(plan.loss_chunk or chunk_rows(config.vocab_size, backend), loss_tokens)
    layer = _layer_work(config, tokens, width, factors, plan.gradient_checkpointing)
    layer += factors.scores * _scores(config, tokens, longest, plan.gradient_checkpointing)
    kept = factors.headroom * factors.saved * _saved(config, tokens, width, plan.gradient_checkpointing)
    logits = factors.logits * chunk * config.vocab_size * 4
    larger, smaller = max(layer, logits), min(layer, logits)
    # Parts are shown by what they are for; only their sum is the forecast.
    passing = factors.headroom * (larger + factors.overlap * smaller)
    shown_logits = passing * logits / (layer + logits)
    return Forecast(
        weights=(weight_bytes or base_bytes(config, settings.quantization)) if doubled or not full else 0,
        adapter=2 * trained,  # parameters and gradients
        optimizer=round(_OPTIMIZER_SLOTS[plan.optimizer] * trained),
        activations=round(kept + passing - shown_logits),
        logits=round(shown_logits),
        batch_tokens=tokens,
        loss_tokens=loss_tokens,
        headroom=factors.headroom,
        flops=step_flops(config, settings, tokens, loss_tokens) * plan.accumulation,
    )


def step_flops(config: ModelConfig, settings: RunSettings, tokens: int, loss_tokens: int) -> float:
    """Floating-point operations of one batch: products of the base, forward and back, and of the head."""
    linear = sum(
        math.prod(shape) for name, shape in parameter_shapes(config).items() if ".layers." in f".{name}"
    )
    passes = 2 + settings.training.gradient_checkpointing + (settings.training.method == "full")
    head = config.vocab_size * config.hidden_size * (3 if settings.training.method == "full" else 2)
    return 2.0 * (passes * linear * tokens + head * loss_tokens)


def base_bytes(config: ModelConfig, quantization: QuantizeSettings | None) -> int:
    """Bytes of the base's weights as they lie in memory."""
    stored = config.quantization
    if quantization is None and isinstance(stored, dict) and "bits" in stored:
        known = {name: stored[name] for name in ("bits", "group_size", "mode") if name in stored}
        quantization = QuantizeSettings.model_validate(known)
    if quantization is not None:
        return quantization_preview(config, quantization).bytes_after
    return sum(math.prod(shape) for shape in parameter_shapes(config).values()) * _BASE_BYTES.get(
        config.dtype, 2
    )


def _width(config: ModelConfig, settings: RunSettings) -> int:
    """Bytes of an activation."""
    quantized = settings.quantization is not None or config.quantization is not None
    return 2 if quantized else _BASE_BYTES.get(config.dtype, 2)


def _adapter_bytes(config: ModelConfig, settings: RunSettings) -> int:
    """Float32 bytes of A and B of every adapted module."""
    lora, total = settings.lora, 0
    for name, shape in parameter_shapes(config).items():
        path = name.removesuffix(".weight")
        named = "all-linear" in lora.modules or path.rsplit(".", 1)[-1] in lora.module_names
        if len(shape) != 2 or "layers" not in path.split(".") or not named:
            continue
        if lora.layers is not None and int(path.split(".")[2]) not in lora.layers:
            continue
        total += rank_of(path, lora) * sum(shape) + (shape[0] if lora.use_dora else 0)
    return 4 * total


def _parameter_count(config: ModelConfig) -> int:
    return sum(math.prod(shape) for shape in parameter_shapes(config).values())


def _saved(config: ModelConfig, tokens: int, width: int, checkpointing: bool) -> float:
    """Bytes kept from the forward pass: the inputs of a layer's halves, or what its backward pass needs."""
    hidden, inner = config.hidden_size, config.intermediate_size
    queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    if checkpointing:
        return float(tokens * 2 * hidden * width * config.num_layers)
    norms = 4 if config.post_norms else 2
    each = (2 + norms) * hidden + 2 * queries + 2 * keys + 3 * inner
    # The last layer's are among what is alive while it is computed backward.
    return float(tokens * width * (each * (config.num_layers - 1) + hidden))


def _layer_work(config: ModelConfig, tokens: int, width: int, factors: Factors, checkpointing: bool) -> float:
    """Bytes alive while one layer is computed backward; its feed-forward in pieces with checkpointing."""
    queries, inner = config.num_heads * config.head_dim, config.intermediate_size
    # Other families' layers, which do not pack rows either, are computed again as a whole.
    piece = piece_rows(tokens, inner) if checkpointing and config.packs else tokens
    arrays = factors.feed_forward * piece * inner
    arrays += factors.hidden * tokens * (config.hidden_size + queries)
    return arrays * (2 + width)


def _scores(config: ModelConfig, tokens: int, longest: int, checkpointing: bool) -> float:
    """Bytes of a float32 array of attention scores: of a block of queries; of all where they are few."""
    pairs = tokens * longest
    if config.packs and not (checkpointing and few_scores(config.num_heads, pairs)):
        pairs = tokens * min(QUERY_BLOCK, longest)
    return 4.0 * config.num_heads * pairs
