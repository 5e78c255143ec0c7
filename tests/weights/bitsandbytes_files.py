"""Writes NF4 tensors as bitsandbytes stores them, and dequantizes them with numpy alone, step by step.

The code values and the order of operations are those of bitsandbytes/functional.py (get_4bit_type,
quantize_4bit, QuantState.as_dict).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.tiny import tiny_config, tiny_weights, write_json, write_safetensors

NF4 = np.array(
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
        -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
        0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
        0.7229568362236023, 1.0,
    ],
    np.float32,
)  # fmt: skip
BLOCK, NESTED_BLOCK = 64, 256


def nested_map() -> np.ndarray:
    """256 increasing float32 values, as uneven as bitsandbytes' dynamic map."""
    half = np.geomspace(1e-6, 1.0, 127)
    return np.sort(np.concatenate([-half, half, [0.0, 0.0]])).astype(np.float32)


def nf4_parts(
    weight: np.ndarray, *, dtype: str = "bfloat16", nested: bool = True, kind: str = "nf4"
) -> dict[str, np.ndarray]:
    """The tensors that stand for a weight, by the ending of their name."""
    flat = weight.astype(np.float32).reshape(-1)
    count, blocks = flat.size, -(-flat.size // BLOCK)
    padded = np.zeros(blocks * BLOCK, np.float32)
    padded[:count] = flat
    absmax = np.abs(padded.reshape(blocks, BLOCK)).max(1).astype(np.float32)
    scaled = padded.reshape(blocks, BLOCK) / np.maximum(absmax, 1e-30)[:, None]
    codes = np.abs(scaled.reshape(-1)[:count, None] - NF4).argmin(1).astype(np.uint8)
    if count % 2:
        codes = np.append(codes, np.uint8(7))
    state: dict[str, Any] = {
        "quant_type": kind,
        "blocksize": BLOCK,
        "dtype": dtype,
        "shape": list(weight.shape),
    }
    parts = {"": (codes[0::2] << 4 | codes[1::2]).reshape(-1, 1), ".quant_map": NF4}
    if nested:
        offset = absmax.mean(dtype=np.float32)
        rest = absmax - offset
        groups = -(-blocks // NESTED_BLOCK)
        spread = np.zeros(groups * NESTED_BLOCK, np.float32)
        spread[:blocks] = rest
        nested_absmax = np.abs(spread.reshape(groups, NESTED_BLOCK)).max(1).astype(np.float32)
        scale = np.repeat(np.maximum(nested_absmax, 1e-30), NESTED_BLOCK)[:blocks]
        table = nested_map()
        parts[".absmax"] = np.abs((rest / scale)[:, None] - table).argmin(1).astype(np.uint8)
        parts[".nested_absmax"] = nested_absmax
        parts[".nested_quant_map"] = table
        state |= {"nested_blocksize": NESTED_BLOCK, "nested_dtype": "float32", "nested_offset": float(offset)}
    else:
        parts[".absmax"] = absmax
    parts[f".quant_state.bitsandbytes__{kind}"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    return parts


def dequantized(parts: dict[str, np.ndarray]) -> np.ndarray:
    """The weight in float32 before its last rounding; each line is one float32 operation of bitsandbytes."""
    state = json.loads(next(value for key, value in parts.items() if "quant_state" in key).tobytes())
    count = int(np.prod(state["shape"]))
    absmax = parts[".absmax"]
    if "nested_offset" in state:
        group = np.arange(absmax.size) // state["nested_blocksize"]
        absmax = parts[".nested_quant_map"][absmax] * parts[".nested_absmax"][group]
        absmax = absmax + np.float32(state["nested_offset"])
    index = np.arange(count)
    byte = parts[""].reshape(-1)[index // 2]
    code = np.where(index % 2 == 0, byte >> 4, byte & 15)
    values = parts[".quant_map"][code] * absmax[index // state["blocksize"]]
    assert values.dtype == np.float32
    return values.reshape(state["shape"])


def rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """float32 values rounded to nearest even in bfloat16 or float16, given back as float32."""
    if dtype == "float32":
        return values
    if dtype == "float16":
        return values.astype(np.float16).astype(np.float32)
    bits = values.view(np.uint32).astype(np.uint64)
    low, high = bits & 0xFFFF, bits >> 16
    up = (low > 0x8000) | ((low == 0x8000) & (high & 1 == 1))
    return ((high + up) << 16).astype(np.uint32).view(np.float32)


def write_nf4_model(
    folder: Path, generation: str = "gemma2", *, nested: bool = True, **changes: Any
) -> tuple[Path, dict[str, np.ndarray]]:
    """A tiny checkpoint whose linear modules are NF4, and its weights as they dequantize to (float32)."""
    folder.mkdir(parents=True)
    raw = tiny_config(generation, **changes) | {
        "torch_dtype": "bfloat16",
        "quantization_config": {
            "quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False,
            "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": nested,
            "bnb_4bit_compute_dtype": "bfloat16",
        },
    }  # fmt: skip
    write_json(folder / "config.json", raw)
    stored: dict[str, np.ndarray] = {}
    expected: dict[str, np.ndarray] = {}
    for name, weight in tiny_weights(raw).items():
        if "proj" not in name:
            stored[name] = weight
            expected[name] = rounded(weight, "bfloat16")
            continue
        parts = nf4_parts(weight, nested=nested)
        stored |= {name + ending: part for ending, part in parts.items()}
        expected[name] = rounded(dequantized(parts), "bfloat16")
    write_mixed(folder / "model.safetensors", stored)
    return folder, expected


def write_mixed(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Norms and embeddings in bfloat16 beside float32 maps and bytes, in one file."""
    import struct

    header: dict[str, Any] = {}
    blocks, offset = [], 0
    for name, array in tensors.items():
        dtype = "float32" if ".weight." in name else "bfloat16"
        scratch = path.with_suffix(".one")
        write_safetensors(scratch, {name: array}, dtype=dtype)
        content = scratch.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        entry = json.loads(content[8 : 8 + length])[name]
        data = content[8 + length :]
        header[name] = entry | {"data_offsets": [offset, offset + len(data)]}
        blocks.append(data)
        offset += len(data)
        scratch.unlink()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))
