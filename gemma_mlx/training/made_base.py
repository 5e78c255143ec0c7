"""A base of a run's shapes with random weights, and the fullest batch of a run: what a step is measured on.

A step takes as long whatever the weights are. Nothing of the base is computed until it is used.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Literal

import mlx.core as mx
import mlx.nn as nn

from gemma_mlx.adapters.lora import add_lora
from gemma_mlx.data.batches import Batch, collate_packed, collate_padded, collate_preferences
from gemma_mlx.data.formats import Example, PreferenceExample
from gemma_mlx.load import BUILDERS
from gemma_mlx.models.config import ModelConfig, parameter_shapes
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.family_decoder import FamilyDecoder
from gemma_mlx.settings import QuantizeSettings, RunSettings
from gemma_mlx.training.objective import check_full
from gemma_mlx.training.planner import Rows
from gemma_mlx.weights.packing import put_module, quantize_weight, quantized_module
from gemma_mlx.weights.prepare import NF4_KEPT_BITS
from gemma_mlx.weights.scheme import EMBEDDING_MODULES, Scheme, plan_quantization, quantization_of

_BLOCK = 2048
"""Rows of random weights that are drawn; larger weights repeat them."""
_DTYPES = {"float32": mx.float32, "float16": mx.float16}


def check_trainable(config: ModelConfig, settings: RunSettings) -> None:
    """Whether a run of these settings could train such a model: by the run's own checks.

    Raises:
        TrainingError: all weights are to be trained, and they cannot be.
        AdapterError: the settings name no module of the model.
    """
    if settings.training.method == "full":
        check_full(settings, config)
    else:
        add_lora(BUILDERS.get(config.generation, FamilyDecoder)(config), settings.lora)


def made_base(config: ModelConfig, settings: RunSettings) -> Decoder | FamilyDecoder:
    """The decoder as a run would load it, quantized as its base would be."""
    model = BUILDERS.get(config.generation, FamilyDecoder)(config)
    _fill(model, schemes_of(config, settings), _width(config, settings))
    return model


def rows_longest(settings: RunSettings, rows: Rows) -> int:
    """Tokens of the longest row as it is cut."""
    return max(2, min(rows.longest, settings.data.max_length))


def made_batch(
    config: ModelConfig, settings: RunSettings, rows: Rows, layout: Literal["padded", "packed"]
) -> Batch:
    """The fullest batch of a run over such rows, of random ids: what `memory_forecast` counts.

    Packed: one row of the longest beside rows of the mean. Padded: rows of the longest.
    """
    plan, longest = settings.training, rows_longest(settings, rows)
    mean = longest if layout == "padded" else max(1, min(round(rows.mean), longest))
    count = plan.batch_size - 1
    if plan.tokens_per_batch is not None:
        count = max(0, plan.tokens_per_batch - longest) // mean
    chance = random.Random(plan.seed)

    def example(length: int) -> Example:
        ids = chance.choices(range(config.vocab_size), k=length + 1)
        first = length + 1 - max(1, round(rows.loss_share * length))
        return Example(ids, [at >= first for at in range(length + 1)], "probe", 1, "")

    lengths = [longest, *[mean] * count]
    collate = collate_padded if layout == "padded" else collate_packed
    if plan.objective == "sft":
        return collate([example(length) for length in lengths])
    return collate_preferences([PreferenceExample(example(each), example(each)) for each in lengths], collate)


def schemes_of(config: ModelConfig, settings: RunSettings) -> dict[str, Scheme]:
    """How each module's weight is stored in the loaded base, by path; others are in full width."""
    stored = None if config.quantization is None else quantization_of({"quantization": config.quantization})
    if stored is not None and stored.method == "mlx":
        shapes = {
            name.removesuffix(".weight"): shape
            for name, shape in parameter_shapes(config).items()
            if len(shape) == 2
        }
        found = {path: stored.scheme(path) for path in shapes}
        return {
            path: scheme
            for path, scheme in found.items()
            if scheme is not None and not shapes[path][1] % scheme.group_size
        }
    wanted = settings.quantization
    skipped: tuple[str, ...] = ()
    if stored is not None and wanted is None:  # NF4, which leaves the vocabulary as it is
        wanted, skipped = QuantizeSettings(bits=NF4_KEPT_BITS), EMBEDDING_MODULES
    if wanted is None:
        return {}
    plan = plan_quantization(config, wanted)
    return {path: each.scheme for path, each in plan.items() if each.scheme and path not in skipped}


def _width(config: ModelConfig, settings: RunSettings) -> mx.Dtype:
    """The width in which the loaded base computes."""
    quantized_here = settings.quantization is not None and config.quantization is None
    return mx.bfloat16 if quantized_here else _DTYPES.get(config.dtype, mx.bfloat16)


def _fill(model: nn.Module, schemes: Mapping[str, Scheme], width: mx.Dtype) -> None:
    """Puts random weights into every module; only some rows of each shape are computed yet."""
    model.set_dtype(width)
    drawn: dict[tuple[Any, ...], dict[str, mx.array]] = {}
    modules = [
        (path, each) for path, each in model.named_modules() if isinstance(each, nn.Linear | nn.Embedding)
    ]
    for path, module in modules:
        rows, columns = module.weight.shape
        scheme = schemes.get(path)
        if (rows, columns, scheme) not in drawn:
            bound = columns**-0.5
            block = mx.random.uniform(-bound, bound, (min(rows, _BLOCK), columns), key=mx.random.key(rows))
            parts = {"weight": block.astype(width)}
            if scheme is not None:
                parts = quantize_weight(block, scheme, width)
            mx.eval(parts)
            drawn[rows, columns, scheme] = parts
        # A copy for each module, so that no two layers share a weight that a cache could keep.
        copies = -(-rows // _BLOCK)
        filled = {
            name: mx.tile(part, (copies, 1))[:rows] for name, part in drawn[rows, columns, scheme].items()
        }
        if scheme is None:
            module.weight = filled["weight"]
            continue
        if "bias" in module:
            filled["bias"] = module.bias
        put_module(model, path, quantized_module(module, filled, scheme, width))
