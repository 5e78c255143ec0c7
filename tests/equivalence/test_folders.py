"""Model folders as transformers itself writes them, through `load_model`: dialects, prefixes, shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemma_mlx.load import load_model
from gemma_mlx.verification import measure

SMALL: dict[str, Any] = {
    "vocab_size": 300, "hidden_size": 72, "intermediate_size": 128, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 512,
    "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
IDS = (np.arange(40) * 37 % 290 + 3).astype(np.int32)


def randomized(model: Any) -> Any:
    """Weights that keep every part awake; transformers' own beginnings leave the norms at zero."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            wide = 0.2 if parameter.ndim == 1 else parameter.shape[-1] ** -0.5
            parameter.normal_(0, wide if "vision" not in name else 0.02)
    return model.eval()


def gold_logits(model: Any) -> np.ndarray:
    import torch

    with torch.no_grad():
        logits = model(input_ids=torch.from_numpy(IDS.astype(np.int64))[None]).logits
    return np.asarray(logits[0].float().numpy())


def our_logits(folder: Path) -> np.ndarray:
    import mlx.core as mx

    return np.array(load_model(folder).model(mx.array(IDS)[None])[0].astype(mx.float32))


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_folder_that_transformers_saved(generation: str, tied: bool, tmp_path: Path) -> None:
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    more: dict[str, Any] = {"tie_word_embeddings": tied}
    if generation != "gemma":
        more |= {"sliding_window": 16, "query_pre_attn_scalar": 24}
    config = CONFIG_MAPPING[generation](**SMALL, **more)
    model = randomized(AutoModelForCausalLM.from_config(config, attn_implementation="eager"))
    model.save_pretrained(tmp_path / "model", max_shard_size="100KB")
    assert len(list((tmp_path / "model").glob("*.safetensors"))) > 1
    raw = json.loads((tmp_path / "model" / "config.json").read_text())
    assert "rope_parameters" in raw, "transformers 5's dialect"
    assert measure.relative(our_logits(tmp_path / "model"), gold_logits(model)) < 5e-6


def test_scaled_rope_and_layer_types_of_a_saved_gemma_3(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, Gemma3TextConfig

    kinds = ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]
    ropes = {
        "sliding_attention": {"rope_type": "default", "rope_theta": 5_000.0},
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 200_000.0},
    }
    config = Gemma3TextConfig(**SMALL, sliding_window=16, layer_types=kinds, rope_parameters=ropes)
    model = randomized(AutoModelForCausalLM.from_config(config, attn_implementation="eager"))
    model.save_pretrained(tmp_path / "model")
    assert measure.relative(our_logits(tmp_path / "model"), gold_logits(model)) < 5e-6


def test_a_multimodal_gemma_3_folder(tmp_path: Path) -> None:
    """The decoder under `text_config`, beside a vision tower that is left out."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = {**SMALL, "sliding_window": 16, "query_pre_attn_scalar": 24}
    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    config = Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4,
        image_token_index=299, boi_token_index=297, eoi_token_index=298,
    )  # fmt: skip
    config._attn_implementation = "eager"
    model = randomized(Gemma3ForConditionalGeneration(config))
    model.save_pretrained(tmp_path / "model")
    assert measure.relative(our_logits(tmp_path / "model"), gold_logits(model)) < 5e-6
