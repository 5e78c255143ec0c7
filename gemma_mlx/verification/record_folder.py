"""Records a model folder on the reference side: its own weights and tokenizer, with or without an adapter.

Imports torch, transformers and peft, never mlx. L length.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from gemma_mlx.errors import AdapterError, ModelError, TokenizerError
from gemma_mlx.library.store import sha256_file
from gemma_mlx.models.config import ModelConfig, parameter_shapes, read_config
from gemma_mlx.text.tokenizer import load_tokenizer
from gemma_mlx.verification import plan, reference, seeded
from gemma_mlx.verification.cases import TrainRow
from gemma_mlx.verification.passage import PASSAGE
from gemma_mlx.verification.record import make_manifest, prepare_torch
from gemma_mlx.verification.record_model import Say, record_model
from gemma_mlx.verification.recording import Recording
from gemma_mlx.weights.headers import Checkpoint, read_headers


def record_folder(
    folder: Path,
    device: str,
    say: Say,
    *,
    adapter: Path | None = None,
    text: str = PASSAGE,
    train_tokens: int = 256,
    steps: int = 20,
) -> Recording:
    """A model's prefill over a text beyond its window, and LoRA training of it; with an adapter, its prefill.

    Gold is float32. A checkpoint in bf16 is recorded in bf16 too: PyTorch's own error is what ours is
    measured by.

    Raises:
        ModelError: there is no model, its weights cannot be used, or they are quantized.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # what lies in these folders is all that is looked at
    prepare_torch(threads=None)
    # transformers warns of its own future.
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    config = read_config(folder)
    checkpoint = read_headers(folder)
    rows = checkpoint.tensors["model.embed_tokens.weight"].shape[0]
    config = replace(config, vocab_size=int(rows))
    raw = {**config.raw, "vocab_size": config.vocab_size}
    weights = read_torch_weights(checkpoint, config)
    stored_in_bf16 = all(tensor.dtype == torch.bfloat16 for tensor in weights.values())
    wide = adapter is not None or not stored_in_bf16
    if wide:
        weights = {name: tensor.float() for name, tensor in weights.items()}
    ids, text_tokens = prompt_of(folder, config, raw, text)
    say(f"{folder.name}: {len(ids)} tokens, {text_tokens} of them the text's")
    model = reference.build_model(raw, weights, device)
    del weights
    entry: dict[str, Any] = {
        "kind": "model", "config": raw, "fingerprint": checkpoint.fingerprint(), "text_tokens": text_tokens,
    }  # fmt: skip
    train: list[TrainRow] = []
    if adapter is not None:
        model = _with_adapter(model, adapter)
        entry["adapter"] = sha256_file(adapter / "adapter_model.safetensors")
    elif train_tokens > 1:
        train = [_train_row(ids[:train_tokens])]
    chosen = plan.plan_for(raw, train_tokens=len(train[0].ids) if train else 0, steps=steps)
    chosen = replace(chosen, prompt_tokens=len(ids))
    arrays, more = record_model(model, raw, chosen, ids, train, say)
    recording = Recording(make_manifest(device))
    recording.manifest["cases"][folder.name] = {**entry, **more}
    recording.arrays = {f"{folder.name}/{name}": array for name, array in arrays.items()}
    return recording


def _with_adapter(model: Any, adapter: Path) -> Any:
    """The model with the adapter as PEFT loads it, from this folder and never from the Hub.

    Raises:
        AdapterError: PEFT refuses it.
    """
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, str(adapter), local_files_only=True).eval().base_model.model
    except (ValueError, KeyError, TypeError, RuntimeError, OSError) as problem:
        raise AdapterError(
            "unreadable-adapter", f"PEFT cannot put this adapter on the model: {problem}", where=str(adapter),
            fix="Look whether the adapter was made for this model, and is whole.",
            kept="Nothing was written.",
        ) from None  # fmt: skip


def _train_row(ids: np.ndarray) -> TrainRow:
    """Loss on the second half, as on an answer; the first token is no target."""
    return TrainRow(tuple(ids.tolist()), tuple(2 * place >= len(ids) for place in range(len(ids))))


def read_torch_weights(checkpoint: Checkpoint, config: ModelConfig) -> dict[str, torch.Tensor]:
    """The decoder's weights by transformers' names, on the CPU, in the width in which they are stored.

    Raises:
        ModelError: they are quantized, or a tensor is missing.
    """
    names = list(parameter_shapes(config))
    packed = [name for name in checkpoint.tensors if name.endswith((".scales", ".absmax"))]
    if packed:
        raise ModelError(
            "quantized-original", "The reference is recorded of full weights; these are quantized.",
            where=str(checkpoint.folder),
            fix="Record the model that they were made from; `gemma-mlx verify` compares both with it.",
        )  # fmt: skip
    missing = [name for name in names if name not in checkpoint.tensors]
    if missing:
        raise ModelError(
            "missing-tensor", f"Tensor {missing[0]} is missing.", where=str(checkpoint.folder),
            fix="Download the model again.",
        )  # fmt: skip
    by_file: dict[Path, list[str]] = {}
    for name in names:
        by_file.setdefault(checkpoint.tensors[name].file, []).append(name)
    weights = {}
    for file, inside in by_file.items():
        with safe_open(file, "pt") as opened:
            for name in inside:
                weights[name] = opened.get_tensor(checkpoint.tensors[name].stored)
    return weights


def prompt_of(folder: Path, config: ModelConfig, raw: Mapping[str, Any], text: str) -> tuple[np.ndarray, int]:
    """Ids (L,) beyond the window, BOS first, and how many of them are the text; it begins anew at its end.

    A folder without a tokenizer gets any ids: then no token is the text's.
    """
    longest = max(16, int(raw.get("max_position_embeddings") or 8192))
    length = min(plan.plan_for(dict(raw)).prompt_tokens, longest)
    try:
        own = load_tokenizer(folder, config).encode(text)
    except TokenizerError:
        own = []
    own = [token for token in own if token < config.vocab_size]
    if not own:
        return seeded.make_ids(0, length, config.vocab_size), 0
    ids = [config.bos_token_id, *own]
    while len(ids) < length:
        ids += own
    return np.array(ids[:length], np.int32), min(len(own) + 1, length)
