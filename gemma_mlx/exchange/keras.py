"""Keras weights of Gemma (KerasHub's model.weights.h5) as a normal model folder.

A preset folder holds config.json (Keras' own, of class GemmaBackbone: Gemma 1 and 2) and the vocabulary.
Reference: keras_hub/src/models/gemma (gemma_backbone.py, gemma_decoder_block.py), utils/transformers/
convert_gemma.py; keras/src/saving/saving_lib.py for the groups of the file.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.events import Event, Progress
from gemma_mlx.exchange.jax import damaged, missing_package, to_mlx, write_folder
from gemma_mlx.library.atomic import open_regular
from gemma_mlx.library.store import read_json
from gemma_mlx.models.config import ModelConfig, parameter_shapes, parse_config

_BLOCK = re.compile(r"^(?:_?layers/)?gemma_decoder_block(?:_(\d+))?/(.+)/vars/0$")
_PARTS = {
    "pre_attention_norm": "input_layernorm",
    "attention/query_dense": "self_attn.q_proj",
    "attention/key_dense": "self_attn.k_proj",
    "attention/value_dense": "self_attn.v_proj",
    "attention/output_dense": "self_attn.o_proj",
    "gating_ffw": "mlp.gate_proj",
    "gating_ffw_2": "mlp.up_proj",
    "ffw_linear": "mlp.down_proj",
}
_OUTER = {
    "reversible_embedding": "model.embed_tokens.weight",
    "token_embedding": "model.embed_tokens.weight",
    "rms_normalization": "model.norm.weight",
    "final_normalization": "model.norm.weight",
}
_VOCABULARY = ("assets/tokenizer/vocabulary.spm", "vocabulary.spm", "tokenizer.model")


def is_keras(folder: Path) -> bool:
    """Whether a folder holds Keras weights."""
    return next(folder.glob("*.weights.h5"), None) is not None


def import_keras(folder: Path, target: Path) -> Iterator[Event]:
    """Write a KerasHub preset of Gemma 1 or 2 as a folder of safetensors.

    Yields Progress and Done with {"path", "bytes"}; the vocabulary goes along as tokenizer.model.

    Raises:
        ModelError: the configuration or the weights cannot be used; nothing is written.
        GemmaError: `missing-package`, `folder-exists`, `cannot-write`.
    """
    try:
        # Imported here: it is an extra.
        import h5py
    except ImportError:
        raise missing_package("h5py") from None

    config = keras_config(folder)
    files = sorted(folder.glob("*.weights.h5"))
    if len(files) != 1:
        raise damaged(folder, f"it holds {len(files)} .weights.h5 files, one is needed")
    weights: dict[str, mx.array] = {}
    expected = parameter_shapes(config)
    try:
        with open_regular(files[0]) as stream, h5py.File(stream, "r") as file:
            found = list(_datasets(h5py, file, "", files[0]))
            for place, (path, dataset) in enumerate(found, start=1):
                name = parameter_name(path, config)
                if name is None or name in weights:
                    raise damaged(
                        files[0], f"{path} is {'no weight of Gemma' if name is None else 'there twice'}"
                    )
                weights[name] = _read(dataset, name, expected, path, files[0])
                yield Progress("Reading the Keras weights", place, len(found), "tensors")
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as problem:
        raise damaged(files[0], f"it cannot be read ({type(problem).__name__}: {problem})") from None
    with tempfile.TemporaryDirectory() as companions:
        _tokenizer(folder, Path(companions))
        yield from write_folder(Path(companions), target, config, weights)


def keras_config(folder: Path) -> ModelConfig:
    """The configuration of a KerasHub preset in the form of config.json.

    Raises:
        ModelError: it is missing, damaged, or of another class than GemmaBackbone.
    """
    try:
        raw = read_json(folder / "config.json")
    except GemmaError as problem:
        raise ModelError(problem.code, problem.what, where=problem.where, fix=problem.fix) from None
    if raw.get("class_name") != "GemmaBackbone" or not isinstance(raw.get("config"), dict):
        raise damaged(folder / "config.json", f"it describes {raw.get('class_name')!r}, not a GemmaBackbone")
    keras = raw["config"]
    try:
        second = bool(keras.get("use_post_ffw_norm"))
        heads, hidden = keras["num_query_heads"], keras["hidden_dim"]
        per_head = keras["head_dim"] if keras.get("query_head_dim_normalize", True) else hidden / heads
        fields: dict[str, Any] = {
            "model_type": "gemma2" if second else "gemma",
            "vocab_size": keras["vocabulary_size"],
            "num_hidden_layers": keras["num_layers"],
            "num_attention_heads": heads,
            "num_key_value_heads": keras["num_key_value_heads"],
            "hidden_size": hidden,
            # Keras counts both halves of the gated layer.
            "intermediate_size": keras["intermediate_dim"] // 2,
            "head_dim": keras["head_dim"],
            "rms_norm_eps": keras.get("layer_norm_epsilon", 1e-6),
            "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
            "bos_token_id": 2, "eos_token_id": [1, 107], "pad_token_id": 0, "rope_theta": 10_000.0,
        }  # fmt: skip
        if second:
            fields |= {
                "query_pre_attn_scalar": per_head,
                "attn_logit_softcapping": keras.get("attention_logit_soft_cap"),
                "final_logit_softcapping": keras.get("final_logit_soft_cap"),
                "sliding_window": keras.get("sliding_window_size", 4096),
            }
            if not keras.get("use_sliding_window_attention", True):
                fields["layer_types"] = ["full_attention"] * keras["num_layers"]
    except (KeyError, TypeError, ZeroDivisionError) as problem:
        raise damaged(folder / "config.json", f"a field is missing or no number ({problem})") from None
    return parse_config(fields, str(folder / "config.json"))


def parameter_name(path: str, config: ModelConfig) -> str | None:
    """The decoder's name of a dataset such as "layers/gemma_decoder_block_3/ffw_linear/vars/0", or None."""
    block = _BLOCK.match(path)
    if block is None:
        outer = re.match(r"^(?:_?layers/)?(\w+)/vars/0$", path)
        return _OUTER.get(outer[1]) if outer else None
    norms = {"pre_ffw_norm": "post_attention_layernorm"}
    if config.post_norms:
        norms = {
            "post_attention_norm": "post_attention_layernorm",
            "pre_ffw_norm": "pre_feedforward_layernorm",
            "post_ffw_norm": "post_feedforward_layernorm",
        }
    part = (_PARTS | norms).get(block[2])
    return f"model.layers.{block[1] or 0}.{part}.weight" if part else None


def _datasets(h5py: Any, group: Any, prefix: str, where: Path) -> Iterator[tuple[str, Any]]:
    """Every dataset below a group. A link could lead out of the file, or in a circle: none is followed."""
    if prefix.count("/") > 16:
        raise damaged(where, "its groups lie too deep")
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise damaged(where, f"{prefix}{name} is a link")
        below = group[name]
        if isinstance(below, h5py.Group):
            yield from _datasets(h5py, below, f"{prefix}{name}/", where)
        elif isinstance(below, h5py.Dataset):
            if below.external or below.is_virtual:
                raise damaged(where, f"{prefix}{name} lies in another file")
            yield f"{prefix}{name}", below


def _read(dataset: Any, name: str, expected: dict[str, tuple[int, ...]], path: str, where: Path) -> mx.array:
    """A dataset in the decoder's layout. Its size is known to be right before it is read."""
    shape = expected.get(name, ())
    if dataset.size != int(np.prod(shape)):
        raise damaged(where, f"{path} is {dataset.shape}, not as large as {shape}")
    dtype = dataset.dtype.name
    if dtype not in ("float32", "float16"):
        # Keras stores bfloat16 as two bytes without a name.
        if dataset.dtype.itemsize != 2:
            raise damaged(where, f"{path} is of type {dtype}")
        dtype = "bfloat16"
    values = np.asarray(dataset[()])
    values = values.view(np.uint16) if dtype == "bfloat16" else values
    if values.ndim == 3 and name.endswith("o_proj.weight"):
        values = values.transpose(2, 0, 1)  # (H, head, D) -> (D, H, head)
    elif values.ndim == 3:
        values = values.transpose(0, 2, 1)  # (H, D, head) -> (H, head, D)
    elif values.ndim == 2 and "mlp." in name:
        values = values.T  # (in, out) -> (out, in)
    return to_mlx(np.ascontiguousarray(values).reshape(shape), dtype)


def _tokenizer(folder: Path, companions: Path) -> None:
    for name in _VOCABULARY:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, companions / "tokenizer.model")
            settings = {
                "tokenizer_class": "GemmaTokenizer", "add_bos_token": True, "add_eos_token": False,
                "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>",
            }  # fmt: skip
            (companions / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
            return
