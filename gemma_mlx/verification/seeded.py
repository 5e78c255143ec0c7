"""Numbers that numpy, torch and MLX make alike, bit for bit, from a name and a seed: nothing is shipped.

Each element is a function of its index: two 32-bit hashes (MurmurHash3's finalizer), whose four halves add
up to a bell. Only integer operations and one product in float32 are used: they round alike everywhere.
This file is numpy's dialect; torch's is in reference.py, MLX's in replay.py.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from gemma_mlx.models.config import parameter_shapes, parse_config

FIRST_FACTOR, SECOND_FACTOR = 0x85EBCA6B, 0xC2B2AE35
CENTRE = 131_070
"""Mean of the sum of four 16-bit numbers."""
DEVIATION = 37_837.227
"""Its standard deviation, 65536 / sqrt(3)."""


def keys(name: str, seed: int) -> tuple[int, int]:
    """The two 32-bit keys of a tensor."""
    return tuple(zlib.crc32(f"{name}/{seed}/{half}".encode()) for half in (0, 1))  # type: ignore[return-value]


def mix(index: np.ndarray, key: int) -> np.ndarray:
    """MurmurHash3's finalizer of each index (uint32) under a key."""
    mixed = index ^ np.uint32(key)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(FIRST_FACTOR)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(SECOND_FACTOR)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def bell(name: str, shape: tuple[int, ...], seed: int, deviation: float) -> np.ndarray:
    """float32 numbers of mean 0 and this standard deviation."""
    index = np.arange(int(np.prod(shape)), dtype=np.uint32)
    total = np.full(index.shape, -CENTRE, np.int32)
    for key in keys(name, seed):
        mixed = mix(index, key)
        total += (mixed & np.uint32(0xFFFF)).astype(np.int32) + (mixed >> np.uint32(16)).astype(np.int32)
    return (total.astype(np.float32) * np.float32(deviation / DEVIATION)).reshape(shape)


def round_to_bf16(values: np.ndarray) -> np.ndarray:
    """float32 values rounded to the nearest bf16 (ties to even), kept as float32."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32)


def spread(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Mean and standard deviation of a weight, by its name.

    They keep a model awake: scores spread over a few units, logits over some ten, norms away from 1.
    """
    if name == "model.norm.weight":
        return 1.5, 0.3
    if len(shape) == 1:
        return 0.0, 0.2
    wide = _WIDE.get(name.split(".")[-2], 1.0)
    return 0.0, wide * shape[-1] ** -0.5


_WIDE = {"q_proj": 1.0, "k_proj": 1.0, "o_proj": 1.5, "down_proj": 1.5, "embed_tokens": 0.5}
"""Deviations of the matrices in units of 1 / sqrt(columns)."""


def make_tensor(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """One weight of a model: float32, each value representable in bf16."""
    mean, deviation = spread(name, shape)
    return round_to_bf16(bell(name, shape, seed, deviation) + np.float32(mean))


def make_weights(raw: dict[str, Any], seed: int) -> dict[str, np.ndarray]:
    """Every weight of a configuration (a parsed config.json), by transformers' name."""
    shapes = parameter_shapes(parse_config(raw, "this case"))
    return {name: make_tensor(name, shape, seed) for name, shape in shapes.items()}


def make_ids(seed: int, length: int, vocabulary: int, purpose: int = 0) -> np.ndarray:
    """A prompt of `length` ids (int32): BOS, then any ids but the control ones."""
    index = np.arange(length, dtype=np.uint32)
    ids = mix(index, keys(f"ids/{purpose}", seed)[0]) % np.uint32(vocabulary - 3) + np.uint32(3)
    ids[0] = 2
    return ids.astype(np.int32)


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, shapes and float32 bytes, in the order of names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], np.float32)
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
