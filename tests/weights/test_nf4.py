"""bitsandbytes' 4-bit weights come out bit for bit as its own formula gives them."""

from __future__ import annotations

import json

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.weights.nf4 import dequantize_nf4, parse_state
from tests.weights.bitsandbytes_files import NESTED_BLOCK, dequantized, nf4_parts, rounded

CASES = [
    ((8, 64), True),
    ((300, 64), True),  # more blocks than one nested group
    ((7, 33), True),  # odd count: the last byte holds one weight, the last block is short
    ((16, 64), False),
    ((3, 40), False),
]


def _ours(parts: dict[str, np.ndarray]) -> mx.array:
    state_name = next(name for name in parts if "quant_state" in name)
    state = parse_state(parts[state_name].tobytes(), "test")
    return dequantize_nf4({name: mx.array(part) for name, part in parts.items()}, state)


@pytest.mark.parametrize(("shape", "nested"), CASES)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_bit_identical_to_the_formula(shape: tuple[int, int], nested: bool, dtype: str) -> None:
    weight = np.random.default_rng(0).standard_normal(shape).astype(np.float32) * 0.02
    parts = nf4_parts(weight, dtype=dtype, nested=nested)
    ours = _ours(parts)
    assert str(ours.dtype).endswith(dtype)
    assert ours.shape == shape
    assert np.array_equal(np.array(ours.astype(mx.float32)), rounded(dequantized(parts), dtype))


@pytest.mark.reference
def test_bit_identical_to_torch() -> None:
    import torch

    weight = np.random.default_rng(1).standard_normal((320, 64)).astype(np.float32)
    parts = nf4_parts(weight)
    tensors = {name: torch.from_numpy(part.copy()) for name, part in parts.items()}
    state = json.loads(next(part for name, part in parts.items() if "quant_state" in name).tobytes())
    absmax = tensors[".nested_quant_map"][tensors[".absmax"].long()]
    absmax = absmax * tensors[".nested_absmax"].repeat_interleave(NESTED_BLOCK)[: absmax.numel()]
    absmax = absmax + torch.tensor(state["nested_offset"])
    packed = tensors[""].reshape(-1)
    codes = torch.stack([packed >> 4, packed & 15], 1).reshape(-1).long()
    expected = (tensors[".quant_map"][codes] * absmax.repeat_interleave(64)).to(torch.bfloat16).float()
    assert np.array_equal(np.array(_ours(parts).astype(mx.float32)).reshape(-1), expected.numpy())


def test_it_is_near_what_was_quantized() -> None:
    """NF4's published error on Gaussian weights (0.09): high and low halves are not swapped."""
    weight = np.random.default_rng(2).standard_normal((256, 64)).astype(np.float32)
    error = np.array(_ours(nf4_parts(weight)).astype(mx.float32)) - weight
    assert np.sqrt((error**2).mean() / (weight**2).mean()) < 0.11


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"shape": [8, 64], "blocksize": 0, "dtype": "bfloat16"}',
        b'{"shape": [8, -64], "blocksize": 64, "dtype": "bfloat16"}',
        b'{"shape": [], "blocksize": 64, "dtype": "bfloat16"}',
        b'{"shape": [8, 64], "blocksize": 64, "dtype": "int8"}',
        b'{"shape": [8, 64], "blocksize": 64, "dtype": "bfloat16", "nested_offset": NaN}',
        b'{"shape": 8, "blocksize": 64, "dtype": "bfloat16"}',
    ],
)
def test_a_damaged_state_is_refused(text: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        parse_state(text, "model.safetensors, tensor x")
    assert caught.value.code == "damaged-weights"
    assert caught.value.where == "model.safetensors, tensor x"
