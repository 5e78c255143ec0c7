"""What config.json says of quantization, and the plan that settings make for a model."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import parse_config
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights.scheme import (
    Scheme,
    plan_quantization,
    quantization_field,
    quantization_of,
)
from tests.tiny import tiny_config

EVERY_SCHEME = [
    *(Scheme("affine", bits, group) for bits in (2, 3, 4, 5, 6, 8) for group in (32, 64, 128)),
    Scheme("mxfp4", 4, 32),
    Scheme("mxfp8", 8, 32),
    Scheme("nvfp4", 4, 16),
]


@pytest.mark.parametrize("scheme", EVERY_SCHEME, ids=lambda scheme: scheme.name)
def test_shapes_and_bytes_are_those_of_mlx(scheme: Scheme) -> None:
    weight = mx.random.normal((6, 256)).astype(mx.bfloat16)
    parts = mx.quantize(weight, scheme.group_size, scheme.bits, mode=scheme.mode)
    assert [part.shape for part in parts] == list(scheme.shapes(6, 256).values())
    assert sum(part.nbytes for part in parts) == scheme.bytes(6, 256)
    byte_scales = parts[1].dtype == mx.uint8
    found = Scheme.from_shapes(256, parts[0].shape[1], parts[1].shape[1], byte_scales=byte_scales)
    assert found == scheme


@pytest.mark.parametrize(
    "numbers", [(256, 32, 3), (256, 31, 4), (256, 32, 0), (0, 32, 4), (256, 256, 4), (64, 8, 64)]
)
def test_shapes_that_no_scheme_has(numbers: tuple[int, int, int]) -> None:
    assert Scheme.from_shapes(*numbers, byte_scales=False) is None


def test_mlx_layout_with_overrides() -> None:
    table = {
        "group_size": 64,
        "bits": 4,
        "language_model.model.embed_tokens": {"group_size": 32, "bits": 8},
        "model.layers.0.mlp.down_proj": False,
        "model.layers.1.mlp.down_proj": {"group_size": 32, "bits": 4, "mode": "mxfp4"},
    }
    found = quantization_of({"quantization": table})
    assert found is not None
    assert found.method == "mlx"
    assert found.scheme("model.layers.5.mlp.up_proj") == Scheme("affine", 4, 64)
    assert found.scheme("model.embed_tokens") == Scheme("affine", 8, 32)
    assert found.scheme("model.layers.0.mlp.down_proj") is None
    assert found.scheme("model.layers.1.mlp.down_proj") == Scheme("mxfp4", 4, 32)


def test_full_width_and_bitsandbytes() -> None:
    assert quantization_of({}) is None
    assert quantization_of({"quantization": None}) is None
    found = quantization_of({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}})
    assert found is not None
    assert found.method == "bitsandbytes"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}}, "gptq"),
        ({"text_config": {"quantization_config": {"quant_method": "awq"}}}, "awq"),
        ({"quantization": {"group_size": 64, "bits": 7}}, "7"),
        ({"quantization": {"group_size": 48, "bits": 4}}, "48"),
        ({"quantization": {"group_size": 64, "bits": 4, "mode": "mxfp4"}}, "mxfp4"),
        ({"quantization": {"group_size": 64, "bits": 4, "mode": ["x"]}}, "x"),
        ({"quantization": {"group_size": 16, "bits": 4, "mode": "nvfp4", "global_scale": True}}, "scale"),
        ({"quantization": "4 bit"}, "4 bit"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}, "8-bit"),
    ],
)
def test_methods_that_are_not_read_are_refused(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        quantization_of(raw, "/folder/config.json")
    assert caught.value.code == ("int8-checkpoint" if says == "8-bit" else "unknown-quantization")
    assert "/folder/config.json" in caught.value.where


def test_embeddings_have_their_own_width() -> None:
    config = parse_config(tiny_config("gemma2"), "tiny")
    for bits, expected in ((None, Scheme("affine", 4, 32)), (8, Scheme("affine", 8, 32)), (16, None)):
        plan = plan_quantization(config, QuantizeSettings(bits=4, group_size=32, embedding_bits=bits))
        assert plan["model.embed_tokens"].scheme == expected
        assert plan["model.embed_tokens"].note == ""
        assert plan["model.layers.0.self_attn.q_proj"].scheme == Scheme("affine", 4, 32)
    plan = plan_quantization(config, QuantizeSettings(mode="nvfp4", embedding_bits=8))
    assert plan["model.embed_tokens"].scheme == Scheme("affine", 8, 32)


def test_what_no_group_divides_stays_in_full_width_with_a_note() -> None:
    config = parse_config(tiny_config("gemma2", intermediate_size=96), "tiny")
    settings = QuantizeSettings(bits=8, group_size=64)
    plan = plan_quantization(config, settings)
    left = plan["model.layers.0.mlp.down_proj"]
    assert left.scheme is None
    assert "96" in left.note
    assert plan["model.layers.0.mlp.up_proj"].scheme == Scheme("affine", 8, 64)
    field = quantization_field(config, settings)
    assert field["model.layers.0.mlp.down_proj"] is False
    # What is written is read back as it was planned.
    read = quantization_of({"quantization": field})
    assert read is not None
    assert {path: read.scheme(path) for path in plan} == {path: item.scheme for path, item in plan.items()}


def test_norms_are_not_planned() -> None:
    config = parse_config(tiny_config("gemma3_text", tie_word_embeddings=False), "tiny")
    plan = plan_quantization(config, QuantizeSettings())
    assert not [path for path in plan if "norm" in path]
    assert "lm_head" in plan
    assert len(plan) == 6 * 7 + 2
