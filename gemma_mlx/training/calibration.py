"""How fast this machine multiplies, measured once and kept: a forecast's seconds and a run's products."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import mlx.core as mx

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.store import data_root, read_json, write_json
from gemma_mlx.training.backend import Backend, backend
from gemma_mlx.training.forecast import Forecast

_ROWS, _LEAST, _REPEATS = 256, 0.02, 3
_SIZES = (256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class Calibration:
    """Floating-point operations a second of a product with many rows: dense, in 4 bit, in 4 bit unpacked.

    `key` names the device and MLX's version: with another one it is measured anew.
    """

    key: str
    backend: Backend
    dense: float
    quantized: float
    dequantized: float

    @property
    def unpacks(self) -> bool:
        """Whether many rows are multiplied faster when quantized weights are dequantized first."""
        return self.dequantized > self.quantized

    def seconds(self, forecast: Forecast, *, quantized: bool) -> float:
        """The time of a step: its operations at the measured rate. Attention and overhead are not in it."""
        return forecast.flops / (max(self.quantized, self.dequantized) if quantized else self.dense)


def calibrate(path: Path | None = None, *, again: bool = False) -> Calibration:
    """This machine's rates, from the file where they are kept or measured now (about a second)."""
    path = path or data_root() / "calibration.json"
    key = f"{mx.device_info().get('device_name', '')} {backend()} MLX {version('mlx')}"
    if not again:
        try:
            kept = Calibration(**read_json(path))
            if kept.key == key and min(kept.dense, kept.quantized, kept.dequantized) > 0:
                return kept
        except (GemmaError, TypeError):
            pass
    products = (dense_product, quantized_product, dequantized_product)
    found = Calibration(key, backend(), *(rate_of(product) for product in products))
    with contextlib.suppress(GemmaError):  # where it cannot be kept it is measured again the next time
        write_json(path, asdict(found))
    return found


def rate_of(product: Callable[[int], Callable[[], mx.array]]) -> float:
    """Operations a second of x (256, n) W (n, n)^T, n raised until a product takes 20 ms."""
    best = math.inf
    for size in _SIZES:
        work = product(size)
        mx.eval(work())
        best = min(_seconds(work) for _ in range(_REPEATS))
        if best >= _LEAST:
            break
    return 2 * _ROWS * size * size / best


def dense_product(size: int) -> Callable[[], mx.array]:
    """x W^T in bf16."""
    x, weight = _operands(size)
    return lambda: x @ weight.T


def quantized_product(size: int) -> Callable[[], mx.array]:
    """The same with W in 4 bit."""
    x, weight = _operands(size)
    packed = mx.quantize(weight, 64, 4)
    mx.eval(packed)
    return lambda: mx.quantized_matmul(x, *packed, transpose=True, group_size=64, bits=4)


def dequantized_product(size: int) -> Callable[[], mx.array]:
    """The same, dequantized before it is multiplied."""
    x, weight = _operands(size)
    packed = mx.quantize(weight, 64, 4)
    mx.eval(packed)
    return lambda: x @ mx.dequantize(*packed, group_size=64, bits=4).T


def _operands(size: int) -> tuple[mx.array, mx.array]:
    keys = mx.random.split(mx.random.key(0))
    x = mx.random.normal((_ROWS, size), dtype=mx.bfloat16, key=keys[0])
    weight = mx.random.normal((size, size), dtype=mx.bfloat16, key=keys[1])
    mx.eval(x, weight)
    return x, weight


def _seconds(work: Callable[[], mx.array]) -> float:
    started = time.perf_counter()
    mx.eval(work())
    return time.perf_counter() - started
