"""Errors planted in the real modules, one at a time: the comparison fails and names the layer or quantity.

Without a planted error the same part of the recording passes (the first test). Gold was recorded on CUDA.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.adapters import lora
from gemma_mlx.data.batches import Batch
from gemma_mlx.models import decoder, kv_cache, layers
from gemma_mlx.models.config import ModelConfig, RopeConfig
from gemma_mlx.training import losses, optimizer
from gemma_mlx.training import step as training_step
from gemma_mlx.verification import cases, compare, replay
from gemma_mlx.verification.report import failures, first_deviation
from tests.verification.replays import part

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Planted:
    """An error: how it is planted, the case that is replayed, and the words that have to name it."""

    name: str
    plant: Callable[[Patch], None]
    case: str
    named: str
    precision: str = "fp32"
    training: int | None = None
    seeds: tuple[int, ...] = (0,)


def around(module: Any, name: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
    """Replaces a function by one made from it."""

    def plant(patch: Patch) -> None:
        patch.setattr(module, name, change(getattr(module, name)))

    return plant


def attention(**changed: Callable[[Any], Any]) -> Any:
    """The attention core called with other arguments."""

    def change(real: Callable[..., mx.array]) -> Callable[..., mx.array]:
        def wrong(queries: mx.array, keys: mx.array, values: mx.array, **options: Any) -> mx.array:
            return real(
                queries, keys, values, **{k: changed[k](v) if k in changed else v for k, v in options.items()}
            )

        return wrong

    return around(decoder, "attend", change)


def configuration(change: Callable[[ModelConfig], ModelConfig]) -> Any:
    """A configuration that is misread."""
    return around(replay, "parse_config", lambda real: lambda raw, where: change(real(raw, where)))


def batches(change: Callable[[Batch, list[int]], Batch]) -> Any:
    """Batches laid wrongly; the change sees the rows' lengths."""
    return around(
        replay,
        "collate_padded",
        lambda real: lambda rows: change(real(rows), [len(row.ids) for row in rows]),
    )


def heads_in_another_order(real: Callable[..., mx.array]) -> Callable[..., mx.array]:
    """Query head 1 looks at the keys that belong to query head 2."""
    return lambda q, k, v, **options: real(q[:, [0, 2, 1, 3]], k, v, **options)[:, [0, 2, 1, 3]]


def exact_gelu(gate: mx.array, up: mx.array) -> mx.array:
    wide = gate.astype(mx.float32)
    gelu = 0.5 * wide * (1 + mx.erf(wide / 2**0.5))
    return (gelu * up.astype(mx.float32)).astype(gate.dtype)


def norm_weight_in_bf16(self: layers.RMSNorm, x: mx.array) -> mx.array:
    return mx.fast.rms_norm(x, (1.0 + self.weight).astype(x.dtype), self.eps)


def no_norm_of_heads(real: Callable[..., mx.array]) -> Callable[..., mx.array]:
    """Only queries and keys have four axes where they are normed."""
    return lambda self, x: x if x.ndim == 4 else real(self, x)


def scale_rounded_to_bf16(self: decoder.Decoder, ids: mx.array) -> mx.array:
    scale = mx.array(self.config.hidden_size**0.5, mx.bfloat16)
    embedded = self.model.embed_tokens(ids)
    return embedded * scale.astype(embedded.dtype)


def one_padding_target(batch: Batch, lengths: list[int]) -> Batch:
    mask = batch.mask.copy()
    for row, length in enumerate(lengths):
        if length < max(lengths):
            mask[row, length - 1] = 1
    return replace(batch, mask=mask)


def shifted_mask(batch: Batch, lengths: list[int]) -> Batch:
    mask = batch.mask.copy()
    mask[:, 1:] = batch.mask[:, :-1]
    for row, length in enumerate(lengths):
        mask[row, length - 1 :] = 0
    return replace(batch, mask=mask)


def mean_of_means(self: training_step.StepFunction, inputs: Any, *, gradient: bool) -> mx.array:
    token_losses = self._token_losses(inputs, gradient=gradient)
    means = self._per_sequence(token_losses, inputs) / self._per_sequence(inputs.weights, inputs)
    return means.mean() * inputs.tokens


def adamw_without_correction(
    self: optimizer.Optimizer, name: str, parameter: mx.array, gradient: mx.array, rate: float
) -> mx.array:
    moments = self._moments.setdefault(name, {"m": mx.zeros_like(parameter), "v": mx.zeros_like(parameter)})
    moments["m"] = 0.9 * moments["m"] + 0.1 * gradient
    moments["v"] = 0.999 * moments["v"] + 0.001 * mx.square(gradient)
    decayed = parameter * (1 - rate * self._settings.weight_decay)
    return decayed - rate * moments["m"] / (mx.sqrt(moments["v"]) + 1e-8)


def adamw_without_decay(real: Callable[..., mx.array]) -> Callable[..., mx.array]:
    def wrong(self: optimizer.Optimizer, name: str, parameter: mx.array, *rest: Any) -> mx.array:
        self._settings = self._settings.model_copy(update={"weight_decay": 0.0})
        return real(self, name, parameter, *rest)

    return wrong


def rounding_rows_count(real: Callable[..., Any]) -> Callable[..., Any]:
    """The rows that round a compiled step's up carry loss too."""

    def wrong(batch: Batch, multiple: int = 1) -> Any:
        inputs = real(batch, multiple)
        return replace(inputs, weights=mx.ones_like(inputs.weights))

    return wrong


def turned_by_mlx(self: layers.RotaryEmbedding, x: mx.array, offset: Any) -> mx.array:
    """MLX's own frequencies, made from the base."""
    return mx.fast.rope(
        x, self.dimension, traditional=False, base=10_000.0, scale=1.0, offset=offset, freqs=None
    )


def forgetful(real: Callable[..., None]) -> Callable[..., None]:
    """What a sliding layer keeps when it lets go of columns is lost."""

    def wrong(self: kv_cache.LayerCache, like: mx.array, added: int) -> None:
        start = self.start
        real(self, like, added)
        if self.start != start:
            self._keys = mx.zeros_like(self._keys)

    return wrong


def slopes_without_softcap(
    product: mx.array, normalizer: mx.array, targets: mx.array, words: mx.array, softcap: float
) -> mx.array:
    tanh = mx.tanh(product.astype(mx.float32) / softcap)
    return mx.exp(tanh * softcap - normalizer) - (words == targets).astype(mx.float32)


def one_position_late(real: Callable[..., mx.array]) -> Callable[..., mx.array]:
    """Keys that come to a cache in use are turned as if they stood one further."""

    def wrong(self: layers.RotaryEmbedding, x: mx.array, offset: Any) -> mx.array:
        return real(self, x, offset + 1 if isinstance(offset, int) and offset else offset)

    return wrong


def ropes(change: Callable[[RopeConfig, int | None], RopeConfig]) -> Any:
    return configuration(
        lambda config: replace(
            config, layer_ropes=tuple(map(change, config.layer_ropes, config.layer_windows))
        )
    )


FIRST_ATTENTION = "first at layer 0 attention"
NEIGHBOURS = "batch of 2, unequal prompts"
ERRORS = (
    Planted("window one short", attention(window=lambda w: w and w - 1), "gemma2", FIRST_ATTENTION),
    Planted("window one long", attention(window=lambda w: w and w + 1), "gemma3", FIRST_ATTENTION),
    Planted("no window", attention(window=lambda _: None), "gemma2", FIRST_ATTENTION),
    Planted(
        "full layers windowed too",
        configuration(lambda c: replace(c, layer_windows=(16,) * c.num_layers)),
        "gemma2", "first at layer 1 attention",
    ),
    Planted(
        "exact GELU", lambda patch: patch.setattr(layers, "geglu", exact_gelu),
        "gemma1", "first at layer 0 feed-forward",
    ),
    Planted("no softcap on scores", attention(softcap=lambda _: None), "gemma2", FIRST_ATTENTION),
    Planted(
        "no softcap on logits",
        lambda patch: patch.setattr(decoder, "softcap_logits", lambda logits, _: logits),
        "gemma2", "logits, 40 tokens",
    ),
    Planted(
        "the local layers' rope base in the global ones",
        ropes(lambda rope, window: replace(rope, base=10_000.0)),
        "gemma3", "first at layer 5 attention",
    ),
    Planted(
        "the global layers' rope base in the local ones",
        ropes(lambda rope, window: replace(rope, base=1_000_000.0)),
        "gemma3", FIRST_ATTENTION,
    ),
    Planted(
        "rope scaling ignored", ropes(lambda rope, window: replace(rope, factor=1.0)),
        "gemma3", "first at layer 5 attention",
    ),
    Planted(
        "norm weight in bf16",
        lambda patch: patch.setattr(layers.RMSNorm, "__call__", norm_weight_in_bf16),
        "gemma2", "bf16: hidden states", precision="bf16", seeds=tuple(range(16)),
    ),
    Planted(
        "no norm of queries and keys",
        around(layers.RMSNorm, "__call__", no_norm_of_heads),
        "gemma3", FIRST_ATTENTION,
    ),
    Planted(
        "scale from the head's size",
        configuration(lambda c: replace(c, attention_scale=c.head_dim**-0.5)),
        "gemma3", FIRST_ATTENTION,
    ),
    Planted(
        "embedding scale rounded to bf16",
        lambda patch: patch.setattr(decoder.Decoder, "embed", scale_rounded_to_bf16),
        "gemma2-hidden72", "first at embedding",
    ),
    Planted(
        "heads in another order", around(decoder, "attend", heads_in_another_order), "gemma2", FIRST_ATTENTION
    ),
    Planted("padding seen in batches", attention(layout=lambda _: None), "gemma2", NEIGHBOURS),
    Planted(
        "a cache one position off",
        around(layers.RotaryEmbedding, "__call__", one_position_late),
        "gemma2", "decode, token by token",
    ),
    Planted("a padding target in the loss", batches(one_padding_target), "gemma1", "fp32: loss", training=0),
    Planted("loss mask shifted", batches(shifted_mask), "gemma1", "fp32: loss", training=0),
    Planted(
        "mean of means",
        lambda patch: patch.setattr(training_step.StepFunction, "_loss", mean_of_means),
        "gemma1", "fp32: loss", training=0,
    ),
    Planted(
        "gradient without the softcap",
        lambda patch: patch.setattr(losses, "_capped_slopes", slopes_without_softcap),
        "gemma2", "fp32: gradients", training=0,
    ),
    Planted(
        "LoRA's scale for rsLoRA",
        lambda patch: patch.setattr(lora, "scale_of", lambda alpha, rank, _: alpha / rank),
        "gemma2-rslora", "fp32: loss", training=0,
    ),
    Planted(
        "alpha not divided by the rank",
        lambda patch: patch.setattr(lora, "scale_of", lambda alpha, rank, _: alpha),
        "gemma1", "fp32: loss", training=0,
    ),
    Planted(
        "DoRA without the new norm",
        lambda patch: patch.setattr(lora.LoraLinear, "_norms", lambda self: self.lora_magnitude_vector),
        "gemma3-dora", "fp32: loss", training=0,
    ),
    Planted(
        "no bias correction",
        lambda patch: patch.setattr(optimizer.Optimizer, "_adamw", adamw_without_correction),
        "gemma1", "adapter after one step", training=1,
    ),
    Planted(
        "no weight decay", around(optimizer.Optimizer, "_adamw", adamw_without_decay),
        "gemma1", "adapter after one step", training=1,
    ),
    Planted(
        "a layer left out where it is computed again",
        lambda patch: patch.setattr(decoder.Block, "recomputed", lambda self, x, *_: x),
        "gemma1", "loss, as trained here", training=0,
    ),
    Planted(
        "rows that round a step up count",
        around(replay, "to_inputs", rounding_rows_count), "gemma1", "loss, as trained on GPUs", training=0,
    ),
    Planted(
        "gradients clipped to nothing",
        lambda patch: patch.setattr(
            compare, "clip_gradients", lambda arrays, most: ({k: 0 * v for k, v in arrays.items()}, most)
        ),
        "gemma1", "gradients, clipped", training=0,
    ),
    Planted(
        "MLX's own rotary frequencies",
        lambda patch: patch.setattr(layers.RotaryEmbedding, "__call__", turned_by_mlx),
        "gemma2", "rotation at 32,768",
    ),
    Planted(
        "a cache that forgets what it keeps", around(kv_cache.LayerCache, "_make_room", forgetful),
        "gemma2", "decode after 550 tokens",
    ),
)  # fmt: skip


def rows_of(planted: Planted) -> list[Any]:
    recording = part(planted.case, seeds=planted.seeds, training=planted.training)
    return list(compare.compare_tiny(recording, precisions=[planted.precision]))


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: Patch) -> None:
    monkeypatch.setattr(cases, "TRAIN_STEPS", 1)


KINDS = {(error.case, error.precision, error.training, error.seeds): error for error in ERRORS}


@pytest.mark.parametrize("sound", KINDS.values(), ids=lambda error: f"{error.case} {error.training}")
def test_without_an_error_these_cases_pass(sound: Planted) -> None:
    rows = rows_of(sound)
    assert rows and not failures(rows), first_deviation(rows)


@pytest.mark.parametrize("planted", ERRORS, ids=lambda error: error.name)
def test_a_planted_error_is_found_and_named(planted: Planted, monkeypatch: Patch) -> None:
    planted.plant(monkeypatch)
    found = first_deviation(rows_of(planted))
    assert found.startswith(planted.case), "nothing was found"
    assert planted.named in found, found
