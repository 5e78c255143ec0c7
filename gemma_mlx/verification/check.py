"""Whether a recording holds what a comparison needs: a file that someone sent is not trusted.

L length, V vocabulary, K kept positions, k kept words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gemma_mlx.models.config import parse_config
from gemma_mlx.verification import cases
from gemma_mlx.verification.plan import ModelPlan
from gemma_mlx.verification.recording import Recording, damaged

KINDS = ("tiny", "shape", "model")


def check_recording(recording: Recording) -> None:
    """Refuse a recording that lacks something, or whose indices lead out of an array.

    Raises:
        ModelError: "damaged-recording", with what is missing; or a configuration in it is refused.
    """
    entries = recording.manifest.get("cases")
    if not isinstance(entries, dict) or not entries:
        raise damaged("It holds no case.")
    for name in ("versions", "device", "made"):
        if name not in recording.manifest:
            raise damaged(f"It does not say its {name}.")
    for name, entry in entries.items():
        if not isinstance(entry, dict) or entry.get("kind") not in KINDS:
            raise damaged(f"The case {name} is of no known kind: a newer Gemma MLX may have recorded it.")
        try:
            check = _check_tiny if entry["kind"] == "tiny" else _check_model
            check(name, entry, recording)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
            raise damaged(f"The case {name} is not whole: {type(problem).__name__}: {problem}") from None


def _check_tiny(name: str, entry: Mapping[str, Any], recording: Recording) -> None:
    parse_config(dict(entry["config"]), "this recording")
    if name not in cases.BY_NAME:
        raise damaged(f"The case {name} is not known: a newer Gemma MLX may have recorded it.")
    _need(bool(entry["seeds"]), "no seed")
    for seed, scalars in entry["seeds"].items():
        arrays = recording.of(f"{name}/{int(seed)}")
        _need(_is_number(scalars["noise"]["logits"]), "the reference's own noise")
        _need(_is_number(scalars["bf16"]["logits"]), "the reference's own bf16")
        _need(arrays["points"].ndim == 3, "points")
        _need(any(key.startswith("logits.") for key in arrays), "logits")
        if "train" in scalars:
            _need(any(key.startswith("gradient/") for key in arrays), "gradients")
            _need(_is_number(scalars["train"]["loss fp32"]), "the loss")


def _check_model(name: str, entry: Mapping[str, Any], recording: Recording) -> None:
    config = parse_config(dict(entry["config"]), "this recording")
    arrays = recording.of(name)
    length, kept = len(arrays["ids"]), len(arrays["positions"])
    _need(length > 1 and kept > 0, "ids and positions")
    for key, shape in (
        ("likeliest", (length,)),
        ("margins", (length,)),
        ("normalizers", (length,)),
        ("targets", (length - 1,)),
        ("words", (kept, arrays["words"].shape[1])),
        ("logits", arrays["words"].shape),
    ):
        _need(arrays[key].shape == shape, f"{key} of shape {shape}, not {arrays[key].shape}")
    _need(len(arrays["points"]) == 3 * config.num_layers + 2, "a point for each layer")
    for key, most in (("ids", config.vocab_size), ("words", config.vocab_size), ("positions", length)):
        inside = arrays[key].min() >= 0 and arrays[key].max() < most
        _need(bool(inside), f"{key} from 0 to {most - 1}")
    _need(_is_number(entry["noise"]["logits"]), "the reference's own noise")
    _need(isinstance(entry["bf16"], dict), "the reference's own bf16")
    if "losses" in entry:
        ModelPlan(**entry["plan"])
        _need("row.0.ids" in arrays and "row.0.mask" in arrays, "the training row")
        _need(bool(arrays["row.0.mask"][1:].any()), "a training row with a target")
        _need(any(key.startswith("gradient/") for key in arrays), "gradients")


def _need(there: bool, what: str) -> None:
    if not there:
        raise ValueError(f"it needs {what}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))
