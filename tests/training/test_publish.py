"""What people get of a run: an adapter or a model, in one piece, again and again."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx

from gemma_mlx.adapters.lora import add_lora
from gemma_mlx.load import load_model
from gemma_mlx.settings import LoraSettings, RunSettings
from gemma_mlx.training.publish import publish


def test_an_adapter_and_then_another(tiny_model: Path, tmp_path: Path) -> None:
    loaded = load_model(tiny_model)
    loaded.model.freeze()
    settings = RunSettings(model=str(tiny_model), lora=LoraSettings(rank=2))
    add_lora(loaded.model, settings.lora, 0)
    for seed in (0, 1):
        query = loaded.model.model.layers[0].self_attn.q_proj
        query.lora_B = mx.random.normal(query.lora_B.shape, key=mx.random.key(seed))
        path = publish(tmp_path, loaded, settings)
        assert path == tmp_path / "adapter"
        tuned = load_model(tiny_model, adapter=path).model.model.layers[0].self_attn.q_proj
        assert mx.array_equal(tuned.lora_B, query.lora_B)
    assert [entry.name for entry in tmp_path.iterdir()] == ["adapter"]


def test_a_whole_model_with_its_tokenizer(tiny_model: Path, tmp_path: Path) -> None:
    loaded = load_model(tiny_model)
    settings = RunSettings(model=str(tiny_model)).with_training(method="full")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "of an earlier end").touch()
    path = publish(tmp_path, loaded, settings)
    ids = mx.array([[2, 5, 9]])
    again = load_model(path)
    assert mx.array_equal(again.model(ids), loaded.model(ids))
    assert not (path / "of an earlier end").exists()
    tokenizers = {file.name for file in tiny_model.glob("tokenizer*")}
    assert tokenizers <= {file.name for file in path.iterdir()}
