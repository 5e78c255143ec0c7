"""Adapters on disk as PEFT writes them: adapter_config.json and adapter_model.safetensors, both ways.

A stranger's adapter is checked in full (keys, shapes, finite values, sane rank and scale) before the base is
touched. Reference: peft/utils/save_and_load.py.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from gemma_mlx.adapters.lora import (
    LoraLinear,
    freeze_base,
    is_linear,
    linear_shape,
    lora_modules,
    replace_module,
    scale_of,
)
from gemma_mlx.errors import AdapterError
from gemma_mlx.library.store import atomic_folder
from gemma_mlx.settings import LINEAR_MODULES, LoraSettings

CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAME = "adapter_model.safetensors"
_KEY = re.compile(r"^(?P<path>.+)\.(?P<part>lora_A|lora_B|lora_magnitude_vector)(\.default)?(\.weight)?$")
_MOST_RANK = 4096


@dataclass(frozen=True)
class AdapterConfig:
    """What of adapter_config.json changes numbers."""

    rank: int
    alpha: float
    dropout: float
    use_rslora: bool
    use_dora: bool
    alpha_pattern: dict[str, float]
    base_model: str
    raw: dict[str, Any]

    def scale(self, path: str, rank: int) -> float:
        """The factor of the update at a module path."""
        matches = [name for name in self.alpha_pattern if path == name or path.endswith("." + name)]
        alpha = self.alpha_pattern[max(matches, key=len)] if matches else self.alpha
        return scale_of(alpha, rank, self.use_rslora)


def adapter_tensors(model: nn.Module) -> dict[str, mx.array]:
    """The adapter's tensors by PEFT's names."""
    tensors = {}
    for path, module in lora_modules(model):
        tensors[f"base_model.model.{path}.lora_A.weight"] = module.lora_A
        tensors[f"base_model.model.{path}.lora_B.weight"] = module.lora_B
        if "lora_magnitude_vector" in module:
            tensors[f"base_model.model.{path}.lora_magnitude_vector"] = module.lora_magnitude_vector
    return tensors


def peft_config(model: nn.Module, settings: LoraSettings, base_model: str) -> dict[str, Any]:
    """adapter_config.json of the adapter that the model carries."""
    modules = dict(lora_modules(model))
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "revision": None,
        "r": settings.rank,
        "lora_alpha": int(settings.alpha) if float(settings.alpha).is_integer() else settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": sorted({path.rsplit(".", 1)[-1] for path in modules}),
        "layers_to_transform": settings.layers,
        "layers_pattern": None,
        "rank_pattern": {
            path: module.rank for path, module in modules.items() if module.rank != settings.rank
        },
        "alpha_pattern": {},
        "use_rslora": settings.use_rslora,
        "use_dora": settings.use_dora,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "inference_mode": True,
        "modules_to_save": None,
    }


def write_adapter(folder: Path, model: nn.Module, settings: LoraSettings, base_model: str) -> None:
    """Writes the two files into an existing folder (a checkpoint that is being made)."""
    config = peft_config(model, settings, base_model)
    (folder / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    mx.save_safetensors(str(folder / WEIGHTS_NAME), adapter_tensors(model), {"format": "pt"})


def save_adapter(
    folder: Path, model: nn.Module, settings: LoraSettings, base_model: str, *, replace: bool = False
) -> None:
    """Publishes the adapter as a folder, whole or not at all; `replace`: what stands there goes then."""
    with atomic_folder(folder, replace=replace) as draft:
        write_adapter(draft, model, settings, base_model)


def read_adapter_config(folder: Path) -> AdapterConfig:
    """What adapter_config.json says.

    Raises:
        AdapterError: the file is missing or unreadable, is not LoRA, or uses what cannot be honoured here.
    """
    path = folder / CONFIG_NAME
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw.get("peft_type") != "LORA":
            raise refusal(path, f"it is of type {raw.get('peft_type')!r}, not LORA")
        for name, allowed in (
            ("bias", ("none", None)), ("modules_to_save", (None, [])), ("fan_in_fan_out", (False, None)),
            ("lora_bias", (False, None)), ("trainable_token_indices", (None, [])),
            ("target_parameters", (None, [])),
        ):  # fmt: skip
            if raw.get(name) not in allowed:
                raise refusal(path, f"{name} is {raw[name]!r}, which is not supported")
        config = AdapterConfig(
            rank=int(raw["r"]),
            alpha=float(raw["lora_alpha"]),
            dropout=float(raw.get("lora_dropout") or 0.0),
            use_rslora=bool(raw.get("use_rslora")),
            use_dora=bool(raw.get("use_dora")),
            alpha_pattern={str(key): float(value) for key, value in (raw.get("alpha_pattern") or {}).items()},
            base_model=str(raw.get("base_model_name_or_path") or ""),
            raw=raw,
        )
    except FileNotFoundError:
        raise AdapterError(
            "no-adapter", f"This folder holds no adapter: {CONFIG_NAME} is missing.", where=str(folder),
            fix="Choose the folder that holds adapter_config.json and adapter_model.safetensors.",
        ) from None  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise refusal(path, f"it cannot be read ({type(problem).__name__}: {problem})") from None
    alphas = [config.alpha, *config.alpha_pattern.values()]
    if not 1 <= config.rank <= _MOST_RANK or not all(
        math.isfinite(alpha) and 0 < alpha < 1e6 for alpha in alphas
    ):
        raise refusal(path, f"rank {config.rank} or alpha {config.alpha} is out of all reason")
    return config


def load_adapter(folder: Path, model: nn.Module) -> LoraSettings:
    """Puts a PEFT adapter on a model, frozen base below it. Returns the settings that describe it.

    Raises:
        AdapterError: the adapter is unreadable or was made for another model; the model is then untouched.
    """
    config = read_adapter_config(folder)
    tensors = read_tensors(folder / WEIGHTS_NAME)
    wrapped: dict[str, LoraLinear] = {}
    modules = dict(model.named_modules())
    for path, parts in by_module(tensors, folder).items():
        wrapped[path] = _wrap(modules.get(path), path, parts, config, folder)
    for path, module in wrapped.items():
        replace_module(model, path, module)
    freeze_base(model)
    return _settings(config, wrapped)


def read_tensors(path: Path) -> dict[str, mx.array]:
    if not path.is_file():
        old = path.with_name("adapter_model.bin").exists()
        why = "adapter_model.bin is a pickle, which can run code" if old else f"{path.name} is missing"
        raise AdapterError(
            "no-adapter-weights", f"The adapter has no weights to load: {why}.", where=str(path.parent),
            fix="Save the adapter again with PEFT's safe_serialization=True.",
        )  # fmt: skip
    try:
        tensors = mx.load(str(path))
        mx.eval(tensors)
    except (RuntimeError, ValueError, OSError) as problem:
        raise refusal(path, f"it cannot be read ({problem})") from None
    assert isinstance(tensors, dict)
    for name, tensor in tensors.items():
        if not mx.issubdtype(tensor.dtype, mx.floating) or not mx.isfinite(tensor).all().item():
            raise refusal(path, f"tensor {name} holds values that are not finite numbers")
    return tensors


def by_module(tensors: dict[str, mx.array], folder: Path) -> dict[str, dict[str, mx.array]]:
    """Tensors by module path and part. Multimodal prefixes and adapter names are taken off."""
    found: dict[str, dict[str, mx.array]] = {}
    for name, tensor in tensors.items():
        match = _KEY.match(name)
        if match is None:
            raise refusal(folder / WEIGHTS_NAME, f"tensor {name} belongs to no LoRA module")
        path = match["path"].removeprefix("base_model.model.")
        path = re.sub(r"^(language_model\.model|model\.language_model(\.model)?)\.", "model.", path)
        found.setdefault(path, {})[match["part"]] = tensor
    if not found:
        raise refusal(folder / WEIGHTS_NAME, "it holds no tensors")
    return found


def _wrap(
    base: nn.Module | None, path: str, parts: dict[str, mx.array], config: AdapterConfig, folder: Path
) -> LoraLinear:
    """One module of the adapter around its base, every shape checked."""
    where = f"{folder / WEIGHTS_NAME}, module {path}"
    expected = {"lora_A", "lora_B"} | ({"lora_magnitude_vector"} if config.use_dora else set())
    if isinstance(base, LoraLinear):
        raise AdapterError(
            "already-adapted", "This model carries an adapter already.", fix="Remove it first."
        )
    if base is None or not is_linear(base) or "layers" not in path.split("."):
        raise _mismatch(where, config, "this model has no such linear module")
    if set(parts) != expected:
        raise refusal(folder / WEIGHTS_NAME, f"{path} has {sorted(parts)} instead of {sorted(expected)}")
    outputs, inputs = linear_shape(base)
    rank = parts["lora_A"].shape[0]
    shapes = {"lora_A": (rank, inputs), "lora_B": (outputs, rank), "lora_magnitude_vector": (outputs,)}
    for part, tensor in parts.items():
        if tuple(tensor.shape) != shapes[part]:
            raise _mismatch(where, config, f"{part} is {tuple(tensor.shape)}, the model needs {shapes[part]}")
    module = LoraLinear(base, rank=rank, scale=config.scale(path, rank), use_dora=config.use_dora)
    for part, tensor in parts.items():
        setattr(module, part, tensor.astype(mx.float32))
    return module


def _settings(config: AdapterConfig, wrapped: dict[str, LoraLinear]) -> LoraSettings:
    layers = sorted({int(path.split(".")[path.split(".").index("layers") + 1]) for path in wrapped})
    names = sorted({path.rsplit(".", 1)[-1] for path in wrapped})
    return LoraSettings(
        modules=names if set(names) <= set(LINEAR_MODULES) else ["all-linear"],
        rank=config.rank,
        alpha=config.alpha,
        dropout=config.dropout,
        use_rslora=config.use_rslora,
        use_dora=config.use_dora,
        layers=layers if config.raw.get("layers_to_transform") is not None else None,
        rank_pattern={path: module.rank for path, module in wrapped.items() if module.rank != config.rank},
    )


def refusal(path: Path, why: str) -> AdapterError:
    return AdapterError(
        "bad-adapter", f"The adapter cannot be used: {why}.", where=str(path),
        fix="Save the adapter again, or choose another.", kept="The base model is as it was.",
    )  # fmt: skip


def _mismatch(where: str, config: AdapterConfig, why: str) -> AdapterError:
    made_for = f" It was made for {config.base_model}." if config.base_model else ""
    return AdapterError(
        "adapter-of-another-model", f"The adapter does not fit this model: {why}.{made_for}", where=where,
        fix="Choose the model that the adapter was trained on.", kept="The base model is as it was.",
    )  # fmt: skip
