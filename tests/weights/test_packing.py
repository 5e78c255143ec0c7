"""Quantized weights and modules compute what MLX's formats say, in the model's working width."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import pytest

from gemma_mlx.weights import packing
from gemma_mlx.weights.packing import (
    dequantize_weight,
    module_at,
    put_module,
    quantization_error,
    quantize_weight,
    quantized_module,
)
from gemma_mlx.weights.scheme import Scheme

SCHEMES = [Scheme("affine", 4, 64), Scheme("affine", 3, 32), Scheme("mxfp4", 4, 32), Scheme("mxfp8", 8, 32),
           Scheme("nvfp4", 4, 16)]  # fmt: skip


def _gaussian(rows: int = 512, columns: int = 512) -> mx.array:
    return mx.random.normal((rows, columns), key=mx.random.key(0))


@pytest.mark.parametrize(
    ("scheme", "published"),
    [
        (Scheme("affine", 4, 64), 0.091),
        (Scheme("affine", 4, 32), 0.081),
        (Scheme("affine", 6, 64), 0.022),
        # 0.0054 with float32 scales; bfloat16 scales, which the cast brings, cost the rest.
        (Scheme("affine", 8, 64), 0.0074),
        (Scheme("mxfp4", 4, 32), 0.115),
        (Scheme("nvfp4", 4, 16), 0.095),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_errors_are_those_that_the_formats_have(scheme: Scheme, published: float) -> None:
    weight = _gaussian()
    error = quantization_error(weight, quantize_weight(weight, scheme), scheme)
    assert error == pytest.approx(published, rel=0.05)


def test_the_error_is_summed_over_all_rows() -> None:
    weight = _gaussian(20_000, 64)
    scheme = Scheme("affine", 4, 64)
    parts = quantize_weight(weight, scheme)
    rest = weight - dequantize_weight(parts, scheme)
    whole = mx.sqrt(mx.mean(rest**2) / mx.mean(weight**2)).item()
    assert quantization_error(weight, parts, scheme) == pytest.approx(whole, rel=1e-4)
    assert quantization_error(mx.zeros((4, 64)), quantize_weight(mx.zeros((4, 64)), scheme), scheme) == 0


def test_weights_are_cast_to_bfloat16_first() -> None:
    weight = _gaussian(64, 64)
    parts = quantize_weight(weight, Scheme())
    from_bfloat16 = mx.quantize(weight.astype(mx.bfloat16), 64, 4)
    assert parts["scales"].dtype == mx.bfloat16
    assert all(mx.array_equal(part, other) for part, other in zip(parts.values(), from_bfloat16, strict=True))
    wide = quantize_weight(weight, Scheme(), mx.float32)
    assert wide["scales"].dtype == mx.float32
    assert mx.array_equal(wide["scales"], parts["scales"].astype(mx.float32))


@pytest.mark.parametrize("scheme", SCHEMES[2:], ids=lambda scheme: scheme.name)
def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch, scheme: Scheme) -> None:
    weight = _gaussian(70, 64)
    whole = quantize_weight(weight, scheme)
    monkeypatch.setattr(packing, "_FLOAT_FORMAT_BLOCK", 64 * 32)
    parts = quantize_weight(weight, scheme)
    assert all(mx.array_equal(parts[name], whole[name]) for name in whole)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16, mx.float16])
def test_modules_compute_in_the_working_width(scheme: Scheme, dtype: mx.Dtype) -> None:
    linear, embedding = nn.Linear(64, 32, bias=True), nn.Embedding(40, 64)
    for module in (linear, embedding):
        module.weight = module.weight.astype(dtype)
        parts = quantize_weight(module.weight, scheme, dtype)
        if "bias" in module:
            parts["bias"] = mx.random.normal((32,)).astype(dtype)
        quantized = quantized_module(module, parts, scheme, dtype)
        dense = dequantize_weight(parts, scheme)
        tolerance = 2e-6 if dtype == mx.float32 else 0.02
        x = mx.random.normal((3, 64)).astype(dtype)
        if module is linear:
            assert isinstance(quantized, nn.QuantizedLinear)
            result, expected = quantized(x), x.astype(mx.float32) @ dense.T + parts["bias"]
        else:
            assert isinstance(quantized, nn.QuantizedEmbedding)
            ids = mx.array([[0, 39, 5]])
            assert quantized(ids).dtype == dtype
            assert mx.allclose(quantized(ids).astype(mx.float32), dense[ids], rtol=tolerance, atol=1e-3)
            result, expected = quantized.as_linear(x), x.astype(mx.float32) @ dense.T
        assert result.dtype == dtype
        difference, size = mx.linalg.norm(result - expected), mx.linalg.norm(expected)
        assert float(difference) <= tolerance * float(size)
        assert not nn.utils.tree_flatten(quantized.trainable_parameters())


class _Tree(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Sequential(nn.Linear(4, 4)), nn.Linear(4, 4)]
        self.head = nn.Linear(4, 4)


def test_modules_are_found_and_replaced_by_path() -> None:
    tree = _Tree()
    new = nn.Linear(4, 4)
    for path in ("head", "layers.0.layers.0"):
        put_module(tree, path, new)
        assert module_at(tree, path) is new
