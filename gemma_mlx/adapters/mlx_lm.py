"""mlx-lm's adapters into PEFT's form and back: the same update, other names, layouts and scale.

mlx-lm keeps `lora_a` (in, r), `lora_b` (r, out) and, with DoRA, `m` (out,) in adapters.safetensors, with one
rank and one factor (`scale`) for all modules. PEFT keeps `lora_A` (r, in), `lora_B` (out, r), and alpha / r.
Reference: mlx_lm/tuner/utils.py (linear_to_lora_layers, load_adapters), lora.py, dora.py.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import mlx.core as mx

from gemma_mlx.adapters.peft import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    by_module,
    read_adapter_config,
    read_tensors,
    refusal,
)
from gemma_mlx.errors import AdapterError, GemmaError
from gemma_mlx.library.store import atomic_folder, read_json
from gemma_mlx.settings import LINEAR_MODULES

MLX_LM_WEIGHTS = "adapters.safetensors"
_PARTS = {"lora_a": "lora_A.weight", "lora_b": "lora_B.weight", "m": "lora_magnitude_vector"}
_MOST_RANK = 4096


def is_mlx_lm_adapter(folder: Path) -> bool:
    """Whether a folder looks like one of mlx-lm's adapters."""
    return (folder / MLX_LM_WEIGHTS).exists() and not (folder / WEIGHTS_NAME).exists()


def import_mlx_lm(folder: Path, target: Path, *, base_model: str = "") -> dict[str, Any]:
    """Write mlx-lm's adapter in `folder` as a PEFT adapter. `base_model`: else what its config names.

    Returns {"path", "rank", "scale", "modules", "base_model"}. Whether it fits a model is seen when it is
    attached.

    Raises:
        AdapterError: the adapter is unreadable, damaged or no low-rank one; nothing is written.
        GemmaError: `folder-exists`, `cannot-write`.
    """
    config = _read_config(folder)
    tensors = read_tensors(folder / MLX_LM_WEIGHTS)
    modules = _modules(tensors, folder / MLX_LM_WEIGHTS, config["dora"])
    ranks = {parts["lora_a"].shape[1] for parts in modules.values()}
    if ranks != {config["rank"]}:
        raise refusal(
            folder / CONFIG_NAME, f"it says rank {config['rank']}, the tensors have {sorted(ranks)}"
        )
    renamed = {
        f"base_model.model.{path}.{_PARTS[part]}": mx.contiguous(array.T) if part != "m" else array
        for path, parts in modules.items()
        for part, array in parts.items()
    }
    alpha = config["scale"] * config["rank"]
    layers = sorted({int(path.split(".")[2]) for path in modules})
    base = base_model or config["model"]
    peft = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "r": config["rank"],
        "lora_alpha": int(alpha) if float(alpha).is_integer() else alpha, "lora_dropout": config["dropout"],
        "target_modules": sorted({path.rsplit(".", 1)[-1] for path in modules}),
        "layers_to_transform": layers, "layers_pattern": None, "rank_pattern": {}, "alpha_pattern": {},
        "use_rslora": False, "use_dora": config["dora"], "bias": "none", "fan_in_fan_out": False,
        "init_lora_weights": True, "inference_mode": True, "modules_to_save": None,
    }  # fmt: skip
    _write(target, WEIGHTS_NAME, renamed, peft, "pt")
    return {
        "path": str(target), "rank": config["rank"], "scale": config["scale"], "modules": len(modules),
        "base_model": base,
    }  # fmt: skip


def export_mlx_lm(folder: Path, target: Path, *, base_model: str = "") -> dict[str, Any]:
    """Write the PEFT adapter in `folder` as mlx-lm's (`mlx_lm.generate --adapter-path`).

    mlx-lm has one rank and one factor: smaller ranks are filled with zeros, and what a module's own factor
    differs by goes into its `lora_b`. Returns {"path", "rank", "scale", "modules", "base_model"}.

    Raises:
        AdapterError: the adapter is unreadable or damaged; nothing is written.
        GemmaError: `folder-exists`, `cannot-write`.
    """
    config = read_adapter_config(folder)
    modules = by_module(read_tensors(folder / WEIGHTS_NAME), folder)
    expected = {"lora_A", "lora_B"} | ({"lora_magnitude_vector"} if config.use_dora else set())
    for path, parts in modules.items():
        fits = set(parts) == expected and parts["lora_A"].ndim == parts["lora_B"].ndim == 2
        if not fits or parts["lora_A"].shape[0] != parts["lora_B"].shape[1] or not _in_layer(path):
            raise refusal(folder / WEIGHTS_NAME, f"{path} is no low-rank update of a linear module")
    rank = max(parts["lora_A"].shape[0] for parts in modules.values())
    first = next(iter(modules))
    scale = config.scale(first, modules[first]["lora_A"].shape[0])
    tensors = {}
    for path, parts in modules.items():
        own = parts["lora_A"].shape[0]
        room = [(0, 0), (0, rank - own)]
        factor = config.scale(path, own) / scale
        tensors[f"{path}.lora_a"] = mx.contiguous(mx.pad(parts["lora_A"].T.astype(mx.float32), room))
        lora_b = parts["lora_B"].astype(mx.float32) * factor
        tensors[f"{path}.lora_b"] = mx.contiguous(mx.pad(lora_b, room).T)
        if config.use_dora:
            tensors[f"{path}.m"] = parts["lora_magnitude_vector"].astype(mx.float32)
    base = base_model or config.base_model
    described = {
        "model": base,
        "fine_tune_type": "dora" if config.use_dora else "lora",
        # All layers: those without tensors of their own keep an update of zero.
        "num_layers": -1,
        "lora_parameters": {
            "rank": rank, "scale": scale, "dropout": config.dropout,
            "keys": sorted({path.split(".", 3)[3] for path in modules}),
        },
    }  # fmt: skip
    _write(target, MLX_LM_WEIGHTS, tensors, described, "mlx")
    return {"path": str(target), "rank": rank, "scale": scale, "modules": len(modules), "base_model": base}


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_NAME
    if not path.exists():
        raise AdapterError(
            "no-adapter", f"This folder holds no adapter: {CONFIG_NAME} is missing.", where=str(folder),
            fix="Choose the folder that holds adapter_config.json and adapters.safetensors.",
        )  # fmt: skip
    try:
        raw = read_json(path)
    except GemmaError as problem:
        raise refusal(path, problem.what.rstrip(".")) from None
    kind = raw.get("fine_tune_type", "lora")
    if kind not in ("lora", "dora"):
        raise refusal(path, f"fine_tune_type is {kind!r}: only lora and dora can be taken in")
    table = raw.get("lora_parameters")
    if not isinstance(table, dict) or "scale" not in table:
        raise refusal(path, "lora_parameters has no scale")
    try:
        rank, scale = int(table["rank"]), float(table["scale"])
        dropout = float(table.get("dropout") or 0.0)
    except (KeyError, TypeError, ValueError):
        raise refusal(path, "rank, scale or dropout is no number") from None
    sane = 1 <= rank <= _MOST_RANK and math.isfinite(scale) and 0 < scale < 1e4 and 0 <= dropout < 1
    if not sane:
        raise refusal(path, f"rank {rank}, scale {scale} or dropout {dropout} is out of all reason")
    model = raw.get("model")
    return {
        "rank": rank, "scale": scale, "dropout": dropout, "dora": kind == "dora",
        "model": model if isinstance(model, str) else "",
    }  # fmt: skip


def _modules(tensors: dict[str, mx.array], where: Path, dora: bool) -> dict[str, dict[str, mx.array]]:
    """Tensors by the decoder's module path and part, shapes checked against each other."""
    found: dict[str, dict[str, mx.array]] = {}
    for name, array in tensors.items():
        path, _, part = name.removeprefix("language_model.").rpartition(".")
        if part not in _PARTS or not _in_layer(path):
            raise refusal(where, f"tensor {name} is no low-rank update of a linear module")
        found.setdefault(path, {})[part] = array
    if not found:
        raise refusal(where, "it holds no tensors")
    expected = {"lora_a", "lora_b"} | ({"m"} if dora else set())
    for path, parts in found.items():
        if set(parts) != expected:
            raise refusal(where, f"{path} has {sorted(parts)} instead of {sorted(expected)}")
        a, b = parts["lora_a"], parts["lora_b"]
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
            raise refusal(where, f"{path}: lora_a is {a.shape} and lora_b {b.shape}")
        if dora and parts["m"].shape != (b.shape[1],):
            raise refusal(where, f"{path}: m is {parts['m'].shape}, {(b.shape[1],)} is needed")
    return found


def _in_layer(path: str) -> bool:
    """Whether the path is such as model.layers.0.self_attn.q_proj."""
    parts = path.split(".")
    return parts[:2] == ["model", "layers"] and len(parts) == 5 and parts[2].isdigit() and (
        parts[4] in LINEAR_MODULES
    )  # fmt: skip


def _write(target: Path, name: str, tensors: dict[str, mx.array], config: dict[str, Any], form: str) -> None:
    with atomic_folder(target) as draft:
        mx.save_safetensors(str(draft / name), tensors, {"format": form})
        (draft / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
