"""Keras presets, written here in KerasHub's layout: the folder made of one computes the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.exchange.keras import import_keras, is_keras
from gemma_mlx.load import load_model
from tests.tiny import tiny_config, tiny_weights, write_json, write_tiny_model, write_tiny_tokenizer

h5py = pytest.importorskip("h5py")
IDS = mx.array([[2, *range(17, 60)]])  # longer than the window

PARTS = {
    "input_layernorm": "pre_attention_norm", "self_attn.q_proj": "attention/query_dense",
    "self_attn.k_proj": "attention/key_dense", "self_attn.v_proj": "attention/value_dense",
    "self_attn.o_proj": "attention/output_dense", "mlp.gate_proj": "gating_ffw",
    "mlp.up_proj": "gating_ffw_2", "mlp.down_proj": "ffw_linear",
    "pre_feedforward_layernorm": "pre_ffw_norm", "post_feedforward_layernorm": "post_ffw_norm",
}  # fmt: skip


def keras_form(name: str, array: np.ndarray, raw: dict[str, Any]) -> tuple[str, np.ndarray]:
    """Path and layout in model.weights.h5, from KerasHub's own converter (convert_gemma.py)."""
    if "layers" not in name:
        return ("layers/reversible_embedding" if "embed" in name else "layers/rms_normalization"), array
    _, _, layer, part = name.removesuffix(".weight").split(".", 3)
    second = raw["model_type"] == "gemma2"
    inner = PARTS.get(part) or ("post_attention_norm" if second else "pre_ffw_norm")
    hidden, head = raw["hidden_size"], raw["head_dim"]
    if "o_proj" in part:
        array = np.transpose(array.reshape(hidden, raw["num_attention_heads"], head), (1, 2, 0))
    elif "self_attn" in part:
        array = np.transpose(array.reshape(-1, head, hidden), (0, 2, 1))
    elif "mlp" in part:
        array = array.T
    block = "gemma_decoder_block" + (f"_{layer}" if layer != "0" else "")
    return f"layers/{block}/{inner}", array


def write_keras(folder: Path, generation: str, change: Callable[[Any], None] = lambda file: None) -> Path:
    (folder / "assets" / "tokenizer").mkdir(parents=True)
    raw = tiny_config(generation, num_hidden_layers=4)
    config = {
        "vocabulary_size": raw["vocab_size"], "num_layers": 4, "num_query_heads": 4,
        "num_key_value_heads": 2, "hidden_dim": 64, "intermediate_dim": 256, "head_dim": 16,
        "layer_norm_epsilon": 1e-6, "query_head_dim_normalize": True,
    }  # fmt: skip
    if generation == "gemma2":
        config |= {
            "use_post_ffw_norm": True, "use_post_attention_norm": True, "final_logit_soft_cap": 30,
            "attention_logit_soft_cap": 50, "sliding_window_size": 16, "use_sliding_window_attention": True,
        }  # fmt: skip
    write_json(folder / "config.json", {"class_name": "GemmaBackbone", "config": config})
    write_tiny_tokenizer(folder)
    (folder / "tokenizer.model").rename(folder / "assets" / "tokenizer" / "vocabulary.spm")
    with h5py.File(folder / "model.weights.h5", "w") as file:
        for name, array in tiny_weights(raw).items():
            path, values = keras_form(name, array, raw)
            file[f"{path}/vars/0"] = values
        change(file)
    return folder


@pytest.mark.parametrize("generation", ["gemma", "gemma2"])
def test_a_keras_preset_computes_the_same(tmp_path: Path, generation: str) -> None:
    preset = write_keras(tmp_path / "keras", generation)
    assert is_keras(preset)
    list(import_keras(preset, tmp_path / "out"))
    changes = {"query_pre_attn_scalar": 16} if generation == "gemma2" else {}
    same = write_tiny_model(tmp_path / "same", generation, **changes)
    ours = load_model(tmp_path / "out")
    assert mx.array_equal(ours.model(IDS), load_model(same).model(IDS))
    assert ours.tokenizer.encode("a ship")


def without(path: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[path]

    return change


def link_out(file: Any) -> None:
    del file["layers/rms_normalization"]
    file["layers/rms_normalization"] = h5py.ExternalLink("/etc/passwd", "/")


def huge(file: Any) -> None:
    del file["layers/rms_normalization/vars/0"]
    file.create_dataset("layers/rms_normalization/vars/0", shape=(10**12,), chunks=(1024,), dtype="f4")


def whole_numbers(file: Any) -> None:
    del file["layers/rms_normalization/vars/0"]
    file["layers/rms_normalization/vars/0"] = np.zeros(64, np.int64)


@pytest.mark.parametrize(
    "change", [without("layers/rms_normalization"), link_out, huge, whole_numbers], ids=range(4)
)
def test_a_damaged_preset_is_refused(tmp_path: Path, change: Callable[[Any], None]) -> None:
    with pytest.raises(ModelError) as caught:
        list(import_keras(write_keras(tmp_path / "keras", "gemma", change), tmp_path / "out"))
    assert caught.value.code == "bad-foreign-weights"
    assert not (tmp_path / "out").exists()


def test_another_class_and_a_file_that_is_no_hdf5_are_refused(tmp_path: Path) -> None:
    preset = write_keras(tmp_path / "keras", "gemma")
    (preset / "model.weights.h5").write_bytes(b"no HDF5")
    with pytest.raises(ModelError):
        list(import_keras(preset, tmp_path / "out"))
    write_json(preset / "config.json", {"class_name": "Gemma3Backbone", "config": {}})
    with pytest.raises(ModelError) as caught:
        list(import_keras(preset, tmp_path / "out"))
    assert "Gemma3Backbone" in caught.value.what


RECORDED = Path(__file__).parent / "recorded"


@pytest.mark.parametrize("generation", ["gemma", "gemma2"])
def test_a_preset_that_kerashub_wrote_gives_kerashubs_logits(tmp_path: Path, generation: str) -> None:
    preset = RECORDED / f"keras-{generation}"
    recorded = json.loads((preset / "logits.json").read_text(encoding="utf-8"))
    list(import_keras(preset, tmp_path / "out"))
    ours = load_model(tmp_path / "out").model(mx.array([recorded["ids"]]))[0, -1]
    assert np.abs(np.array(ours) - recorded["last"]).max() < 2e-5
