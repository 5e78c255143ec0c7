"""config.json as every reader understands it: both dialects in one file, multimodal folders made text only.

Newer files speak only transformers 5's dialect, which mlx-lm 0.32.2 misreads; older readers know only the
hub's. What this program writes holds both, made from what it read.
"""

from __future__ import annotations

from typing import Any

from gemma_mlx.models.config import ModelConfig, rope_fields

_ARCHITECTURES = {
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
}
_DROPPED = (
    "quantization", "quantization_config", "text_config", "vision_config", "auto_map", "_name_or_path",
)  # fmt: skip


def portable_config(
    config: ModelConfig, *, dtype: str, quantization: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The content of config.json for a model that is written as text only, `dtype` its working width.

    `quantization` is mlx-lm's object (`scheme.quantization_field`); it is written under both names that
    readers look for.
    """
    if not config.is_gemma:
        return _family_config(config, dtype, quantization)
    text = config.raw.get("text_config")
    raw = {**config.raw, **(text if isinstance(text, dict) else {})}
    kept = {name: value for name, value in raw.items() if name not in _DROPPED}
    if isinstance(text, dict):
        multimodal = ("_token_index", "mm_tokens_per_image")
        kept = {name: value for name, value in kept.items() if not name.endswith(multimodal)}
    # The outer file's end tokens are those of the chat model.
    if config.raw.get("eos_token_id") is not None:
        kept["eos_token_id"] = config.raw["eos_token_id"]
    kept |= {
        "architectures": [_ARCHITECTURES[config.generation]],
        "model_type": config.generation,
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "rms_norm_eps": config.rms_norm_eps,
        "max_position_embeddings": config.max_position_embeddings,
        "tie_word_embeddings": config.tie_word_embeddings,
        "dtype": dtype,
        "torch_dtype": dtype,
    }
    kept |= _rope(config)
    if config.post_norms:
        # Defaults differ between readers (mlx-lm has 144 where transformers has 256): say it.
        kept.setdefault("query_pre_attn_scalar", round(config.attention_scale**-2, 6))
        windows = [window for window in config.layer_windows if window is not None]
        kept["layer_types"] = [
            "full_attention" if window is None else "sliding_attention" for window in config.layer_windows
        ]
        if windows:
            kept["sliding_window"] = windows[0]
    if config.generation == "gemma2":
        kept["attn_logit_softcapping"] = config.attention_softcap
        kept["final_logit_softcapping"] = config.final_softcap
    if quantization is not None:
        kept |= {"quantization": quantization, "quantization_config": quantization}
    return dict(sorted(kept.items()))


def _family_config(config: ModelConfig, dtype: str, quantization: dict[str, Any] | None) -> dict[str, Any]:
    """What another family's file said, and what readers differ in: the head, the width, rotary settings."""
    kept = {name: value for name, value in config.raw.items() if name not in _DROPPED}
    kept |= {
        "vocab_size": config.vocab_size,
        "tie_word_embeddings": config.tie_word_embeddings,
        "dtype": dtype,
        "torch_dtype": dtype,
    }
    kept |= rope_fields(config.raw)
    if quantization is not None:
        kept |= {"quantization": quantization, "quantization_config": quantization}
    return dict(sorted(kept.items()))


def _rope(config: ModelConfig) -> dict[str, Any]:
    """Rotary settings in both dialects."""
    layers = list(zip(config.layer_ropes, config.layer_windows, strict=True))
    full = next((rope for rope, window in layers if window is None), config.layer_ropes[0])
    scaling = {"rope_type": "linear", "factor": full.factor} if full.factor != 1 else {"rope_type": "default"}
    full_table = {**scaling, "rope_theta": full.base}
    fields: dict[str, Any] = {"rope_theta": full.base, "rope_parameters": full_table}
    fields["rope_scaling"] = scaling if full.factor != 1 else None
    if config.generation != "gemma3_text":
        return fields
    local = next((rope for rope, window in layers if window), config.layer_ropes[0])
    fields["rope_local_base_freq"] = local.base
    local_table: dict[str, Any] = {"rope_type": "default", "rope_theta": local.base}
    if local.factor != 1:
        local_table |= {"rope_type": "linear", "factor": local.factor}
    fields["rope_parameters"] = {"full_attention": full_table, "sliding_attention": local_table}
    pattern = _pattern(config.layer_windows)
    return fields if pattern is None else fields | {"sliding_window_pattern": pattern}


def _pattern(windows: tuple[int | None, ...]) -> int | None:
    """The p of "every p-th layer is full", for readers that do not know `layer_types`; None: no such p."""
    full = [window is None for window in windows]
    candidates = [full.index(True) + 1] if True in full else [6, len(full) + 1]
    for pattern in candidates:
        if all(is_full == ((index + 1) % pattern == 0) for index, is_full in enumerate(full)):
            return pattern
    return None
