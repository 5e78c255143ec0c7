"""Tiny random Gemma folders, made with numpy alone: config.json, safetensors and tokenizer, no download."""

from __future__ import annotations

import json
import struct
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from gemma_mlx.models.config import parameter_shapes, parse_config

TINY_GENERATIONS = ("gemma", "gemma2", "gemma3_text")
"""The three generations as config.json names them. "gemma3" besides makes a multimodal Gemma 3 folder."""

WINDOW = 16

_ARCHITECTURES = {
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
}


def tiny_config(generation: str, *, dialect: str = "hub", **changes: Any) -> dict[str, Any]:
    """A raw config.json: hidden 64, 4 layers (Gemma 3: 6), window 16, vocabulary 512.

    `dialect` is "hub" (what the published files hold) or "transformers5" (what transformers 5 writes).
    `changes` replaces fields by their name in that dialect; `name=None` writes null.
    For "gemma3" the fields, changes too, are those of `text_config`.
    """
    text = "gemma3_text" if generation == "gemma3" else generation
    raw: dict[str, Any] = {
        "architectures": [_ARCHITECTURES[text]],
        "model_type": text,
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 6 if text == "gemma3_text" else 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-6,
        "attention_bias": False,
        "bos_token_id": 2,
        "eos_token_id": [1, 106 if text == "gemma3_text" else 107],
        "pad_token_id": 0,
        "tie_word_embeddings": True,
    }
    if text == "gemma":
        # The published Gemma 1 files say "gelu" and mean its tanh form.
        raw |= {"hidden_act": "gelu"}
    else:
        raw |= {
            "hidden_activation": "gelu_pytorch_tanh",
            "query_pre_attn_scalar": 24,
            "sliding_window": WINDOW,
        }
    if text == "gemma2":
        raw |= {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
    if text == "gemma3_text":
        raw |= {"attn_logit_softcapping": None, "final_logit_softcapping": None}
    raw |= _hub_fields(text) if dialect == "hub" else _transformers5_fields(text, changes)
    raw |= changes
    if generation != "gemma3":
        return raw
    architecture = "Gemma3ForConditionalGeneration"
    outer = {
        "architectures": [architecture],
        "model_type": "gemma3",
        "text_config": raw,
        "mm_tokens_per_image": 256,
    }
    return (
        outer
        | {"eos_token_id": raw.pop("eos_token_id")}
        | {"vision_config": {"model_type": "siglip_vision_model", "hidden_size": 32}}
    )


def _hub_fields(text: str) -> dict[str, Any]:
    if text == "gemma3_text":
        return {
            "rope_theta": 1_000_000.0, "rope_local_base_freq": 10_000.0, "sliding_window_pattern": 6,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        }  # fmt: skip
    return {"rope_theta": 10_000.0}


def _transformers5_fields(text: str, changes: dict[str, Any]) -> dict[str, Any]:
    if text == "gemma":
        return {"rope_parameters": {"rope_theta": 10_000.0, "rope_type": "default"}}
    layers = changes.get("num_hidden_layers", 6 if text == "gemma3_text" else 4)
    pattern = 6 if text == "gemma3_text" else 2
    kinds = [
        "full_attention" if (index + 1) % pattern == 0 else "sliding_attention" for index in range(layers)
    ]
    if text == "gemma2":
        return {"rope_parameters": {"rope_theta": 10_000.0, "rope_type": "default"}, "layer_types": kinds}
    ropes = {
        "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1_000_000.0},
    }
    return {"rope_parameters": ropes, "layer_types": kinds, "_sliding_window_pattern": pattern}


def tiny_weights(raw: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Random fp32 weights by parameter name, a function of the seed: norms and logits well away from 0."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in parameter_shapes(parse_config(raw, "tiny")).items():
        if "norm" in name:
            spread = 0.3
        elif len(shape) == 1:
            spread = 0.1
        elif "embed_tokens" in name or "lm_head" in name:
            spread = 0.25
        else:
            spread = 1.2 / shape[1] ** 0.5
        weights[name] = (rng.standard_normal(shape) * spread).astype(np.float32)
    return weights


def write_tiny_model(
    folder: Path,
    generation: str = "gemma2",
    *,
    seed: int = 0,
    dtype: str = "float32",
    dialect: str = "hub",
    shards: int = 1,
    tokenizer: bool = False,
    **changes: Any,
) -> Path:
    """Make a model folder and return it.

    `dtype`: float32, float16 or bfloat16. `shards` above 1 writes model-00001-of-... and the index.
    `tokenizer` adds tokenizer.model (512 pieces, Gemma's control tokens at their ids) and its config.
    """
    folder.mkdir(parents=True, exist_ok=True)
    raw = tiny_config(generation, dialect=dialect, **changes) | {
        "dtype" if dialect == "transformers5" else "torch_dtype": dtype
    }
    write_json(folder / "config.json", raw)
    weights = tiny_weights(raw, seed)
    if generation == "gemma3":
        weights = _multimodal_names(weights, dialect)
    write_shards(folder, weights, dtype=dtype, shards=shards)
    if tokenizer:
        write_tiny_tokenizer(folder, end_of_turn=106 if generation.startswith("gemma3") else 107)
    return folder


def _multimodal_names(weights: dict[str, np.ndarray], dialect: str) -> dict[str, np.ndarray]:
    """Both spellings of the decoder inside a multimodal folder, with a vision tensor beside it."""
    prefix = "language_model.model." if dialect == "hub" else "model.language_model."
    head = "language_model.lm_head." if dialect == "hub" else "lm_head."
    named = {}
    for name, array in weights.items():
        old, new = ("model.", prefix) if name.startswith("model.") else ("lm_head.", head)
        named[name.replace(old, new, 1)] = array
    vision = "vision_tower.vision_model." if dialect == "hub" else "model.vision_tower.vision_model."
    return named | {vision + "post_layernorm.weight": np.ones(32, np.float32)}


def write_shards(
    folder: Path, weights: dict[str, np.ndarray], *, dtype: str = "float32", shards: int = 1
) -> None:
    """Write the tensors as model.safetensors, or as shards with model.safetensors.index.json."""
    if shards == 1:
        write_safetensors(folder / "model.safetensors", weights, dtype=dtype)
        return
    names = list(weights)
    size = -(-len(names) // shards)
    weight_map: dict[str, str] = {}
    for index in range(shards):
        file = f"model-{index + 1:05}-of-{shards:05}.safetensors"
        part = {name: weights[name] for name in names[index * size : (index + 1) * size]}
        write_safetensors(folder / file, part, dtype=dtype)
        weight_map |= dict.fromkeys(part, file)
    total = sum(array.size for array in weights.values()) * (4 if dtype == "float32" else 2)
    write_json(
        folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map}
    )


def write_safetensors(path: Path, weights: dict[str, np.ndarray], *, dtype: str = "float32") -> None:
    """One safetensors file. Floating arrays are written as `dtype`; integer arrays as they are."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    blocks, offset = [], 0
    for name, array in weights.items():
        kind, data = _encoded(array, dtype)
        header[name] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        blocks.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def _encoded(array: np.ndarray, dtype: str) -> tuple[str, bytes]:
    integers = {"uint8": "U8", "int8": "I8", "int32": "I32", "uint32": "U32", "int64": "I64"}
    if array.dtype.name in integers:
        return integers[array.dtype.name], array.tobytes()
    if dtype == "bfloat16":
        # Round to nearest even; adding the carry to the upper half is what torch and MLX do.
        bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
        return "BF16", ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()
    kind, numpy_type = {"float32": ("F32", np.float32), "float16": ("F16", np.float16)}[dtype]
    return kind, array.astype(numpy_type).tobytes()


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def write_tiny_tokenizer(folder: Path, *, end_of_turn: int = 107) -> None:
    """tokenizer.model and tokenizer_config.json with <start_of_turn> and <end_of_turn> at Gemma's ids."""
    (folder / "tokenizer.model").write_bytes(_sentencepiece(end_of_turn))
    controls = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "GemmaTokenizer", "add_bos_token": True, "add_eos_token": False, **controls},
    )


_TEXT = """The quick brown fox jumps over the lazy dog. What is the capital of France? It is Paris.
How are you today? I am very well, thank you. Tell me a story about a small ship and its captain.
one two three four five six seven eight nine ten. 0123456789 + - * / = ( ) [ ] { } < > ! ? , . : ; ' "
Once upon a time there was a little house at the end of the road, and nobody knew who lived there.
The answer to the question is the colour of the sky. Red, green, blue, yellow, black and white.
Python code: def add(first, second): return first + second. Größe, café, naïve, 你好, привет.
"""


@cache
def _sentencepiece(end_of_turn: int) -> bytes:
    """A SentencePiece vocabulary of 512 laid out as Gemma's: controls, unused slots, turns, bytes, pieces."""
    import sentencepiece

    slots = ["<mask>", "[@BOS@]", *(f"<unused{index}>" for index in range(end_of_turn - 7))]
    model = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_TEXT.splitlines() * 4), model_writer=model, model_type="bpe", vocab_size=512,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>",
        user_defined_symbols=[*slots, "<start_of_turn>", "<end_of_turn>"],
        byte_fallback=True, split_digits=True, allow_whitespace_only_pieces=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False, remove_extra_whitespaces=False, character_coverage=0.98, minloglevel=2,
        num_threads=1, hard_vocab_limit=True,
    )  # fmt: skip
    return model.getvalue()
