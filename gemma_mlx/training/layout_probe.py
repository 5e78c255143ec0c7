"""Whether a GPU trains faster on rows end to end or on padded rows in compiled steps: measured once and kept.

Packing computes no padding; padding makes few shapes, so that steps are compiled. Which of the two wins
depends on the GPU and on MLX. On CPUs compiling gains nothing, and packing won wherever it was measured.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import mlx.core as mx

from gemma_mlx.adapters.lora import add_lora
from gemma_mlx.data.batches import collate_packed, collate_padded
from gemma_mlx.data.formats import Example
from gemma_mlx.errors import GemmaError
from gemma_mlx.library.store import data_root, read_json, write_json
from gemma_mlx.models.config import parse_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import LoraSettings, TrainSettings
from gemma_mlx.training.backend import backend
from gemma_mlx.training.step import StepFunction, to_inputs
from gemma_mlx.training.strategy import ROUNDED_ROWS

Layout = Literal["padded", "packed"]
SHAPE: Mapping[str, Any] = {
    "model_type": "gemma2", "vocab_size": 8192, "hidden_size": 1024, "intermediate_size": 4096,
    "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 128,
    "query_pre_attn_scalar": 128, "sliding_window": 4096, "hidden_activation": "gelu_pytorch_tanh",
}  # fmt: skip
LENGTHS = ((96, 128, 128, 160), (256, 288, 320, 384), (128, 192, 512, 640), (96, 160, 224, 1024))
"""Batches as the trainer makes them: of rows of like lengths, some of them with one that is longer."""
_ROUNDS = 3


@dataclass(frozen=True)
class LayoutRates:
    """Tokens of text a second by layout. `key` names the device and MLX's version."""

    key: str
    packed: float
    padded: float

    @property
    def better(self) -> Layout:
        return "packed" if self.packed > self.padded else "padded"


def better_layout(path: Path | None = None) -> Layout:
    """The layout that this GPU is faster with, from the file where it is kept or measured now (seconds)."""
    path = path or data_root() / "layouts.json"
    key = f"{mx.device_info().get('device_name', '')} {backend()} MLX {version('mlx')}"
    try:
        kept = LayoutRates(**read_json(path))
        if kept.key == key and min(kept.packed, kept.padded) > 0:
            return kept.better
    except (GemmaError, TypeError):
        pass
    try:
        found = LayoutRates(key, **measure_layouts())
    except RuntimeError:  # no memory for it, or a kernel that does not compile: what was measured elsewhere
        return "padded"
    with contextlib.suppress(GemmaError):  # where it cannot be kept it is measured again the next time
        write_json(path, asdict(found))
    return found.better


def measure_layouts(
    shape: Mapping[str, Any] = SHAPE, lengths: tuple[tuple[int, ...], ...] = LENGTHS, rounds: int = _ROUNDS
) -> dict[str, float]:
    """Tokens of text a second of a small model's steps in each layout, in turn; the best of some rounds."""
    best = {"packed": 0.0, "padded": 0.0}
    batches = [_rows(each, int(shape["vocab_size"])) for each in lengths]
    tokens = sum(map(sum, lengths))
    steps = {layout: _step_function(shape, compiled=layout == "padded") for layout in best}
    for number in range(rounds + 1):
        for layout, step in steps.items():
            collate = collate_packed if layout == "packed" else collate_padded
            started = time.perf_counter()
            for rows in batches:
                inputs = to_inputs(collate(rows), ROUNDED_ROWS if step.compiled else 1)
                step.gradients(step.parameters(), inputs, 0, 0)
            if number:  # the first round compiles
                best[layout] = max(best[layout], tokens / (time.perf_counter() - started))
    # A step function and what it compiled hold each other.
    steps.clear()
    del step
    gc.collect()
    mx.clear_cache()
    return best


def _step_function(shape: Mapping[str, Any], *, compiled: bool) -> StepFunction:
    decoder = Decoder(parse_config(dict(shape), "the layouts' shape"))
    decoder.set_dtype(mx.bfloat16)
    decoder.freeze()
    add_lora(decoder, LoraSettings(rank=8), 0)
    mx.eval(decoder.parameters())
    return StepFunction(decoder, TrainSettings(), None, compiled=compiled)


def _rows(lengths: tuple[int, ...], vocabulary: int) -> list[Example]:
    return [
        Example([(7 * place + row) % vocabulary for place in range(length)], [False, *[True] * (length - 1)],
                "layouts", row, "")
        for row, length in enumerate(lengths)
    ]  # fmt: skip
