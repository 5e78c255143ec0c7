"""The written config.json means the same model in both dialects, to us and to other programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gemma_mlx.models.config import ModelConfig, parse_config
from gemma_mlx.weights.portable import portable_config
from tests.tiny import tiny_config

HUB_FIELDS = {"rope_theta", "rope_scaling", "sliding_window_pattern", "rope_local_base_freq"}
NEW_FIELDS = {"rope_parameters", "layer_types"}


def _meaning(raw: dict[str, Any]) -> ModelConfig:
    return replace(parse_config(raw, "test"), dtype="", quantization=None)


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text", "gemma3"])
@pytest.mark.parametrize("dialect", ["hub", "transformers5"])
def test_each_half_alone_means_the_same_model(generation: str, dialect: str) -> None:
    raw = tiny_config(generation, dialect=dialect)
    expected = _meaning(raw)
    written = portable_config(parse_config(raw, "test"), dtype="bfloat16")
    assert _meaning(written) == expected
    assert _meaning({name: value for name, value in written.items() if name not in NEW_FIELDS}) == expected
    assert _meaning({name: value for name, value in written.items() if name not in HUB_FIELDS}) == expected
    assert "vision_config" not in written
    assert "text_config" not in written
    assert written["dtype"] == written["torch_dtype"] == "bfloat16"


def test_layer_kinds_without_a_pattern_are_kept() -> None:
    kinds = ["full_attention", "sliding_attention", "full_attention", "full_attention"]
    raw = tiny_config("gemma3_text", dialect="transformers5", num_hidden_layers=4, layer_types=kinds)
    written = portable_config(parse_config(raw, "test"), dtype="bfloat16")
    assert "sliding_window_pattern" not in written
    assert _meaning(written) == _meaning(raw)


@pytest.mark.parametrize("layers", [2, 6, 7])
def test_a_pattern_longer_than_the_model(layers: int) -> None:
    raw = tiny_config("gemma3_text", num_hidden_layers=layers)
    written = portable_config(parse_config(raw, "test"), dtype="bfloat16")
    assert written["sliding_window_pattern"] == 6
    assert _meaning(written) == _meaning(raw)


def test_a_resized_vocabulary_and_the_chats_end_tokens_are_written() -> None:
    raw = tiny_config("gemma3")
    config = replace(parse_config(raw, "test"), vocab_size=600)
    written = portable_config(config, dtype="float32")
    assert written["vocab_size"] == 600
    assert written["eos_token_id"] == raw["eos_token_id"] == [1, 106]


def test_an_earlier_quantization_is_replaced() -> None:
    old = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    config = parse_config(tiny_config("gemma2", quantization_config=old), "test")
    assert "quantization_config" not in portable_config(config, dtype="bfloat16")
    new = {"group_size": 64, "bits": 4, "mode": "affine"}
    written = portable_config(config, dtype="bfloat16", quantization=new)
    assert written["quantization"] == written["quantization_config"] == new


def test_turned_off_softcaps_stay_off() -> None:
    raw = tiny_config("gemma2", attn_logit_softcapping=None, final_logit_softcapping=None)
    written = portable_config(parse_config(raw, "test"), dtype="bfloat16")
    assert _meaning(written) == _meaning(raw)


def test_an_absent_scalar_is_written_as_transformers_means_it() -> None:
    raw = tiny_config("gemma2")
    del raw["query_pre_attn_scalar"]
    assert portable_config(parse_config(raw, "test"), dtype="bfloat16")["query_pre_attn_scalar"] == 256


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("dialect", ["hub", "transformers5"])
def test_transformers_reads_the_same_model(generation: str, dialect: str) -> None:
    transformers = pytest.importorskip("transformers")
    raw = tiny_config(generation, dialect=dialect)
    kind = {
        "gemma": transformers.GemmaConfig,
        "gemma2": transformers.Gemma2Config,
        "gemma3_text": transformers.Gemma3TextConfig,
    }[generation]
    fields = ("layer_types", "sliding_window", "query_pre_attn_scalar", "head_dim")
    from_source = kind(**raw)
    from_ours = kind(**portable_config(parse_config(raw, "test"), dtype="bfloat16"))
    for field in fields:
        assert getattr(from_ours, field, None) == getattr(from_source, field, None), field
    tables = [from_source.rope_parameters, from_ours.rope_parameters]
    for kind_of_layer in tables[0] if generation == "gemma3_text" else [""]:
        chosen = [table[kind_of_layer] if kind_of_layer else table for table in tables]
        numbers = [(table["rope_theta"], table.get("factor", 1)) for table in chosen]
        assert numbers[0] == numbers[1]
