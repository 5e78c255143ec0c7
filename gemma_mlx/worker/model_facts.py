"""What can be said of a model folder without loading it: size, memory need, and why it cannot be used."""

from __future__ import annotations

from pathlib import Path

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.resources import resources_folder
from gemma_mlx.library.store import AdapterEntry, ModelEntry, list_adapters
from gemma_mlx.library.verification import read_verification
from gemma_mlx.models.config import ModelConfig, parameter_count, read_config
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.worker.machine import verdict
from gemma_mlx.worker.results import AdapterSummary, ModelSummary, Verification

CHAT_TOKENS = 8192
"""The conversation that a model's memory need is told for, or its whole context where that is shorter."""
_KEY_BYTES = 2
_SAMPLED_ROWS = 1024
_TOKENIZERS = ("tokenizer.json", "tokenizer.model")
_ORIGINS = {"library": "app", "hub-cache": "huggingface"}
_WIDTHS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def demo_folder() -> Path | None:
    """The embedded demo model, where it came along."""
    try:
        folder = resources_folder() / "demo" / "model"
    except GemmaError:
        return None
    return folder if (folder / "config.json").is_file() else None


def describe(folder: Path, allowed: int, entry: ModelEntry | None = None) -> ModelSummary:
    """A model for the list. `entry`: as the library found it; `allowed`: bytes that a model may take."""
    # Reads headers with numpy's and the standard library's means, but its module imports MLX.
    from gemma_mlx.weights.checks import check_model

    size = entry.size if entry else sum(path.stat().st_size for path in _files(folder))
    base = ModelSummary(
        path=str(folder),
        name=entry.name if entry else folder.name,
        origin=_ORIGINS.get(entry.source, "elsewhere") if entry else "elsewhere",
        generation=entry.generation if entry else "",
        size_bytes=size,
        allowed_bytes=allowed,
        has_tokenizer=any((folder / name).is_file() for name in _TOKENIZERS),
        verification=_verification(folder),
        adapters=tuple(_adapter(adapter) for adapter in (entry.adapters if entry else _adapters_of(folder))),
    )
    try:
        checked = check_model(folder, read_config(folder))
    except GemmaError as problem:
        return base.model_copy(update={"problem": problem.what, "fix": problem.fix})
    config = checked.config
    weights = sum(header.size for header in checked.checkpoint.tensors.values())
    needed = weights + cache_bytes(config)
    norm = checked.checkpoint.tensors.get("model.norm.weight")
    return base.model_copy(
        update={
            "generation": config.name,
            "parameters": parameter_count(config),
            "dtype": _WIDTHS.get(norm.dtype, norm.dtype) if norm is not None else "",
            "quantization": checked.quantization.name if checked.quantization else "",
            "context": config.max_position_embeddings,
            "memory_bytes": needed,
            "verdict": verdict(needed, allowed),
        }
    )


def cache_bytes(config: ModelConfig, tokens: int = CHAT_TOKENS) -> int:
    """Bytes of keys and values of a conversation of so many tokens; sliding layers stop at their window."""
    tokens = min(tokens, config.max_position_embeddings)
    each = 2 * config.num_kv_heads * config.head_dim * _KEY_BYTES
    return sum(each * min(tokens, window or tokens) for window in config.layer_windows)


def sampled_error(folder: Path, config: ModelConfig, settings: QuantizeSettings) -> float | None:
    """Relative RMSE of a sample of the linear weights; None where they are not in full width."""
    from gemma_mlx.weights.checks import check_model
    from gemma_mlx.weights.files import map_tensors
    from gemma_mlx.weights.packing import quantization_error, quantize_weight
    from gemma_mlx.weights.scheme import plan_quantization

    checked = check_model(folder, config)
    if checked.schemes or checked.states:
        return None
    weights = map_tensors(checked)
    middle = config.num_layers // 2
    errors = []
    for planned in plan_quantization(checked.config, settings).values():
        if f"layers.{middle}." not in planned.path or planned.scheme is None:
            continue
        sample = weights[f"{planned.path}.weight"][:_SAMPLED_ROWS]
        parts = quantize_weight(sample, planned.scheme)
        errors.append(quantization_error(sample, parts, planned.scheme))
    return sum(errors) / len(errors) if errors else None


def _adapters_of(folder: Path) -> list[AdapterEntry]:
    return [adapter for adapter in list_adapters() if adapter.base and Path(adapter.base) == folder]


def _verification(folder: Path) -> Verification | None:
    """The stored result of `gemma-mlx verify`; None where the model was never compared."""
    document = read_verification(folder)
    if document is None:
        return None
    return Verification(
        passed=document.get("verdict") == "pass",
        reference=str(document.get("reference", "")).rsplit(", ", 1)[0],  # the date of the recording
        made=str(document.get("made", "")),
    )


def _adapter(entry: AdapterEntry) -> AdapterSummary:
    return AdapterSummary(
        path=str(entry.path), name=entry.name, base=entry.base, rank=entry.rank or 0, size_bytes=entry.size,
        run=entry.run,
    )  # fmt: skip


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []
