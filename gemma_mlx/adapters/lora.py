"""LoRA, rsLoRA and DoRA around a model's linear modules: added, switched, merged and removed from outside.

The model knows nothing of it. Conventions are PEFT's (peft/tuners/lora): A (r, in) kaiming-uniform,
B (out, r) zero, both float32; the update is scaled by alpha / r, or alpha / sqrt(r) with rsLoRA; dropout acts
on A's input.
Hu et al. 2021 (LoRA), Kalajdzievski 2023 (rsLoRA), Liu et al. 2024 (DoRA).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from gemma_mlx.adapters.products import low_rank_update
from gemma_mlx.errors import AdapterError
from gemma_mlx.settings import LoraSettings

PLACES = 2**14
"""More than any model has adapted modules: dropout's places of one piece of a batch end below the next's."""


class DropoutKey:
    """The random key of the current step, shared by all adapted modules; None: no dropout.

    The trainer sets it from (seed, step), so that a resumed run drops what an uninterrupted one would.
    """

    def __init__(self) -> None:
        self.key: mx.array | None = None
        self.piece = 0

    def begin_piece(self, number: int) -> None:
        """Tells pieces of a batch apart that are computed one after the other: each has a mask of its own."""
        self.piece = number


class LoraLinear(nn.Module):
    """A linear module (dense or quantized) with a low-rank update beside it.

    `base_layer` stays frozen. `lora_A` (r, in), `lora_B` (out, r); DoRA adds `lora_magnitude_vector` (out,).
    """

    def __init__(
        self,
        base: nn.Module,
        *,
        rank: int,
        scale: float,
        use_dora: bool = False,
        dropout: float = 0.0,
        dropout_key: DropoutKey | None = None,
        index: int = 0,
        key: mx.array | None = None,
    ) -> None:
        super().__init__()
        outputs, inputs = linear_shape(base)
        self.base_layer = base
        self.scale = scale
        self.enabled = True
        self.dropout = dropout
        self._dropout_key = dropout_key
        self._index = index
        bound = 1 / math.sqrt(inputs)
        self.lora_A = mx.random.uniform(-bound, bound, (rank, inputs), key=key)
        self.lora_B = mx.zeros((outputs, rank))
        self._base_norms: mx.array | None = None
        if use_dora:
            self._base_norms = _squared_norms(base)
            self.lora_magnitude_vector = mx.sqrt(self._base_norms)

    @property
    def rank(self) -> int:
        """The rank r of the update."""
        return int(self.lora_A.shape[0])

    def __call__(self, x: mx.array) -> mx.array:
        result = self.base_layer(x)
        if not self.enabled:
            return result
        # The piece is that of this call: the backward pass asks for the mask again when it is over.
        drop = None
        if self._dropping and self._dropout_key is not None:
            drop = partial(self._drop, piece=self._dropout_key.piece)
        update = low_rank_update(x, self.lora_A, self.lora_B, self.scale, drop)
        if "lora_magnitude_vector" not in self:
            return (result + update).astype(result.dtype)
        direction = result
        if drop is not None:
            rows = drop(x.reshape(-1, x.shape[-1]).astype(mx.float32))
            direction = self.base_layer(rows.reshape(x.shape).astype(x.dtype))
        ratio = self.lora_magnitude_vector / self._norms()
        bias = self.base_layer.bias if "bias" in self.base_layer else 0
        return (result + (ratio - 1) * (direction - bias) + ratio * update).astype(result.dtype)

    @property
    def _dropping(self) -> bool:
        return self.dropout > 0 and self._dropout_key is not None and self._dropout_key.key is not None

    def _drop(self, x: mx.array, piece: int = 0) -> mx.array:
        """Inverted dropout with a mask that depends on the step's key and this module's place alone."""
        assert self._dropout_key is not None and self._dropout_key.key is not None
        place = self._index + PLACES * piece
        key = mx.random.split(self._dropout_key.key + mx.array(place, mx.uint32))[0]
        kept = mx.random.bernoulli(1 - self.dropout, x.shape, key=key)
        return mx.where(kept, x * (1 / (1 - self.dropout)), 0)

    def _norms(self) -> mx.array:
        """Norms of the rows of W + scale * B A (out,), constant in the backward pass (DoRA, section 4.3).

        |w + s b A|^2 = |w|^2 + 2 s b (A w) + s^2 b (A A^T) b^T, so that the sum is never formed.
        """
        if self._base_norms is None:
            self._base_norms = _squared_norms(self.base_layer)
        lora_a, lora_b = mx.stop_gradient(self.lora_A), mx.stop_gradient(self.lora_B)
        bias = self.base_layer.bias if "bias" in self.base_layer else 0
        mixed = (self.base_layer(lora_a) - bias).astype(mx.float32).T  # W A^T (out, r)
        gram = lora_b @ (lora_a @ lora_a.T)
        squares = self._base_norms + 2 * self.scale * (mixed * lora_b).sum(1)
        squares = squares + self.scale**2 * (gram * lora_b).sum(1)
        return mx.stop_gradient(mx.sqrt(squares))

    def merged_weight(self) -> mx.array:
        """The weight (out, in) with the update in it, float32."""
        weight = dense_weight(self.base_layer).astype(mx.float32)
        merged = weight + self.scale * (self.lora_B @ self.lora_A)
        if "lora_magnitude_vector" in self:
            merged = merged * (self.lora_magnitude_vector / self._norms())[:, None]
        return merged


@dataclass(frozen=True)
class TrainableTable:
    """How much of a model is trained: a row (path, shape, parameters) for each array, totals, the share."""

    rows: list[tuple[str, tuple[int, ...], int]]
    trainable: int
    total: int

    @property
    def percent(self) -> float:
        """Trainable parameters per hundred."""
        return 100 * self.trainable / self.total if self.total else 0.0


def linear_shape(linear: nn.Module) -> tuple[int, int]:
    """(out, in) of a dense or quantized linear module, in weights."""
    outputs, inputs = linear.weight.shape
    if "scales" in linear:
        inputs = inputs * 32 // linear.bits
    return int(outputs), int(inputs)


def dense_weight(linear: nn.Module) -> mx.array:
    """The weight (out, in) of a linear module, dequantized where it is quantized."""
    if "scales" not in linear:
        return linear.weight
    return mx.dequantize(
        linear.weight, linear.scales, linear.get("biases"), linear.group_size, linear.bits, linear.mode
    )


def _squared_norms(linear: nn.Module) -> mx.array:
    return mx.square(dense_weight(linear).astype(mx.float32)).sum(axis=1)


def lora_modules(model: nn.Module) -> Iterator[tuple[str, LoraLinear]]:
    """Every adapted module with its path ("model.layers.0.self_attn.q_proj"), in the model's order."""
    for path, module in _sorted_modules(model):
        if isinstance(module, LoraLinear):
            yield path, module


def add_lora(model: nn.Module, settings: LoraSettings, seed: int = 0) -> DropoutKey:
    """Wraps the modules that the settings name; freezes all else. Returns the key that drives dropout.

    First values of A follow from the seed and the module's place alone.

    Raises:
        AdapterError: the model has an adapter already, or the settings name no module of it.
    """
    if any(True for _ in lora_modules(model)):
        raise AdapterError(
            "already-adapted", "This model carries an adapter already.", fix="Remove it first."
        )
    targets = [
        (path, module)
        for path, module in _sorted_modules(model)
        if _wanted(path, module, settings) and _chosen(path, settings)
    ]
    if not targets:
        layers = "" if settings.layers is None else f" in layers {settings.layers}"
        raise AdapterError(
            "no-modules", f"The model has no modules {', '.join(settings.module_names)}{layers}.",
            where="lora.modules, lora.layers", fix="Name modules and layers that this model has.",
        )  # fmt: skip
    state = DropoutKey()
    keys = mx.random.split(mx.random.key(seed), len(targets))
    for index, (path, module) in enumerate(targets):
        rank = rank_of(path, settings)
        wrapped = LoraLinear(
            module, rank=rank, scale=scale_of(settings.alpha, rank, settings.use_rslora),
            use_dora=settings.use_dora, dropout=settings.dropout, dropout_key=state,
            index=index, key=keys[index],
        )  # fmt: skip
        replace_module(model, path, wrapped)
    freeze_base(model)
    return state


def freeze_base(model: nn.Module) -> None:
    """Leaves nothing trainable but the adapter."""
    model.freeze()
    for _, module in lora_modules(model):
        module.unfreeze(recurse=False)


def remove_lora(model: nn.Module) -> None:
    """Takes the adapter off; the base is as it was."""
    for path, module in list(lora_modules(model)):
        replace_module(model, path, module.base_layer)


def enable_lora(model: nn.Module, enabled: bool) -> None:
    """Switches the adapter on or off without touching the base: base and tuned answers from one copy."""
    for _, module in lora_modules(model):
        module.enabled = enabled


def merge_lora(model: nn.Module, dtype: mx.Dtype = mx.bfloat16) -> None:
    """Folds the adapter into dense weights of `dtype`, dequantizing what is quantized under it.

    Back into few bits is not done here: rounding to 4 bits loses much of what was learned.
    """
    for path, module in list(lora_modules(model)):
        outputs, inputs = linear_shape(module.base_layer)
        dense = nn.Linear(1, 1, bias="bias" in module.base_layer)
        dense.weight = module.merged_weight().astype(dtype)
        if "bias" in module.base_layer:
            dense.bias = module.base_layer.bias
        assert dense.weight.shape == (outputs, inputs)
        mx.eval(dense.weight)
        replace_module(model, path, dense)


def trainable_table(model: nn.Module) -> TrainableTable:
    """What is trained and what is not; quantized weights count as the weights they stand for."""
    rows = [
        (name, tuple(array.shape), array.size) for name, array in tree_flatten(model.trainable_parameters())
    ]
    total = 0
    for _, module in model.named_modules():
        for name, value in module.items():
            if not isinstance(value, mx.array) or name in ("scales", "biases"):
                continue
            packed = name == "weight" and "scales" in module
            total += value.size * 32 // module.bits if packed else value.size
    return TrainableTable(rows, sum(row[2] for row in rows), total)


def rank_of(path: str, settings: LoraSettings) -> int:
    """The rank at a module path: the longest entry of `rank_pattern` that its end matches, else the rank."""
    matches = [name for name in settings.rank_pattern if path == name or path.endswith("." + name)]
    return settings.rank_pattern[max(matches, key=len)] if matches else settings.rank


def scale_of(alpha: float, rank: int, use_rslora: bool) -> float:
    """The factor of the update: alpha / r, or alpha / sqrt(r) with rsLoRA."""
    return alpha / math.sqrt(rank) if use_rslora else alpha / rank


def replace_module(model: nn.Module, path: str, module: nn.Module) -> None:
    """Puts a module in the place of another."""
    *parents, name = path.split(".")
    parent: nn.Module | list[nn.Module] = model
    for part in parents:
        parent = parent[int(part)] if isinstance(parent, list) else getattr(parent, part)
    setattr(parent, name, module)


def _wanted(path: str, module: nn.Module, settings: LoraSettings) -> bool:
    """Whether the settings name this module. all-linear: every linear one of a block, whatever its name."""
    if "all-linear" in settings.modules:
        return "layers" in path.split(".") and is_linear(module)
    return path.rsplit(".", 1)[-1] in settings.module_names and "weight" in module


def is_linear(module: nn.Module | None) -> bool:
    """Whether an adapter fits around a module: it is linear, dense or quantized."""
    return isinstance(module, nn.Linear | nn.QuantizedLinear)


def _chosen(path: str, settings: LoraSettings) -> bool:
    if settings.layers is None:
        return True
    parts = path.split(".")
    return "layers" in parts and int(parts[parts.index("layers") + 1]) in settings.layers


def _sorted_modules(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Modules by path, layer 10 after layer 2, so that seeds mean the same whatever a model was made from."""
    return sorted(
        model.named_modules(),
        key=lambda item: [
            (part.isdigit(), int(part) if part.isdigit() else 0, part) for part in item[0].split(".")
        ],
    )
