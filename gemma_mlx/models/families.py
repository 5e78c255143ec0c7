"""Decoders of other families as mlx-lm defines them: found by config.json's type, checked for their shape.

Only the definitions are taken: files are read, checked, quantized and trained by this program. mlx-lm's own
package is not imported, because it brings transformers (seconds, and 100 MB of a bundle); its files of models
need nothing but MLX, so they are imported under another name.
"""

from __future__ import annotations

import importlib
import inspect
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from gemma_mlx.errors import ModelError
from gemma_mlx.families import DEVIATING, FAMILY_NAMES
from gemma_mlx.models.config import Fields, ModelConfig, RopeConfig, rope_fields
from gemma_mlx.models.layers import RotaryEmbedding

_ALIAS = "mlx_lm_definitions"
_BACKBONE = ("embed_tokens", "layers", "norm")
TIED_BY_DEFAULT = ("cohere", "cohere2", "ernie4_5", "smollm3")
LOGIT_SCALES: dict[str, Callable[[Any], float]] = {
    "granite": lambda arguments: 1 / arguments.logits_scaling,
    "cohere": lambda arguments: arguments.logit_scale,
    "cohere2": lambda arguments: arguments.logit_scale,
}
"""What the logits of a type are multiplied by, from the definition's arguments."""

_SAME_AS = {"mistral": "llama"}
"""Types that mlx-lm defines by another's file (mlx_lm/utils.py, MODEL_REMAPPING)."""


@dataclass(frozen=True)
class Family:
    """A decoder of mlx-lm, its arrays not computed yet, and what its layers remember.

    `windows`: of each layer, None where it sees all. `names` are the arguments of the backbone's call. The
    logits are the product with the vocabulary times `logit_scale`.
    """

    whole: nn.Module
    windows: tuple[int | None, ...]
    names: frozenset[str]
    logit_scale: float = 1.0


def supported() -> str:
    """What can be loaded, in words, for an error."""
    names = ", ".join(sorted(set(FAMILY_NAMES.values())))
    return (
        f"Gemma 1, 2 and 3, {names}, and other decoders of mlx-lm whose layers hold dense linear modules and "
        "remember keys and values"
    )


def parse_family(raw: dict[str, Any], where: str) -> ModelConfig:
    """The configuration of a decoder of another family.

    Raises:
        ModelError: mlx-lm does not know it, a field is missing or absurd, or it is built in another way.
    """
    fields = Fields(raw, where)
    kind = str(raw.get("model_type"))
    if definition_of(kind) is None:
        raise unsupported(kind, where, "it is not among those that this program or mlx-lm knows")
    if kind in DEVIATING:
        raise unsupported(kind, where, DEVIATING[kind])
    layers = fields.count("num_hidden_layers")
    heads = fields.count("num_attention_heads")
    hidden = fields.count("hidden_size")
    kv_heads = fields.count("num_key_value_heads", heads)
    if heads % kv_heads:
        raise fields.error(
            "num_key_value_heads", f"{heads} heads cannot share {kv_heads} key-value heads evenly"
        )
    head_dim = hidden // heads if raw.get("head_dim") is None else fields.count("head_dim")
    inner = fields.count("intermediate_size")
    fields.count("vocab_size")
    if "tie_word_embeddings" not in raw:
        # transformers leaves out what equals its default, and most families' is False; mlx-lm's differ.
        raw = {**raw, "tie_word_embeddings": kind in TIED_BY_DEFAULT}
    family = build(raw, where)
    context = fields.count("max_position_embeddings", 32_768)
    window = raw.get("sliding_window")
    if isinstance(window, int) and window > 0 and raw.get("use_sliding_window", True):
        # mlx-lm leaves the window of most families out: up to its length nothing differs.
        context = context if any(family.windows) else min(context, window)
    base = Fields({**raw, **rope_fields(raw)}, where).number("rope_theta", 10_000.0)
    return ModelConfig(
        generation=kind,
        vocab_size=fields.count("vocab_size"),
        hidden_size=hidden,
        intermediate_size=inner,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        rms_norm_eps=fields.number("rms_norm_eps", 1e-6),
        attention_scale=head_dim**-0.5,
        layer_windows=family.windows,
        layer_ropes=(RopeConfig(base),) * layers,
        post_norms=False,
        qk_norm=False,
        attention_softcap=None,
        final_softcap=None,
        tie_word_embeddings="lm_head" not in family.whole,
        attention_bias=bool(raw.get("attention_bias", False)),
        max_position_embeddings=context,
        bos_token_id=fields.token("bos_token_id", 0),
        eos_token_ids=fields.tokens("eos_token_id", 0) if raw.get("eos_token_id") is not None else (),
        pad_token_id=fields.token("pad_token_id", 0),
        dtype=str(raw.get("dtype") or raw.get("torch_dtype") or "bfloat16"),
        quantization=raw.get("quantization") or raw.get("quantization_config"),
        raw=raw,
    )


def family_of(config: ModelConfig) -> Family:
    """A fresh, untrained decoder of this configuration; its arrays are not computed until they are used."""
    return build({**config.raw, "vocab_size": config.vocab_size}, "config.json")


def family_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter's name and shape, as `models.config.parameter_shapes` gives them for Gemma."""
    whole = family_of(config).whole
    return {name: tuple(array.shape) for name, array in tree_flatten(whole.parameters())}


def build(raw: dict[str, Any], where: str) -> Family:
    """mlx-lm's decoder of a parsed config.json.

    Raises:
        ModelError: `unknown-model`: a part of it is of a kind that this program does not run; `bad-config`.
    """
    kind = str(raw.get("model_type"))
    definition = definition_of(kind)
    assert definition is not None
    try:
        whole = definition.Model(definition.ModelArgs.from_dict({**raw, **rope_fields(raw)}))
        names = _check_parts(whole, kind, where)
        windows = _windows(whole, kind, where)
        scale = float(LOGIT_SCALES[kind](whole.args)) if kind in LOGIT_SCALES else 1.0
        _exact_rotations(whole)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError) as problem:
        raise ModelError(
            "bad-config", f"mlx-lm makes no {kind} of this configuration: {problem}.", where=where,
            fix="Download config.json of this model again.",
        ) from None  # fmt: skip
    return Family(whole, windows, names, scale)


def unsupported(kind: str, where: str, why: str) -> ModelError:
    """The error for a model that cannot be run, with those that can."""
    return ModelError(
        "unknown-model", f"Models of type {kind!r} cannot be run: {why}.",
        where=f"{where}, field model_type", fix=f"Choose another model. Supported are {supported()}.",
    )  # fmt: skip


@lru_cache(maxsize=32)
def definition_of(kind: str) -> ModuleType | None:
    """mlx-lm's file of a type; None where it has none. The name comes from a user's file: letters only."""
    kind = _SAME_AS.get(kind, kind)
    spec = find_spec("mlx_lm")
    if spec is None or not spec.submodule_search_locations or not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        return None
    if _ALIAS not in sys.modules:
        package = ModuleType(_ALIAS)
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules[_ALIAS] = package
    if find_spec(f"{_ALIAS}.models.{kind}") is None:
        return None
    try:
        module = importlib.import_module(f"{_ALIAS}.models.{kind}")
    except (
        ImportError,
        SystemExit,
    ):  # some need packages that are not here; one ends the program
        return None
    return module if hasattr(module, "Model") and hasattr(module, "ModelArgs") else None


def _check_parts(whole: nn.Module, kind: str, where: str) -> frozenset[str]:
    """The arguments of the backbone's call, if the decoder is built as this program expects."""
    backbone = whole.get("model")
    if not isinstance(backbone, nn.Module) or any(name not in backbone for name in _BACKBONE):
        raise unsupported(kind, where, f"its parts are not {', '.join(_BACKBONE)}")
    if not isinstance(backbone.embed_tokens, nn.Embedding) or set(whole.children()) - {"model", "lm_head"}:
        raise unsupported(kind, where, "it has more than one decoder")
    odd = [name for name, array in tree_flatten(whole.parameters()) if array.ndim > 2]
    if odd:
        raise unsupported(kind, where, f"{odd[0]} is no linear module (experts are not known here)")
    names = frozenset(inspect.signature(type(backbone).__call__).parameters)
    if "cache" not in names:
        raise unsupported(kind, where, "it generates without a cache")
    return names


def _windows(whole: nn.Module, kind: str, where: str) -> tuple[int | None, ...]:
    """Each layer's window, from the caches that mlx-lm would make."""
    layers = len(whole.model.layers)
    if not hasattr(whole, "make_cache"):
        return (None,) * layers
    windows: list[int | None] = []
    for cache in whole.make_cache():
        name = type(cache).__name__
        if name == "KVCache":
            windows.append(None)
        elif name == "RotatingKVCache" and not cache.keep:
            windows.append(int(cache.max_size))
        else:
            raise unsupported(kind, where, f"a layer keeps other things than keys and values ({name})")
    if len(windows) != layers:
        raise unsupported(kind, where, "not every layer has keys and values of its own")
    return tuple(windows)


def _exact_rotations(model: nn.Module) -> None:
    """transformers' rotary frequencies in the place of MLX's own, which are 6e-3 off at position 32K."""
    for module in model.modules():
        for name, rope in list(module.items()):
            if isinstance(rope, nn.RoPE) and not rope.traditional:
                setattr(module, name, _Rotation(rope))


class _Rotation(RotaryEmbedding):
    """The rotary embedding as mlx-lm's attention calls it: without an offset where there is no cache."""

    def __init__(self, rope: nn.RoPE) -> None:
        base, factor = float(rope.base), 1 / rope.scale
        if not (0 < base < math.inf and 0 < factor < math.inf):
            raise ValueError(f"a rotary embedding of base {base} and factor {factor}")
        super().__init__(rope.dims, RopeConfig(base, factor))

    def __call__(self, x: mx.array, offset: int | mx.array = 0) -> mx.array:
        return super().__call__(x, offset)
