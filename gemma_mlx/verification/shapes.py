"""The published sizes of Gemma 2 and 3 as config.json of the hub says them: for models with seeded weights.

Such a model needs no download: both sides make its weights from a seed (seeded.py).
"""

from __future__ import annotations

from typing import Any

_GEMMA2: dict[str, Any] = {
    "model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"], "vocab_size": 256_000, "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 8192, "rms_norm_eps": 1e-6,
    "rope_theta": 10_000.0, "query_pre_attn_scalar": 256, "sliding_window": 4096,
    "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "attention_bias": False,
    "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0, "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}  # fmt: skip
_GEMMA3: dict[str, Any] = {
    "model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"], "vocab_size": 262_144,
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131_072, "rms_norm_eps": 1e-6,
    "rope_theta": 1_000_000.0, "rope_local_base_freq": 10_000.0, "query_pre_attn_scalar": 256,
    "sliding_window": 1024, "sliding_window_pattern": 6, "attention_bias": False,
    "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0, "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}  # fmt: skip
_LINEAR = {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}


def _sizes(layers: int, hidden: int, inner: int, heads: int, kv_heads: int, **more: Any) -> dict[str, Any]:
    return {
        "num_hidden_layers": layers, "hidden_size": hidden, "intermediate_size": inner,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, **more,
    }  # fmt: skip


SHAPES: dict[str, dict[str, Any]] = {
    "gemma-3-270m": {**_GEMMA3, **_sizes(18, 640, 2048, 4, 1), "sliding_window": 512},
    "gemma-3-1b": {**_GEMMA3, **_sizes(26, 1152, 6912, 4, 1), "sliding_window": 512},
    "gemma-2-2b": {**_GEMMA2, **_sizes(26, 2304, 9216, 8, 4)},
    "gemma-3-4b": {**_GEMMA3, **_sizes(34, 2560, 10_240, 8, 4), **_LINEAR},
    "gemma-2-9b": {**_GEMMA2, **_sizes(42, 3584, 14_336, 16, 8)},
    "gemma-3-12b": {**_GEMMA3, **_sizes(48, 3840, 15_360, 16, 8), **_LINEAR},
    "gemma-2-27b": {
        **_GEMMA2,
        **_sizes(46, 4608, 36_864, 32, 16),
        "head_dim": 128,
        "query_pre_attn_scalar": 144,
    },
}
"""Name to config.json. The 4B and 12B are the decoders inside the multimodal folders."""
