"""GGUF's names and fields for Gemma 1, 2 and 3, and what llama.cpp cannot represent of them.

Reference: llama.cpp's convert_hf_to_gguf.py and src/models/gemma*.cpp; gguf-py's constants.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import ModelConfig

ARCHITECTURES = {"gemma": "gemma", "gemma2": "gemma2", "gemma3_text": "gemma3"}
_LARGEST_LAYERS = {"gemma2": 46, "gemma3_text": 62}  # by these llama.cpp knows the 27B models
_PATTERNS = {"gemma2": 2, "gemma3_text": 6}

_BLOCK = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip
_OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def gguf_name(path: str, config: ModelConfig) -> str:
    """The tensor of a module's weight in GGUF: "model.layers.3.mlp.up_proj" -> "blk.3.ffn_up.weight"."""
    if path in _OUTER:
        return f"{_OUTER[path]}.weight"
    _, _, layer, inner = path.split(".", 3)
    if inner == "post_attention_layernorm":
        # Gemma 1 has only this norm between attention and MLP, and it stands before the MLP.
        return f"blk.{layer}.{'post_attention_norm' if config.post_norms else 'ffn_norm'}.weight"
    return f"blk.{layer}.{_BLOCK[inner]}.weight"


def query_factor(config: ModelConfig) -> float:
    """What the queries are multiplied by, because llama.cpp derives the attention's scale from the shape.

    1 for every published Gemma. The scale is 1 / sqrt(head_dim); for the 27B models 1 / sqrt(hidden / heads).
    """
    width: float = config.head_dim
    if config.num_layers == _LARGEST_LAYERS.get(config.generation):
        width = config.hidden_size / config.num_heads
    factor = config.attention_scale * math.sqrt(width)
    return 1.0 if math.isclose(factor, 1.0, rel_tol=1e-6) else factor


def check_representable(config: ModelConfig, folder: Path) -> None:
    """Raises ModelError `not-for-gguf` for what llama.cpp would silently compute otherwise."""
    why = "" if config.generation in ARCHITECTURES else "only Gemma is written in its format here"
    pattern = _PATTERNS.get(config.generation)
    windows = {window for window in config.layer_windows if window is not None}
    if pattern is not None:
        sliding = [window is not None for window in config.layer_windows]
        if sliding != [(index + 1) % pattern != 0 for index in range(config.num_layers)]:
            why = "its layers do not alternate as in the published models"
    if len(windows) > 1:
        why = "its layers have windows of several sizes"
    local = {
        rope.factor for rope, window in zip(config.layer_ropes, config.layer_windows, strict=True) if window
    }
    if config.qk_norm and local - {1.0}:
        why = "the positions of its sliding layers are scaled"
    if config.attention_bias:
        why = "its attention has biases"
    if not config.tie_word_embeddings and config.generation != "gemma3_text":
        why = "its head is not its embedding"
    if why:
        raise ModelError(
            "not-for-gguf", f"llama.cpp cannot run this model: {why}.", where=str(folder),
            fix="Use it here or in mlx-lm.", kept="Nothing was written.",
        )  # fmt: skip


def write_fields(writer: Any, config: ModelConfig) -> None:
    """The architecture's fields."""
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    layers = list(zip(config.layer_ropes, config.layer_windows, strict=True))
    full = next((rope for rope, window in layers if window is None), config.layer_ropes[0])
    writer.add_rope_freq_base(full.base)
    if full.factor != 1:
        writer.add_rope_scaling_type(_linear())
        writer.add_rope_scaling_factor(full.factor)
    window = next((window for window in config.layer_windows if window is not None), None)
    if window is not None:
        writer.add_sliding_window(window)
        local = next(rope for rope, window in layers if window is not None)
        if config.qk_norm:
            writer.add_rope_freq_base_swa(local.base)
    if config.attention_softcap is not None:
        writer.add_attn_logit_softcapping(config.attention_softcap)
    if config.final_softcap is not None:
        writer.add_final_logit_softcapping(config.final_softcap)


def _linear() -> Any:
    from gguf import RopeScalingType

    return RopeScalingType.LINEAR
