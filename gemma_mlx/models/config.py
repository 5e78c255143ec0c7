"""A model's architecture as data: both dialects of config.json become one `ModelConfig`.

The dialects are the hub's (`rope_theta`, `sliding_window_pattern`, ...) and the one that transformers 5
writes (`rope_parameters`, `layer_types`). Generations differ only in the fields that this file fills.
Reference: transformers' configuration_gemma{,2,3}.py.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gemma_mlx.errors import ModelError
from gemma_mlx.families import FAMILY_NAMES

GENERATIONS = {"gemma": "Gemma 1", "gemma2": "Gemma 2", "gemma3_text": "Gemma 3"}
"""`model_type` of config.json to the name that people know."""

# Far above any Gemma, far below what would exhaust memory while the layers are being made.
_LIMITS = {
    "vocab_size": 2_000_000, "hidden_size": 65_536, "intermediate_size": 524_288, "num_hidden_layers": 512,
    "num_attention_heads": 1024, "num_key_value_heads": 1024, "head_dim": 4096,
    "sliding_window": 16_777_216, "max_position_embeddings": 16_777_216,
}  # fmt: skip


@dataclass(frozen=True)
class RopeConfig:
    """Rotary embedding of one layer: the base, and the factor that linear scaling divides positions by."""

    base: float
    factor: float = 1.0


@dataclass(frozen=True)
class ModelConfig:
    """All that the decoder reads. `raw` keeps the file (the text part of it) for writing it back."""

    generation: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    rms_norm_eps: float
    attention_scale: float
    layer_windows: tuple[int | None, ...]
    layer_ropes: tuple[RopeConfig, ...]
    post_norms: bool
    qk_norm: bool
    attention_softcap: float | None
    final_softcap: float | None
    tie_word_embeddings: bool
    attention_bias: bool
    max_position_embeddings: int
    bos_token_id: int
    eos_token_ids: tuple[int, ...]
    pad_token_id: int
    dtype: str
    quantization: dict[str, Any] | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The generation, or the family, as people call it."""
        return GENERATIONS.get(self.generation) or FAMILY_NAMES.get(self.generation, self.generation)

    @property
    def is_gemma(self) -> bool:
        """Whether this program's own decoder runs it; other families are run by mlx-lm's definitions."""
        return self.generation in GENERATIONS

    @property
    def packs(self) -> bool:
        """Whether rows may be laid end to end: other families' layers cannot keep them apart."""
        return self.is_gemma


def read_config(folder: Path) -> ModelConfig:
    """The configuration of a model folder.

    Raises:
        ModelError: config.json is missing, is not JSON, or describes no model that this program runs.
    """
    path = folder / "config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            "no-config",
            "This folder holds no model: config.json is missing.",
            where=str(folder),
            fix="Choose the folder that holds config.json and the .safetensors files.",
        ) from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise ModelError(
            "unreadable-config",
            f"config.json cannot be read: {problem}",
            where=str(path),
            fix="Download this file again.",
        ) from None
    if not isinstance(raw, dict):
        raise ModelError(
            "unreadable-config",
            "config.json does not hold an object.",
            where=str(path),
            fix="Download this file again.",
        )
    return parse_config(raw, str(path))


def parse_config(raw: dict[str, Any], where: str) -> ModelConfig:
    """The configuration in a parsed config.json; `where` names the file in errors.

    Raises:
        ModelError: a field is missing, absurd or contradicts another.
    """
    if raw.get("model_type") not in (*GENERATIONS, "gemma3"):
        # Imported here: it brings MLX, which looking at a Gemma's configuration does without.
        from gemma_mlx.models.families import parse_family

        return parse_family(raw, where)
    fields = Fields(_text_part(raw), where)
    generation = fields.generation()
    layers = fields.count("num_hidden_layers")
    heads = fields.count("num_attention_heads")
    kv_heads = fields.count("num_key_value_heads", heads)
    hidden = fields.count("hidden_size")
    if heads % kv_heads:
        raise fields.error(
            "num_key_value_heads", f"{heads} heads cannot share {kv_heads} key-value heads evenly"
        )
    head_dim = fields.count("head_dim", 256)
    if head_dim % 2:
        raise fields.error("head_dim", "it has to be even, because rotary embeddings turn pairs")
    fields.check_activation()
    later = generation != "gemma"
    scalar = fields.number("query_pre_attn_scalar", 256.0) if later else float(head_dim)
    kinds = fields.layer_kinds(generation, layers)
    window = fields.count("sliding_window", 4096) if later else None
    return ModelConfig(
        generation=generation,
        vocab_size=fields.count("vocab_size", 262_208 if generation == "gemma3_text" else 256_000),
        hidden_size=hidden,
        intermediate_size=fields.count("intermediate_size"),
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        rms_norm_eps=fields.number("rms_norm_eps", 1e-6),
        attention_scale=scalar**-0.5,
        layer_windows=tuple(window if kind == "sliding_attention" else None for kind in kinds),
        layer_ropes=fields.ropes(generation, kinds),
        post_norms=later,
        qk_norm=generation == "gemma3_text",
        # Gemma 3's files store softcaps, but its attention and head never use them.
        attention_softcap=fields.softcap("attn_logit_softcapping", 50.0) if generation == "gemma2" else None,
        final_softcap=fields.softcap("final_logit_softcapping", 30.0) if generation == "gemma2" else None,
        tie_word_embeddings=bool(fields.raw.get("tie_word_embeddings", True)),
        attention_bias=bool(fields.raw.get("attention_bias", False)),
        max_position_embeddings=fields.count("max_position_embeddings", 8192),
        bos_token_id=fields.token("bos_token_id", 2),
        eos_token_ids=fields.tokens("eos_token_id", 1),
        pad_token_id=fields.token("pad_token_id", 0),
        dtype=str(
            fields.raw.get("dtype")
            or fields.raw.get("torch_dtype")
            or raw.get("dtype")
            or raw.get("torch_dtype")
            or "bfloat16"
        ),
        quantization=raw.get("quantization") or raw.get("quantization_config"),
        raw=raw,
    )


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter's name (transformers') and shape, before any quantization."""
    if not config.is_gemma:
        from gemma_mlx.models.families import family_shapes

        return family_shapes(config)
    hidden, queries = config.hidden_size, config.num_heads * config.head_dim
    keys = config.num_kv_heads * config.head_dim
    norms = ["input_layernorm", "post_attention_layernorm"]
    if config.post_norms:
        norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    block: dict[str, tuple[int, ...]] = {f"{name}.weight": (hidden,) for name in norms}
    for name, (rows, columns) in {
        "q_proj": (queries, hidden), "k_proj": (keys, hidden),
        "v_proj": (keys, hidden), "o_proj": (hidden, queries),
    }.items():  # fmt: skip
        block[f"self_attn.{name}.weight"] = (rows, columns)
        if config.attention_bias:
            block[f"self_attn.{name}.bias"] = (rows,)
    if config.qk_norm:
        block |= {f"self_attn.{name}.weight": (config.head_dim,) for name in ("q_norm", "k_norm")}
    for name in ("gate_proj", "up_proj"):
        block[f"mlp.{name}.weight"] = (config.intermediate_size, hidden)
    block["mlp.down_proj.weight"] = (hidden, config.intermediate_size)

    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (config.vocab_size, hidden)}
    for index in range(config.num_layers):
        shapes |= {f"model.layers.{index}.{name}": shape for name, shape in block.items()}
    shapes["model.norm.weight"] = (hidden,)
    if not config.tie_word_embeddings:
        shapes["lm_head.weight"] = (config.vocab_size, hidden)
    return shapes


def parameter_count(config: ModelConfig) -> int:
    """The number of weights of the model."""
    return sum(math.prod(shape) for shape in parameter_shapes(config).values())


def rope_fields(raw: dict[str, Any]) -> dict[str, Any]:
    """The rotary fields that mlx-lm reads, from either dialect: transformers 5 nests them in one table."""
    table = raw.get("rope_parameters")
    if isinstance(table, dict) and table:
        first = next(iter(table.values()))
        if isinstance(first, dict) and all(each == first for each in table.values()):
            table = first  # one table for each kind of layer, all alike
    if not isinstance(table, dict) or not isinstance(table.get("rope_theta"), int | float):
        return {}
    scaled = table.get("rope_type", "default") != "default"
    found: dict[str, Any] = {"rope_theta": table["rope_theta"], "rope_scaling": table if scaled else None}
    if isinstance(table.get("partial_rotary_factor"), int | float):
        found["partial_rotary_factor"] = table["partial_rotary_factor"]
    return found


def _text_part(raw: dict[str, Any]) -> dict[str, Any]:
    """The decoder's own fields: multimodal Gemma 3 folders hold them under `text_config`.

    Such files leave out what equals transformers' defaults, so those of the 4B decoder fill the gaps.
    """
    text = raw.get("text_config")
    if raw.get("model_type") != "gemma3" or not isinstance(text, dict):
        return raw
    defaults = {
        "model_type": "gemma3_text", "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
        "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "vocab_size": 262_208,
        "max_position_embeddings": 131_072,
    }  # fmt: skip
    outer = {
        name: raw[name]
        for name in ("bos_token_id", "eos_token_id", "pad_token_id", "tie_word_embeddings")
        if name in raw
    }
    return {**defaults, **outer, **text}


class Fields:
    """Reads config.json field by field, with an error that names the field."""

    def __init__(self, raw: dict[str, Any], where: str) -> None:
        self.raw = raw
        self.where = where

    def error(self, name: str, why: str) -> ModelError:
        return ModelError(
            "bad-config",
            f"{name} is {self.raw.get(name)!r}: {why}.",
            where=f"{self.where}, field {name}",
            fix="Download config.json of this model again, or correct the field.",
        )

    def generation(self) -> str:
        kind = self.raw.get("model_type")
        if kind not in GENERATIONS:
            raise ModelError(
                "unknown-model",
                f"Models of type {kind!r} are not among those that this program runs.",
                where=f"{self.where}, field model_type",
                fix="Choose a Gemma 1, Gemma 2 or Gemma 3 model.",
            )
        if self.raw.get("use_bidirectional_attention"):
            raise self.error("use_bidirectional_attention", "embedding models do not generate text")
        return str(kind)

    def count(self, name: str, default: int | None = None) -> int:
        """A whole number from 1 to its limit; `default` counts only where the field is absent."""
        value = self.raw.get(name, default)
        if value is None:
            raise self.error(name, "the field is missing")
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LIMITS[name]:
            raise self.error(name, f"a whole number from 1 to {_LIMITS[name]} is needed")
        return value

    def number(self, name: str, default: float) -> float:
        value = self.raw.get(name, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or value <= 0
        ):
            raise self.error(name, "a positive number is needed")
        return float(value)

    def softcap(self, name: str, default: float) -> float | None:
        """A softcap; an explicit null turns it off."""
        return None if name in self.raw and self.raw[name] is None else self.number(name, default)

    def token(self, name: str, default: int) -> int:
        """One control token's id; a list of them, or null, gives the default."""
        value = self.raw.get(name, default)
        return default if value is None or isinstance(value, list) else self._id(name, value)

    def tokens(self, name: str, default: int) -> tuple[int, ...]:
        """The ids of one or several control tokens."""
        value = self.raw.get(name, default)
        if value is None:
            return (default,)
        return tuple(self._id(name, item) for item in (value if isinstance(value, list) else [value]))

    def _id(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.error(name, "token ids are whole numbers from 0")
        return value

    def check_activation(self) -> None:
        """All Gemmas use the tanh form of GELU; the legacy value "gelu" of Gemma 1 means it too."""
        for name in ("hidden_activation", "hidden_act"):
            value = self.raw.get(name)
            if value is not None and value not in ("gelu", "gelu_pytorch_tanh", "gelu_new"):
                raise self.error(name, "only the tanh form of GELU is known here")

    def layer_kinds(self, generation: str, layers: int) -> tuple[str, ...]:
        """Each layer's attention: from `layer_types`, else from the generation's pattern."""
        if generation == "gemma":
            return ("full_attention",) * layers
        kinds = self.raw.get("layer_types")
        if kinds is not None:
            known = {"full_attention", "sliding_attention"}
            if not isinstance(kinds, list) or len(kinds) != layers or not set(map(str, kinds)) <= known:
                raise self.error(
                    "layer_types", f"{layers} entries of {' or '.join(sorted(known))} are needed"
                )
            return tuple(kinds)
        pattern = 2
        if generation == "gemma3_text":
            pattern = self.raw.get("sliding_window_pattern") or self.raw.get("_sliding_window_pattern") or 6
            if isinstance(pattern, bool) or not isinstance(pattern, int) or pattern < 1:
                raise self.error("sliding_window_pattern", "a positive whole number is needed")
        return tuple(
            "full_attention" if (index + 1) % pattern == 0 else "sliding_attention" for index in range(layers)
        )

    def ropes(self, generation: str, kinds: tuple[str, ...]) -> tuple[RopeConfig, ...]:
        """Each layer's rotary embedding. transformers 5 nests one table per layer kind for Gemma 3."""
        modern = self.raw.get("rope_parameters")
        if generation != "gemma3_text":
            base = self.number("rope_theta", 10_000.0)
            rope = self._rope(modern, base, "rope_parameters") if modern else RopeConfig(base)
            legacy = self.raw.get("rope_scaling")
            if legacy and not modern:
                rope = self._rope(legacy, base, "rope_scaling")
            return (rope,) * len(kinds)
        full_base = self.number("rope_theta", 1_000_000.0)
        local_base = self.number("rope_local_base_freq", 10_000.0)
        table = {
            "full_attention": self._rope(self.raw.get("rope_scaling") or {}, full_base, "rope_scaling"),
            "sliding_attention": RopeConfig(local_base),
        }
        if isinstance(modern, dict) and modern:
            if set(modern) & set(table):
                for kind in set(modern) & set(table):
                    default = table[kind].base
                    table[kind] = self._rope(modern[kind], default, f"rope_parameters.{kind}")
            else:
                table["full_attention"] = self._rope(modern, full_base, "rope_parameters")
        return tuple(table[kind] for kind in kinds)

    def _rope(self, table: Any, base: float, name: str) -> RopeConfig:
        if not isinstance(table, dict):
            raise self.error(name.split(".")[0], "an object is needed")
        kind = table.get("rope_type", table.get("type", "default"))
        if kind not in ("default", "linear"):
            raise self.error(name.split(".")[0], f"rotary scaling {kind!r} is not known for Gemma 1 to 3")
        values = Fields(table, f"{self.where}, {name}")
        factor = values.number("factor", 1.0) if kind == "linear" else 1.0
        return RopeConfig(values.number("rope_theta", base), factor)
