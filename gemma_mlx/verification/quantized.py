"""A quantized model against itself: its own dequantized weights in a plain float32 model.

What the fused products with packed weights compute has to be what the weights stand for. V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from gemma_mlx.models.config import parameter_shapes
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.verification import limits, measure, replay
from gemma_mlx.verification.report import Row, judged, reported
from gemma_mlx.weights.packing import module_at

DECODED = 4
"""Tokens at the end that a quantized model is given one by one."""


def is_quantized(decoder: nn.Module) -> bool:
    """Whether any module keeps its weight packed."""
    return any("scales" in module for _, module in decoder.named_modules())


def dense_weights(decoder: Decoder) -> dict[str, mx.array]:
    """Every weight of a decoder without an adapter by transformers' name, dequantized, float32."""
    weights = {}
    for name in parameter_shapes(decoder.config):
        path, _, kind = name.rpartition(".")
        module = module_at(decoder, path)
        packed = kind == "weight" and "scales" in module
        weights[name] = _dequantized(module) if packed else module[kind].astype(mx.float32)
    return weights


def _dequantized(module: nn.Module) -> mx.array:
    scales, biases = module.scales, module.get("biases")
    if biases is not None:
        # MLX computes in the scales' dtype, whatever dtype it is asked for.
        scales, biases = scales.astype(mx.float32), biases.astype(mx.float32)
    numbers = {"group_size": module.group_size, "bits": module.bits, "mode": module.mode}
    return mx.dequantize(module.weight, scales, biases, **numbers, dtype=mx.float32)


def compare_with_dequantized(name: str, decoder: Decoder, ids: np.ndarray) -> Iterator[Row]:
    """Rows of a quantized decoder that computes in float32 against its dequantized twin, over ids (L,)."""
    twin = Decoder(decoder.config)
    twin.load_weights(list(dense_weights(decoder).items()), strict=True)
    twin.eval()
    gold, _ = replay.run(twin, ids)
    got, _ = replay.run(decoder, ids)
    note = "packed products against the dequantized weights, both here"
    yield judged(name, "fp32", "quantized logits", measure.relative(got, gold), limits.QUANTIZED, note=note)
    # One row of activations at a time goes through other kernels than many.
    decoded = min(DECODED, len(ids) - 1)
    last = replay.run_chunks(decoder, ids, (len(ids) - decoded, *([1] * decoded)))[-decoded:]
    apart = measure.relative(last, gold[-decoded:])
    yield judged(name, "fp32", "quantized logits, token by token", apart, limits.QUANTIZED, note=note)
    share, count = measure.agreement(got, gold, above=limits.GREEDY_MARGIN * measure.greatest(got, gold))
    yield judged(
        name, "fp32", "quantized top-1", 1 - share, 0.0, note=f"of {count} tokens with a clear margin"
    )


def quality_rows(
    name: str, precision: str, got: Mapping[str, np.ndarray], gold: Mapping[str, np.ndarray], entry: Any
) -> Iterator[Row]:
    """What quantizing cost against the original's recording: KL, agreement, perplexity. No limits."""
    divergence = measure.partial_divergence(got, gold)
    yield reported(name, precision, "quality: KL, mean", float(divergence.mean()), note="nats a token")
    yield reported(name, precision, "quality: KL, worst token", float(divergence.max()))
    same = float((got["likeliest"] == gold["likeliest"]).mean())
    yield reported(
        name, precision, "quality: top-1 agreement", same, note=f"of {len(gold['likeliest'])} tokens"
    )
    last = int(entry.get("text_tokens") or len(gold["targets"]) + 1) - 1
    ours, theirs = (float(np.exp(-np.mean(side["targets"][:last]))) for side in (got, gold))
    yield reported(
        name, precision, "quality: perplexity", ours, note=f"{theirs:.6g} of the original, {last} tokens"
    )
