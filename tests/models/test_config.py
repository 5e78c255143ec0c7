"""Both dialects of config.json give one model; what is absurd is refused by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import RopeConfig, parameter_count, parse_config, read_config
from tests.tiny import TINY_GENERATIONS, tiny_config


@pytest.mark.parametrize("generation", [*TINY_GENERATIONS, "gemma3"])
def test_both_dialects_give_the_same_model(generation: str) -> None:
    hub = parse_config(tiny_config(generation, dialect="hub"), "hub")
    modern = parse_config(tiny_config(generation, dialect="transformers5"), "modern")
    assert hub == modern


def test_gemma_2_slides_on_every_other_layer_first() -> None:
    windows = parse_config(tiny_config("gemma2"), "x").layer_windows
    assert [window is not None for window in windows] == [True, False, True, False]


def test_gemma_3_slides_on_five_of_six_layers_with_its_own_base() -> None:
    config = parse_config(tiny_config("gemma3_text"), "x")
    assert [window is not None for window in config.layer_windows] == [True] * 5 + [False]
    assert [rope.base for rope in config.layer_ropes] == [10_000.0] * 5 + [1_000_000.0]


def test_scaling_of_the_large_gemma_3_touches_global_layers_only() -> None:
    raw = tiny_config("gemma3_text", rope_scaling={"rope_type": "linear", "factor": 8.0})
    ropes = parse_config(raw, "x").layer_ropes
    assert ropes[0] == RopeConfig(10_000.0) and ropes[-1] == RopeConfig(1_000_000.0, 8.0)


def test_new_rope_parameters_win_over_nothing_else() -> None:
    raw = tiny_config("gemma3_text", dialect="transformers5")
    raw["rope_parameters"] = {
        "full_attention": {"rope_type": "linear", "rope_theta": 5e5, "factor": 4.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 2e4},
    }
    ropes = parse_config(raw, "x").layer_ropes
    assert ropes[-1] == RopeConfig(5e5, 4.0) and ropes[0] == RopeConfig(2e4)


def test_an_explicit_null_turns_a_softcap_off_and_absence_does_not() -> None:
    raw = tiny_config("gemma2")
    del raw["final_logit_softcapping"]
    raw["attn_logit_softcapping"] = None
    config = parse_config(raw, "x")
    assert config.final_softcap == 30.0 and config.attention_softcap is None


def test_gemma_1_needs_no_fields_of_later_generations() -> None:
    config = parse_config(tiny_config("gemma"), "x")
    assert set(config.layer_windows) == {None}
    assert config.attention_softcap is None and not config.post_norms and not config.qk_norm


def test_published_sizes_have_published_parameter_counts() -> None:
    """Gemma 2 2B counts 2,614,341,888 weights in its report; 27B has scale 144^-1/2."""
    raw = tiny_config("gemma2") | {
        "num_hidden_layers": 26, "hidden_size": 2304, "intermediate_size": 9216, "num_attention_heads": 8,
        "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256_000, "sliding_window": 4096,
    }  # fmt: skip
    assert parameter_count(parse_config(raw, "x")) == 2_614_341_888


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_hidden_layers", 100_000),
        ("num_hidden_layers", "26"),
        ("hidden_size", -1),
        ("vocab_size", True),
        ("head_dim", 17),
        ("num_key_value_heads", 3),
        ("rms_norm_eps", 0),
        ("rms_norm_eps", float("nan")),
        ("hidden_activation", "relu"),
        ("layer_types", ["full_attention"]),
        ("layer_types", ["a", "b", "c", "d"]),
        ("rope_scaling", {"rope_type": "yarn", "factor": 2.0}),
        ("rope_parameters", {"rope_type": "dynamic"}),
        ("rope_parameters", [1]),
        ("use_bidirectional_attention", True),
        ("eos_token_id", "one"),
        ("bos_token_id", {}),
    ],
)
def test_absurd_values_are_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ModelError) as caught:
        parse_config({**tiny_config("gemma2"), field: value}, "config.json")
    assert field in caught.value.where + caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize("field", ["hidden_size", "num_hidden_layers", "intermediate_size"])
def test_missing_fields_are_named(field: str) -> None:
    raw = tiny_config("gemma2")
    del raw[field]
    with pytest.raises(ModelError, match=field):
        parse_config(raw, "config.json")


def test_other_models_are_named_as_such() -> None:
    with pytest.raises(ModelError, match="whisper"):
        parse_config({"model_type": "whisper"}, "config.json")


@pytest.mark.parametrize("content", ["", "{", "[1]", "[" * 100_000, '{"model_type": NaN'])
def test_broken_files_give_an_error_that_names_them(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "with [brackets]"
    folder.mkdir()
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        read_config(folder)
    assert "config.json" in caught.value.where


def test_a_folder_without_config_says_what_to_choose(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        read_config(tmp_path)
    assert caught.value.code == "no-config"


def test_the_file_itself_is_kept(tmp_path: Path) -> None:
    raw = tiny_config("gemma2") | {"something_else": 7}
    (tmp_path / "config.json").write_text(json.dumps(raw))
    assert read_config(tmp_path).raw["something_else"] == 7
