"""What llama.cpp would compute otherwise is refused or made up for, and every tensor has one name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.exchange.gguf_names import check_representable, gguf_name, query_factor
from gemma_mlx.models.config import ModelConfig, parameter_shapes, parse_config
from tests.tiny import TINY_GENERATIONS, tiny_config

TWENTY_SEVEN = {
    "model_type": "gemma2", "vocab_size": 256000, "hidden_size": 4608, "intermediate_size": 36864,
    "num_hidden_layers": 46, "num_attention_heads": 32, "num_key_value_heads": 16, "head_dim": 128,
    "query_pre_attn_scalar": 144,
}  # fmt: skip


def config(generation: str, **changes: object) -> ModelConfig:
    return parse_config(tiny_config(generation, **changes), "test")


@pytest.mark.parametrize("generation", TINY_GENERATIONS)
def test_each_tensor_has_a_name_of_its_own(generation: str) -> None:
    paths = [name.removesuffix(".weight") for name in parameter_shapes(config(generation))]
    names = {gguf_name(path, config(generation)) for path in paths}
    assert len(names) == len(paths)
    assert {"token_embd.weight", "output_norm.weight", "blk.0.ffn_norm.weight"} <= names


def test_published_models_need_no_factor() -> None:
    assert query_factor(parse_config(TWENTY_SEVEN, "test")) == 1.0
    assert query_factor(config("gemma2", query_pre_attn_scalar=16)) == 1.0
    assert query_factor(config("gemma2", query_pre_attn_scalar=64)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("generation", "changes"),
    [
        ("gemma2", {"layer_types": ["full_attention"] * 4}),
        ("gemma2", {"attention_bias": True}),
        ("gemma2", {"tie_word_embeddings": False}),
        ("gemma3_text", {"sliding_window_pattern": 3}),
    ],
)
def test_what_llama_cpp_cannot_represent_is_refused(generation: str, changes: dict[str, object]) -> None:
    with pytest.raises(ModelError) as caught:
        check_representable(config(generation, **changes), Path("somewhere"))
    assert caught.value.code == "not-for-gguf"


@pytest.mark.parametrize("generation", TINY_GENERATIONS)
def test_the_published_forms_pass(generation: str) -> None:
    check_representable(config(generation), Path("somewhere"))
