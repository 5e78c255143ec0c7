"""Our side of a comparison: the decoder, its adapter and its optimizer, run as the reference was.

L length, D hidden, V vocabulary. Results leave as float32 numpy arrays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten

from gemma_mlx.adapters.lora import add_lora, lora_modules
from gemma_mlx.data.batches import Batch, collate_packed, collate_padded
from gemma_mlx.data.formats import Example
from gemma_mlx.models.config import parameter_shapes, parse_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.layout import LeftPadded
from gemma_mlx.settings import LoraSettings, TrainSettings
from gemma_mlx.training.decision import measured_layout
from gemma_mlx.training.optimizer import Optimizer
from gemma_mlx.training.step import StepFunction, to_inputs
from gemma_mlx.training.strategy import Strategy, choose, this_backend
from gemma_mlx.verification import seeded
from gemma_mlx.verification.cases import TrainRow

AS_TRAINED = "as trained here"
DTYPES = {"fp32": mx.float32, "bf16": mx.bfloat16}


def prepare_mlx() -> None:
    """float32 products have to be float32: MLX rounds to TF32 on GPUs, unless told before its first."""
    os.environ.setdefault("MLX_ENABLE_TF32", "0")


def make_tensor(name: str, shape: tuple[int, ...], seed: int) -> mx.array:
    """A weight of seeded.py, made by MLX: bf16 (which holds it exactly)."""
    if len(shape) == 1:
        return mx.array(seeded.make_tensor(name, shape, seed)).astype(mx.bfloat16)
    _, deviation = seeded.spread(name, shape)
    scale = mx.array(float(np.float32(deviation / seeded.DEVIATION)))
    size, chunk = int(np.prod(shape)), 1 << 27
    parts = []
    for begin in range(0, size, chunk):
        index = mx.arange(begin, min(begin + chunk, size), dtype=mx.uint32)
        total = mx.full(index.shape, -seeded.CENTRE, mx.int32)
        for key in seeded.keys(name, seed):
            mixed = index ^ mx.array(key, mx.uint32)
            mixed = mixed ^ (mixed >> 16)
            mixed = mixed * mx.array(seeded.FIRST_FACTOR, mx.uint32)
            mixed = mixed ^ (mixed >> 13)
            mixed = mixed * mx.array(seeded.SECOND_FACTOR, mx.uint32)
            mixed = mixed ^ (mixed >> 16)
            total = total + (mixed & 0xFFFF).astype(mx.int32) + (mixed >> 16).astype(mx.int32)
        parts.append((total.astype(mx.float32) * scale).astype(mx.bfloat16))
        mx.eval(parts[-1])
    return (parts[0] if len(parts) == 1 else mx.concatenate(parts)).reshape(shape)


def build_decoder(raw: Mapping[str, Any], weights: Mapping[str, Any], precision: str) -> Decoder:
    """The decoder of a parsed config.json with these weights (numpy or MLX), in "fp32" or "bf16"."""
    decoder = Decoder(parse_config(dict(raw), "this recording"))
    dtype = DTYPES[precision]
    decoder.load_weights(
        [(name, mx.array(value).astype(dtype)) for name, value in weights.items()], strict=True
    )
    decoder.eval()
    decoder.freeze()
    mx.eval(decoder.parameters())
    return decoder


def build_seeded(raw: Mapping[str, Any], seed: int, precision: str) -> Decoder:
    """As `build_decoder`, with weights made here tensor by tensor (large models)."""
    decoder = Decoder(parse_config(dict(raw), "this recording"))
    for name, shape in parameter_shapes(decoder.config).items():
        tensor = make_tensor(name, shape, seed).astype(DTYPES[precision])
        mx.eval(tensor)
        decoder.load_weights([(name, tensor)], strict=False)
    decoder.eval()
    decoder.freeze()
    return decoder


class _Tap(nn.Module):
    """A module that notes what passes through another."""

    def __init__(self, inner: nn.Module, seen: list[mx.array]) -> None:
        super().__init__()
        self.inner = inner
        self._seen = seen

    def __call__(self, *arguments: Any, **named: Any) -> mx.array:
        out: mx.array = self.inner(*arguments, **named)
        self._seen.append(out)
        return out


@contextmanager
def watched(decoder: Decoder, seen: list[mx.array] | None = None) -> Iterator[list[mx.array]]:
    """Appends to `seen` what passes the points of cases.py's `point_names`, but for the embedding."""
    seen = [] if seen is None else seen
    backbone = decoder.model
    layers, norm = list(backbone.layers), backbone.norm
    inner = [(layer.self_attn, layer.mlp) for layer in layers]
    for index, layer in enumerate(layers):
        layer.self_attn, layer.mlp = _Tap(layer.self_attn, seen), _Tap(layer.mlp, seen)
        backbone.layers[index] = _Tap(layer, seen)
    backbone.norm = _Tap(norm, seen)
    try:
        yield seen
    finally:
        backbone.norm = norm
        for index, layer in enumerate(layers):
            layer.self_attn, layer.mlp = inner[index]
            backbone.layers[index] = layer


def run(decoder: Decoder, ids: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """One prefill of ids (L,): logits (L, V) and the points (L, D)."""
    batch = mx.array(ids)[None]
    with watched(decoder) as seen:
        logits = decoder(batch)
    return to_numpy(logits)[0], [to_numpy(decoder.embed(batch))[0], *(to_numpy(point)[0] for point in seen)]


def run_chunks(decoder: Decoder, ids: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The logits (L, V) of ids (L,) given to a cache in chunks of these sizes, in turn."""
    cache, rows, begin, turn = decoder.make_cache(), [], 0, 0
    while begin < len(ids):
        size = sizes[turn % len(sizes)]
        logits = decoder(mx.array(ids[begin : begin + size])[None], cache)
        mx.eval(logits, cache.state())
        rows.append(to_numpy(logits)[0])
        begin, turn = begin + size, turn + 1
    return np.concatenate(rows)


def run_batch(decoder: Decoder, prompts: Sequence[np.ndarray], steps: int) -> list[np.ndarray]:
    """Logits (its length, V) of each prompt, in one batch padded left, the last `steps` ids one by one."""
    length = max(len(prompt) for prompt in prompts)
    padding = [length - len(prompt) for prompt in prompts]
    ids = np.stack(
        [np.concatenate([np.zeros(pad, np.int32), p]) for pad, p in zip(padding, prompts, strict=True)]
    )
    layout, cache = LeftPadded(mx.array(padding)), decoder.make_cache()
    parts = [decoder(mx.array(ids[:, : length - steps]), cache, layout)]
    for place in range(length - steps, length):
        parts.append(decoder(mx.array(ids[:, place : place + 1]), cache, layout))
    logits = np.concatenate([to_numpy(part) for part in parts], axis=1)
    return [logits[row, pad:] for row, pad in enumerate(padding)]


def run_greedy(decoder: Decoder, prompt: np.ndarray, count: int) -> np.ndarray:
    """The `count` likeliest tokens after a prompt (count,)."""
    cache, tokens = decoder.make_cache(), []
    ids = mx.array(prompt)[None]
    for _ in range(count):
        ids = mx.argmax(decoder(ids, cache)[:, -1:], axis=-1).astype(mx.int32)
        mx.eval(ids, cache.state())
        tokens.append(int(np.array(ids)[0, 0]))
    return np.array(tokens, np.int32)


def attach_lora(
    decoder: Decoder, initial: Mapping[str, np.ndarray], *, rank: int, alpha: float, **flags: bool
) -> dict[str, np.ndarray]:
    """Puts an adapter with these first values of A and B on the decoder; returns all that it trains."""
    add_lora(decoder, LoraSettings(rank=rank, alpha=alpha, **flags), 0)
    for path, module in lora_modules(decoder):
        module.lora_A = mx.array(initial[f"{path}.lora_A.weight"])
        module.lora_B = mx.array(initial[f"{path}.lora_B.weight"])
    return adapter_values(dict(tree_flatten(decoder.trainable_parameters())))


def adapter_values(arrays: Mapping[str, mx.array]) -> dict[str, np.ndarray]:
    """Arrays of an adapter by PEFT's names (without its prefix), as float32."""
    return {f"{name}.weight": to_numpy(array) for name, array in arrays.items()}


def strategies(decoder: Decoder) -> dict[str, Strategy]:
    """How the trainer computes steps, by what rows call it: as on this machine, and compiled as on a GPU."""
    plan = TrainSettings()
    faster = measured_layout(plan, packs=decoder.config.packs)
    own = choose(plan, this_backend(), packs=decoder.config.packs, faster=faster)
    on_gpu = choose(plan, "cuda", packs=decoder.config.packs)
    return {AS_TRAINED: own} | ({} if own == on_gpu else {"as trained on GPUs": on_gpu})


def make_batch(rows: Sequence[TrainRow], layout: str = "padded") -> Batch:
    """The rows as the trainer lays them: padded, or packed end to end."""
    examples = [
        Example(list(row.ids), list(row.loss_mask), "case", place, "") for place, row in enumerate(rows)
    ]
    return collate_packed(examples) if layout == "packed" else collate_padded(examples)


class Training:
    """An adapted decoder with the trainer's own step function and optimizer."""

    def __init__(self, decoder: Decoder, *, learning_rate: float = 0.0, weight_decay: float = 0.0) -> None:
        settings = TrainSettings(
            learning_rate=max(learning_rate, 1e-12), weight_decay=weight_decay, max_gradient_norm=None
        )
        self.rate = learning_rate
        self.step_function = StepFunction(decoder, settings, None)
        self.optimizer = Optimizer(settings)
        self.parameters = self.step_function.parameters()

    def gradients(self, batch: Batch) -> tuple[float, dict[str, mx.array]]:
        """The mean loss of a batch and its gradient for each trained array, by our names."""
        inputs = to_inputs(batch)
        total, sums = self.step_function.gradients(self.parameters, inputs, 0, 0)
        units = self.step_function.units(inputs)
        return float(total) / units, {name: gradient * (1 / units) for name, gradient in sums.items()}

    def gradients_as_trained(
        self, rows: Sequence[TrainRow], strategy: Strategy
    ) -> tuple[float, dict[str, mx.array]]:
        """The same by a strategy of the trainer's (compiled, rounded rows), layers computed again."""
        decoder = self.step_function.model
        settings = self.step_function.settings.model_copy(update={"gradient_checkpointing": True})
        function = StepFunction(decoder, settings, None, compiled=strategy.compiled)
        inputs = to_inputs(make_batch(rows, strategy.layout), strategy.multiple)
        try:
            total, sums = function.gradients(self.parameters, inputs, 0, 0)
        finally:
            decoder.gradient_checkpointing = False
        units = function.units(inputs)
        return float(total) / units, {name: gradient * (1 / units) for name, gradient in sums.items()}

    def run(self, batches: Sequence[Batch], steps: int) -> Iterator[float]:
        """Steps through the batches in turn; yields the loss before each step, after the step is made."""
        for step in range(steps):
            loss, gradients = self.gradients(batches[step % len(batches)])
            self.parameters = self.optimizer.update(self.parameters, gradients, self.rate)
            mx.eval(self.parameters, self.optimizer.state())
            self.step_function.assign(self.parameters)
            yield loss

    def values(self) -> dict[str, np.ndarray]:
        """The adapter as it is now."""
        return adapter_values(self.parameters)


def to_numpy(array: mx.array) -> np.ndarray:
    """float32 numpy of any MLX array."""
    return np.array(array.astype(mx.float32))
