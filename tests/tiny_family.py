"""Tiny random models of other families: config.json, safetensors and a byte-level tokenizer, no download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gemma_mlx.models.config import parameter_shapes, parse_config
from tests.text.tiny_tokenizer import write_qwen
from tests.tiny import write_json, write_shards


def family_config(kind: str = "qwen2", **changes: Any) -> dict[str, Any]:
    """A raw config.json: hidden 64, 3 layers, vocabulary 768, in the hub's dialect."""
    raw: dict[str, Any] = {
        "architectures": [f"{kind.capitalize()}ForCausalLM"],
        "model_type": kind,
        "vocab_size": 768,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000.0,
        "hidden_act": "silu",
        "use_sliding_window": False,
        "sliding_window": 32768,
        "max_window_layers": 28,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }
    return raw | changes


def family_weights(raw: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Random fp32 weights by parameter name, norms near 1."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in parameter_shapes(parse_config(raw, "tiny")).items():
        spread = 0.2 if len(shape) == 1 else 1.2 / shape[1] ** 0.5
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        weights[name] = (centre + rng.standard_normal(shape) * spread).astype(np.float32)
    return weights


def write_tiny_family(
    folder: Path, kind: str = "qwen2", *, seed: int = 0, dtype: str = "float32", **changes: Any
) -> Path:
    """A model folder with Qwen2's kind of tokenizer and its chat template."""
    write_qwen(folder)
    raw = family_config(kind, torch_dtype=dtype, **changes)
    write_json(folder / "config.json", raw)
    write_shards(folder, family_weights(raw, seed), dtype=dtype)
    return folder
