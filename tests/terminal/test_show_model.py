"""Tests of a model's picture: every weight once, shapes and sizes as the files have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.models.config import parameter_shapes, parse_config, read_config
from gemma_mlx.terminal import show_model
from tests.tiny import TINY_GENERATIONS, tiny_config, write_tiny_model


@pytest.mark.parametrize("generation", [*TINY_GENERATIONS, "gemma3"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_weight_is_there_with_its_size(tmp_path: Path, generation: str, dtype: str) -> None:
    folder = write_tiny_model(tmp_path / "model", generation, dtype=dtype)
    document = show_model.describe(folder)
    shapes = parameter_shapes(read_config(folder))
    assert {module["name"]: tuple(module["shape"]) for module in document["modules"]} == shapes
    assert document["bytes"] == document["parameters"] * (4 if dtype == "float32" else 2)
    assert document["width"] == dtype


def test_an_untied_head_stands_in_the_tree(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model", "gemma2", tie_word_embeddings=False)
    document = show_model.describe(folder)
    assert document["modules"][-1]["name"] == "lm_head.weight"
    assert not document["tied_head"]


@pytest.mark.parametrize(
    ("generation", "label"),
    [
        ("gemma", "4 attend to all tokens"),
        ("gemma2", "2 attend to a window of 16"),
        ("gemma3_text", "5 attend to a window of 16, RoPE 10000; 1 attend to all tokens"),
    ],
)
def test_layers_that_are_alike_are_told_once(tmp_path: Path, generation: str, label: str) -> None:
    from io import StringIO

    from rich.console import Console

    from gemma_mlx.terminal.output import Output

    stream = StringIO()
    document = show_model.describe(write_tiny_model(tmp_path / "model", generation))
    show_model.draw(document, Output(stdout=Console(file=stream, width=200)))
    said = stream.getvalue()
    assert label in said
    assert said.count("mlp.gate_proj") == 1
    assert "without a tokenizer" in said


def test_the_cache_of_a_window_stops_growing() -> None:
    config = parse_config(tiny_config("gemma2"), "config.json")
    short, long = show_model.cache_bytes(config, 16), show_model.cache_bytes(config, 1016)
    token_in_full_layers = 2 * 2 * 2 * 16 * 2  # layers, keys and values, heads, head size, bytes
    assert long - short == 1000 * token_in_full_layers
