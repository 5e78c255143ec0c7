"""What is measured on: seeded random weights of a real shape, and rows of chat-like or equal lengths."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gemma_mlx.data.formats import Example
from gemma_mlx.models.config import ModelConfig, parse_config

SHAPES: dict[str, dict[str, int]] = {
    # Two small shapes with the full vocabulary and two layers of the 2B, for CPUs; and the published ones.
    "gemma-2-nano": {"hidden": 256, "inner": 1024, "layers": 4, "heads": 4, "kv_heads": 2, "head_dim": 64},
    "gemma-2-small": {"hidden": 512, "inner": 2048, "layers": 6, "heads": 4, "kv_heads": 2, "head_dim": 128},
    "gemma-2-2b, 2 layers": {
        "hidden": 2304, "inner": 9216, "layers": 2, "heads": 8, "kv_heads": 4, "head_dim": 256,
    },
    "gemma-2-2b": {"hidden": 2304, "inner": 9216, "layers": 26, "heads": 8, "kv_heads": 4, "head_dim": 256},
    "gemma-2-9b": {"hidden": 3584, "inner": 14336, "layers": 42, "heads": 16, "kv_heads": 8, "head_dim": 256},
    "gemma-2-27b": {
        "hidden": 4608, "inner": 36864, "layers": 46, "heads": 32, "kv_heads": 16, "head_dim": 128,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Workload:
    """One measurement of training: the shape, the rows, and how the base is stored.

    `kind` "chat": lognormal lengths of this mean, prompts masked; "equal": all rows `mean` long, all with
    loss.
    """

    shape: str
    kind: str
    rows: int
    mean: int
    longest: int
    masked: float
    batch_size: int
    bits: int | None = 4
    wide: bool = False  # the base in float32, to compare what was learned
    vocabulary: int = 256_000
    window: int = 4096
    rank: int = 16
    checkpointing: bool = False
    loss_chunk: int | None = None
    unpack: bool | None = None  # dequantize before each product; None: as this machine is measured
    compiled: bool = False  # the whole step, on padded rows
    memory_limit_gb: float | None = None  # the run's ceiling, which MLX keeps to by waiting
    warm: bool = False  # an epoch before the one that is measured
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def raw_config(workload: Workload) -> dict[str, Any]:
    """config.json of the workload's shape (Gemma 2: softcaps, a window in every other layer)."""
    shape = SHAPES[workload.shape]
    return {
        "model_type": "gemma2",
        "vocab_size": workload.vocabulary,
        "hidden_size": shape["hidden"],
        "intermediate_size": shape["inner"],
        "num_hidden_layers": shape["layers"],
        "num_attention_heads": shape["heads"],
        "num_key_value_heads": shape["kv_heads"],
        "head_dim": shape["head_dim"],
        "query_pre_attn_scalar": shape["head_dim"],
        "sliding_window": workload.window,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "hidden_activation": "gelu_pytorch_tanh",
        "max_position_embeddings": 8192,
    }


def model_config(workload: Workload) -> ModelConfig:
    """The configuration of the workload's shape."""
    return parse_config(raw_config(workload), workload.shape)


def examples(workload: Workload) -> list[Example]:
    """The rows: random ids, a prompt without loss in front of each."""
    random = np.random.default_rng(workload.seed)
    if workload.kind == "equal":
        lengths = np.full(workload.rows, workload.mean)
    else:
        spread = 0.8
        lengths = random.lognormal(np.log(workload.mean) - spread**2 / 2, spread, workload.rows)
        lengths = np.clip(lengths, 8, workload.longest).astype(int)
    rows = []
    for index, length in enumerate(lengths.tolist()):
        ids = [2, *random.integers(3, workload.vocabulary, length).tolist()]
        # The share that is masked varies by 10 points around its mean, as prompts and answers do.
        share = workload.masked + random.uniform(-0.1, 0.1) if workload.masked else 0.0
        prompt = max(1, round(share * length))
        rows.append(Example(ids, [at >= prompt for at in range(len(ids))], "benchmark", index + 1, ""))
    return rows
