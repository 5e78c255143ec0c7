"""The other families of decoders: config.json's type and the name that people know.

Each of these is compared with transformers in tests/equivalence/test_families.py.
"""

from __future__ import annotations

FAMILY_NAMES: dict[str, str] = {
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
    "llama": "Llama",
    "mistral": "Mistral",
    "ministral3": "Ministral 3",
    "phi3": "Phi-3",
    "smollm3": "SmolLM3",
    "olmo2": "OLMo 2",
    "olmo3": "OLMo 3",
    "cohere": "Command R",
    "cohere2": "Command R7B",
    "granite": "Granite",
    "glm4": "GLM-4",
    "ernie4_5": "ERNIE 4.5",
    "seed_oss": "Seed-OSS",
    "helium": "Helium",
    "internlm3": "InternLM3",
    "hunyuan_v1_dense": "Hunyuan",
    "nemotron": "Nemotron",
}
"""`model_type` to name. Qwen1.5 and Qwen2.5 say "qwen2" too."""

DEVIATING: dict[str, str] = {
    "glm": "mlx-lm's logits differ from transformers' by 30 % on a small random model",
}
"""`model_type` to why it is refused although mlx-lm knows it."""
