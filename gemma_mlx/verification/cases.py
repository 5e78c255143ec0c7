"""The tiny models that both sides of a comparison build from a name and a seed, as plain data.

No framework is imported here; seeded.py makes the weights. All of them are representable in bf16, so that one
gold serves fp32 and bf16 runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from gemma_mlx.models.config import parameter_shapes, parse_config
from gemma_mlx.verification.seeded import bell, make_ids

Dialect = Literal["hub", "transformers"]

WINDOW = 16
"""Sliding window of the tiny models, in tokens."""
LENGTHS = (WINDOW - 1, WINDOW, WINDOW + 1, WINDOW * 5 // 2)
"""Prompt lengths of every case: around the window and far beyond it."""
LONG_PROMPT = 560
"""Tokens after which the sliding layers' cache has let go of some (it grows by 256)."""
VOCABULARY = 256
GREEDY_TOKENS = 60
GREEDY_PROMPT = 12
GREEDY_SEEDS = 6
NOISE_SEEDS = 16
"""Seeds behind a generation's bf16 figures: errors of one seed scatter by ten percent, their mean by 2.5."""
TRAIN_STEPS = 60
LEARNING_RATE = 3e-4
WEIGHT_DECAY = 0.01
LORA_RANK, LORA_ALPHA = 4, 8.0
LINEAR_MODULES = (
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A tiny model: its generation and what differs from that generation's tiny default.

    `everything`: recorded with training; other cases only with the forward pass.
    """

    name: str
    generation: str
    dialect: Dialect = "hub"
    changes: Mapping[str, Any] = field(default_factory=dict)
    lora: Mapping[str, bool] = field(default_factory=dict)
    everything: bool = False

    def config_json(self, dialect: Dialect | None = None) -> dict[str, Any]:
        """config.json of this case in one of its two dialects (the case's own by default)."""
        fields = {**_DEFAULTS[self.generation], **self.changes}
        return _WRITERS[dialect or self.dialect](self.generation, fields)


_SHARED: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 6,
    "num_attention_heads": 4, "head_dim": 32, "rms_norm_eps": 1e-6, "max_position_embeddings": 8192,
    "attention_bias": False, "attention_dropout": 0.0, "tie_word_embeddings": True,
    "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0, "base": 10_000.0,
}  # fmt: skip
_DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma": {**_SHARED, "num_key_value_heads": 1},
    "gemma2": {
        **_SHARED, "num_key_value_heads": 2, "query_pre_attn_scalar": 24, "sliding_window": WINDOW,
        "pattern": 2,
        "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
    },
    "gemma3_text": {
        **_SHARED, "num_key_value_heads": 1, "query_pre_attn_scalar": 24, "sliding_window": WINDOW,
        "num_hidden_layers": 8, "pattern": 6, "base": 1_000_000.0, "local_base": 10_000.0, "factor": 8.0,
        "attn_logit_softcapping": None, "final_logit_softcapping": None,
    },
}  # fmt: skip

CASES: tuple[Case, ...] = (
    Case("gemma1", "gemma", everything=True),
    Case("gemma2", "gemma2", everything=True),
    Case("gemma3", "gemma3_text", everything=True),
    Case("gemma1-modern", "gemma", "transformers", {"base": 5_000.0}),
    Case("gemma2-modern", "gemma2", "transformers", {"base": 5_000.0, "pattern": 3}),
    Case(
        "gemma3-modern",
        "gemma3_text",
        "transformers",
        {"base": 500_000.0, "local_base": 5_000.0, "pattern": 3},
    ),
    Case("gemma1-heads", "gemma", changes={"num_key_value_heads": 4}),
    Case("gemma1-hidden72", "gemma", changes={"hidden_size": 72}),
    Case("gemma2-hidden72", "gemma2", changes={"hidden_size": 72}),
    Case("gemma3-hidden72", "gemma3_text", changes={"hidden_size": 72}),
    Case(
        "gemma2-uncapped", "gemma2", changes={"attn_logit_softcapping": None, "final_logit_softcapping": None}
    ),
    Case("gemma1-untied", "gemma", changes={"tie_word_embeddings": False}),
    Case("gemma2-untied", "gemma2", changes={"tie_word_embeddings": False}),
    Case("gemma3-untied", "gemma3_text", changes={"tie_word_embeddings": False}),
    Case("gemma2-resized", "gemma2", changes={"vocab_size": 263}),
    Case("gemma3-resized", "gemma3_text", "transformers", {"vocab_size": 263}),
    Case("gemma3-pattern3", "gemma3_text", changes={"pattern": 3, "factor": None}),
    Case("gemma2-bias", "gemma2", changes={"attention_bias": True}),
    Case("gemma2-rslora", "gemma2", lora={"use_rslora": True}, everything=True),
    Case("gemma3-dora", "gemma3_text", lora={"use_dora": True}, everything=True),
)
LIVE_CASES = (Case("gemma3-heads", "gemma3_text", changes={"num_key_value_heads": 2}),)
"""Compared where torch is; the committed recording has them when it is made anew."""
BY_NAME = {case.name: case for case in (*CASES, *LIVE_CASES)}
GENERATIONS = ("gemma1", "gemma2", "gemma3")
"""The cases that stand for a generation, in the seeds' statistics."""


def _kinds(fields: Mapping[str, Any]) -> list[str]:
    return [
        "full_attention" if (index + 1) % fields["pattern"] == 0 else "sliding_attention"
        for index in range(fields["num_hidden_layers"])
    ]


def _plain(generation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    own = {"pattern", "base", "local_base", "factor"}
    kept = {name: value for name, value in fields.items() if name not in own}
    return {"model_type": generation, "architectures": [_ARCHITECTURES[generation]], **kept}


def _hub(generation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """As the files on the hub were written: rope_theta, sliding_window_pattern, hidden_activation."""
    raw = {**_plain(generation, fields), "torch_dtype": "bfloat16", "rope_theta": fields["base"]}
    if generation == "gemma":
        # The value of the first releases. It says exact GELU and means the tanh form.
        return {**raw, "hidden_act": "gelu"}
    raw["hidden_activation"] = "gelu_pytorch_tanh"
    if generation == "gemma3_text":
        raw |= {"sliding_window_pattern": fields["pattern"], "rope_local_base_freq": fields["local_base"]}
        if fields["factor"]:
            raw["rope_scaling"] = {"rope_type": "linear", "factor": fields["factor"]}
    return raw


def _transformers(generation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """As transformers 5 writes them: rope_parameters, layer_types."""
    raw = {**_plain(generation, fields), "dtype": "bfloat16"}
    default = {"rope_type": "default", "rope_theta": fields["base"]}
    if generation == "gemma":
        return {**raw, "hidden_act": "gelu_pytorch_tanh", "rope_parameters": default}
    raw |= {
        "hidden_activation": "gelu_pytorch_tanh",
        "layer_types": _kinds(fields),
        "rope_parameters": default,
    }
    if generation == "gemma3_text":
        full = dict(default)
        if fields["factor"]:
            full |= {"rope_type": "linear", "factor": fields["factor"]}
        local = {"rope_type": "default", "rope_theta": fields["local_base"]}
        raw["rope_parameters"] = {"sliding_attention": local, "full_attention": full}
    return raw


_ARCHITECTURES = {
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
}
_WRITERS = {"hub": _hub, "transformers": _transformers}


def lora_shapes(
    raw: dict[str, Any], rank: int = LORA_RANK
) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Module path ("model.layers.0.self_attn.q_proj") with the shapes of its A (r, in) and B (out, r)."""
    for name, shape in parameter_shapes(parse_config(raw, "this case")).items():
        path = name.removesuffix(".weight")
        if path.endswith(LINEAR_MODULES) and name != path:
            yield path, (rank, shape[1]), (shape[0], rank)


def make_lora(raw: dict[str, Any], seed: int, rank: int = LORA_RANK) -> dict[str, np.ndarray]:
    """Initial A and B of every linear module, float32. B is not zero, so that A has gradients at once."""
    made = {}
    for path, a_shape, b_shape in lora_shapes(raw, rank):
        made[f"{path}.lora_A.weight"] = bell(f"{path}.lora_A", a_shape, seed, a_shape[1] ** -0.5)
        made[f"{path}.lora_B.weight"] = bell(f"{path}.lora_B", b_shape, seed, 0.02)
    return made


@dataclass(frozen=True)
class TrainRow:
    """One example: ids, and which of them the model has to produce."""

    ids: tuple[int, ...]
    loss_mask: tuple[bool, ...]


def make_batches(seed: int, vocabulary: int) -> list[list[TrainRow]]:
    """Four batches of two rows of unequal lengths, some beyond the window, that training takes in turn.

    The mask has two answers a row, as chats do; the longer row of a batch ends with the loss on, the shorter
    too, so that a target in its padding would be noticed.
    """
    batches = []
    for batch, lengths in enumerate([(24, 17), (15, 29), (20, 20), (31, 9)]):
        rows = []
        for row, length in enumerate(lengths):
            ids = make_ids(seed, length, vocabulary, purpose=100 + 10 * batch + row)
            mask = tuple(3 <= place < 6 or place >= length - length // 3 for place in range(length))
            rows.append(TrainRow(tuple(int(item) for item in ids), mask))
        batches.append(rows)
    return batches


def prompt(case: Case, seed: int) -> np.ndarray:
    """The case's prompt, of the greatest of LENGTHS; shorter ones are its beginnings."""
    return make_ids(seed, LENGTHS[-1], int(case.config_json()["vocab_size"]))


def long_prompt(case: Case) -> np.ndarray:
    """A prompt beyond what the sliding layers' cache keeps and beyond a block of attention's queries."""
    return make_ids(0, LONG_PROMPT, int(case.config_json()["vocab_size"]), purpose=3)


def greedy_prompt(case: Case, seed: int) -> np.ndarray:
    """The prompt that greedy decoding starts from."""
    return make_ids(seed, GREEDY_PROMPT, int(case.config_json()["vocab_size"]), purpose=1)


def point_names(layers: int) -> list[str]:
    """Where a forward pass is watched, in the order of computation."""
    names = ["embedding"]
    for index in range(layers):
        names += [f"layer {index} attention", f"layer {index} feed-forward", f"layer {index}"]
    return [*names, "final norm"]
