"""Other families' configurations: what is taken, in both dialects, and what is refused with its reason."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.families import FAMILY_NAMES
from gemma_mlx.models.config import parameter_shapes, parse_config
from gemma_mlx.models.families import build, family_of, supported
from gemma_mlx.models.family_decoder import FamilyDecoder
from tests.tiny_family import family_config


def test_qwen2_as_data() -> None:
    config = parse_config(family_config(), "config.json")
    assert (config.name, config.is_gemma, config.packs) == ("Qwen2", False, False)
    assert (config.num_layers, config.head_dim, config.num_kv_heads) == (3, 16, 2)
    assert config.layer_windows == (None,) * 3
    assert config.max_position_embeddings == 2048
    assert config.tie_word_embeddings and config.eos_token_ids == ()
    shapes = parameter_shapes(config)
    assert shapes["model.layers.2.self_attn.k_proj.bias"] == (32,)
    assert shapes["model.layers.0.mlp.down_proj.weight"] == (64, 128)
    assert "lm_head.weight" not in shapes


def test_both_dialects_say_the_same() -> None:
    hub = family_config("llama", rope_theta=5000.0, rope_scaling={"rope_type": "linear", "factor": 4.0})
    modern = {name: value for name, value in hub.items() if not name.startswith("rope")}
    modern["rope_parameters"] = {"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0}
    x = mx.random.normal((1, 1, 4, 16), key=mx.random.key(0))
    turned = [build(raw, "x").whole.model.layers[0].self_attn.rope(x, offset=9) for raw in (hub, modern)]
    expected = mx.fast.rope(x, 16, traditional=False, base=5000.0, scale=0.25, offset=9)
    assert all(mx.allclose(each, expected, atol=1e-5).item() for each in turned)
    assert parse_config(modern, "x").layer_ropes[0].base == 5000.0


def test_a_head_that_the_file_does_not_speak_of_is_transformers_default() -> None:
    raw = family_config()
    del raw["tie_word_embeddings"]
    assert "lm_head.weight" in parameter_shapes(parse_config(raw, "x"))


def test_windows_come_from_the_definition_and_else_bound_the_context() -> None:
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    mixed = parse_config(family_config("llama", layer_types=kinds, sliding_window=16), "x")
    assert mixed.layer_windows == (16, None, 16)
    assert mixed.max_position_embeddings == 2048
    left_out = parse_config(family_config("mistral", sliding_window=256, use_sliding_window=True), "x")
    assert left_out.layer_windows == (None,) * 3 and left_out.max_position_embeddings == 256


def test_a_vocabulary_that_was_resized() -> None:
    from dataclasses import replace

    config = replace(parse_config(family_config(), "x"), vocab_size=800)
    assert family_of(config).whole.model.embed_tokens.weight.shape == (800, 64)


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("whisper", {}, "not among those"),
        ("../secrets", {}, "not among those"),
        ("cache", {}, "not among those"),
        ("qwen2_moe", {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64,
                       "shared_expert_intermediate_size": 64}, "experts"),
        ("mamba", {"ssm_cfg": None, "state_size": 4, "conv_kernel": 4, "time_step_rank": 4,
                   "use_bias": False, "use_conv_bias": True}, "cannot be run"),
        ("glm", {}, "differ"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_what_can(kind: str, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_config(family_config(kind, **changes), "config.json")
    problem = caught.value
    assert problem.code in ("unknown-model", "bad-config")
    assert why in problem.what or problem.code == "bad-config"
    if problem.code == "unknown-model":
        assert "Gemma 1, 2 and 3" in problem.fix and "Qwen2" in problem.fix and "Llama" in problem.fix
        assert problem.where == "config.json, field model_type"


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 100_000},
        {"num_attention_heads": 0},
        {"num_key_value_heads": 3},
        {"hidden_size": "64"},
        {"vocab_size": -1},
        {"rms_norm_eps": None},
        {"rope_theta": "high"},
        {"rope_scaling": {"rope_type": "dream", "factor": 2}},
        {"rope_scaling": 7},
        {"intermediate_size": 10**9},
        {"model_type": "cohere", "logit_scale": "much"},
        {"model_type": "cohere2", "sliding_window": {}, "head_dim": 16, "sliding_window_pattern": 4},
        {"model_type": "phi3", "partial_rotary_factor": 1e30},
    ],
)
def test_absurd_fields_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        parse_config(family_config() | changes, "config.json")
    assert caught.value.code == "bad-config"


ODD: list[Any] = [
    None, "", -1, 0, 1.5, [], {}, "x", True, 1e400, float("nan"), 10**30, [1, 2], {"a": 1}, 3,
    {"rope_type": "linear", "factor": 0}, {"rope_type": "yarn"}, {"type": "su"}, {"rope_type": "llama3"},
    ["sliding_attention"] * 3, ["x"] * 3,
]  # fmt: skip
FIELDS = (
    "rope_scaling", "rope_parameters", "layer_types", "sliding_window", "head_dim", "partial_rotary_factor",
    "attention_bias", "quantization", "logits_scaling", "logit_scale", "eos_token_id", "no_rope_layers",
)  # fmt: skip


def test_no_configuration_makes_a_definition_crash() -> None:
    """Any three fields of any family with anything in them: a decoder, or an error in words."""
    rng = random.Random(0)
    others = [
        "starcoder2",
        "mixtral",
        "gpt_oss",
        "mamba2",
        "stablelm",
        "exaone4",
        "internlm2",
        "rwkv7",
        "gpt2",
    ]
    made = 0
    for _ in range(400):
        raw = family_config(rng.choice([*FAMILY_NAMES, *others]))
        for _ in range(rng.randint(1, 3)):
            raw[rng.choice([*list(raw)[2:], *FIELDS])] = rng.choice(ODD)
        try:
            FamilyDecoder(parse_config(raw, "config.json"))
            made += 1
        except ModelError:
            pass
    assert 20 < made < 380


def test_every_name_is_one_that_mlx_lm_knows() -> None:
    assert all(name in supported() for name in FAMILY_NAMES.values())


def test_definitions_come_without_mlx_lms_own_package() -> None:
    """It brings transformers, which takes seconds and a hundred megabytes."""
    code = (
        "import sys\n"
        "from gemma_mlx.models.config import parse_config\n"
        "from tests.tiny_family import family_config\n"
        "parse_config(family_config(), 'x')\n"
        "assert not {'mlx_lm', 'transformers', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
