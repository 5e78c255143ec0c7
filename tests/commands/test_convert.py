"""Tests of `convert`: another program's files come into the library; others are refused with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.adapters.mlx_lm import export_mlx_lm
from gemma_mlx.adapters.peft import save_adapter
from gemma_mlx.library.store import list_adapters
from gemma_mlx.settings import LoraSettings
from tests.adapters.test_lora import adapted
from tests.command_line import gemma


def test_an_adapter_of_mlx_lm_comes_into_the_library(tmp_path: Path) -> None:
    save_adapter(tmp_path / "peft", adapted(LoraSettings(rank=4)), LoraSettings(rank=4), "base")
    export_mlx_lm(tmp_path / "peft", tmp_path / "theirs")
    document = gemma("convert", tmp_path / "theirs", "--base", "some/model", "--json").document
    assert document["format"] == "mlx-lm adapter"
    assert [(entry.name, entry.base) for entry in list_adapters()] == [("theirs", "some/model")]


def test_flax_and_keras_come_into_the_library(tmp_path: Path) -> None:
    pytest.importorskip("msgpack")
    pytest.importorskip("h5py")
    from tests.exchange.test_jax import write_flax
    from tests.exchange.test_keras import write_keras

    for kind, folder in (
        ("flax", write_flax(tmp_path / "one")),
        ("keras", write_keras(tmp_path / "two", "gemma")),
    ):
        document = gemma("convert", folder, "--json").document
        assert document["format"] == kind
        assert gemma("generate", document["path"], "A ship", "--max-tokens", "1", "--json").status == 0


def test_gguf_and_others_are_refused_with_a_way_out(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    assert gemma("convert", tmp_path / "model.gguf", "--json").error["code"] == "gguf-import"
    assert gemma("convert", tmp_path, "--json").error["code"] == "gguf-import"
    assert gemma("convert", tiny_model, "--json").error["code"] == "unknown-format"
    assert gemma("convert", tmp_path / "nothing", "--json").error["code"] == "unknown-format"
