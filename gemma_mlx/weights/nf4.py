"""bitsandbytes' 4-bit weights (NF4 and FP4, double quantized or not) to full width, bit for bit.

Reference: bitsandbytes/functional.py (QuantState, dequantize_4bit, dequantize_blockwise). In safetensors a
weight has beside it `.absmax`, `.quant_map`, `.quant_state.bitsandbytes__nf4`, and, if double quantized,
`.nested_absmax` and `.nested_quant_map`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import mlx.core as mx

from gemma_mlx.errors import ModelError

STATE_PARTS = ("quant_state.bitsandbytes__nf4", "quant_state.bitsandbytes__fp4")
"""Endings of the tensor that holds a weight's state as JSON bytes."""

_DTYPES = {"bfloat16": mx.bfloat16, "float16": mx.float16, "float32": mx.float32}


@dataclass(frozen=True)
class Nf4State:
    """How one weight was quantized: its shape and dtype before, and its blocks."""

    shape: tuple[int, ...]
    dtype: str
    block: int
    nested_block: int | None
    nested_offset: float

    def part_shapes(self) -> dict[str, tuple[str, int]]:
        """The tensors that belong to the weight: ending -> dtype and number of elements."""
        count = math.prod(self.shape)
        blocks = -(-count // self.block)
        parts = {"": ("U8", -(-count // 2)), ".quant_map": ("F32", 16)}
        if self.nested_block is None:
            return parts | {".absmax": ("F32", blocks)}
        nested = -(-blocks // self.nested_block)
        return parts | {
            ".absmax": ("U8", blocks),
            ".nested_absmax": ("F32", nested),
            ".nested_quant_map": ("F32", 256),
        }


def parse_state(text: bytes, where: str) -> Nf4State:
    """The state in the JSON bytes that bitsandbytes stores.

    Raises:
        ModelError: it is not such a state, or has numbers that no weight has.
    """
    try:
        state = json.loads(text)
        nested = state.get("nested_blocksize")
        parsed = Nf4State(
            shape=tuple(int(size) for size in state["shape"]),
            dtype=str(state["dtype"]),
            block=int(state["blocksize"]),
            nested_block=None if nested is None else int(nested),
            nested_offset=float(state.get("nested_offset", 0.0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise _bad_state(f"it cannot be read ({type(problem).__name__}: {problem})", where) from None
    sizes = (*parsed.shape, parsed.block, parsed.nested_block or 1)
    if not parsed.shape or not all(0 < size < 2**40 for size in sizes):
        raise _bad_state("it has impossible sizes", where)
    if parsed.dtype not in _DTYPES or not math.isfinite(parsed.nested_offset):
        raise _bad_state(f"its dtype {parsed.dtype!r} or offset is not known", where)
    return parsed


def dequantize_nf4(parts: Mapping[str, mx.array], state: Nf4State) -> mx.array:
    """The weight (rows, columns) in the dtype it had, from its parts by ending ("" is the packed weight).

    Each byte holds two weights, the first in its high half. Every step is a float32 operation of its own, as
    in bitsandbytes, so the result is the same bit for bit.
    """
    absmax = parts[".absmax"].reshape(-1)
    if state.nested_block is not None:
        scale = parts[".nested_quant_map"][absmax]
        absmax = _times_blocks(scale, parts[".nested_absmax"].reshape(-1), state.nested_block)
        absmax = absmax + mx.array(state.nested_offset, mx.float32)
    packed = parts[""].reshape(-1, 1)
    codes = mx.concatenate([packed >> 4, packed & 15], axis=1).reshape(-1)
    count = math.prod(state.shape)
    values = parts[".quant_map"][codes[:count]]
    return _times_blocks(values, absmax, state.block).astype(_DTYPES[state.dtype]).reshape(state.shape)


def _times_blocks(values: mx.array, scales: mx.array, block: int) -> mx.array:
    """values (n,) times the scale of each one's block; the last block may be short."""
    count = values.size
    full = count // block
    product = (values[: full * block].reshape(full, block) * scales[:full, None]).reshape(-1)
    if count == full * block:
        return product
    return mx.concatenate([product, values[full * block :] * scales[full]])


def _bad_state(why: str, where: str) -> ModelError:
    return ModelError(
        "damaged-weights", f"The state of a 4-bit weight is damaged: {why}.", where=where,
        fix="Download this file again.",
    )  # fmt: skip
