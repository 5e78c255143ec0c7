"""Adapters change with a name, share the base, and leave it as it was."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import pytest

from gemma_mlx.errors import AdapterError
from gemma_mlx.serving.shelf import Shelf
from tests.inference.helpers import some_ids, talkative
from tests.serving.running import weights_of, write_adapter


def test_each_name_gives_its_own_logits_over_one_base(tmp_path: Path) -> None:
    folders = {name: write_adapter(tmp_path / name, seed) for seed, name in enumerate(("a", "b"))}
    loaded = talkative()
    before = weights_of(loaded.model)
    shelf = Shelf("base", loaded, folders)
    assert shelf.names == ["base", "a", "b"]
    ids = mx.array([some_ids(9)])
    logits = {}
    for name in ("base", "a", "b", "a", "base", "b"):
        shelf.use(name)
        found = loaded.model.hidden(ids)
        assert name not in logits or mx.array_equal(found, logits[name])
        logits[name] = found
    assert not mx.allclose(logits["a"], logits["b"]) and not mx.allclose(logits["a"], logits["base"])
    shelf.use("base")
    after = weights_of(loaded.model)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)


def test_an_adapter_of_another_model_is_refused_at_the_start(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a")
    loaded = talkative("gemma3_text")
    loaded.model.model.layers.pop()
    with pytest.raises(AdapterError):
        Shelf("base", loaded, {"a": folder})
