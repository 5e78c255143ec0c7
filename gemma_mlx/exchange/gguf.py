"""Gemma as a GGUF file for llama.cpp, LM Studio and Ollama: a base, a merged model, or an adapter alone.

Without torch and without llama.cpp: the `gguf` package (an extra) writes the container and quantizes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from gemma_mlx.adapters.lora import LoraLinear, dense_weight, lora_modules
from gemma_mlx.errors import AdapterError, GemmaError, ModelError
from gemma_mlx.events import Done, Event, Progress, Warning
from gemma_mlx.exchange.gguf_names import (
    ARCHITECTURES,
    check_representable,
    gguf_name,
    query_factor,
    write_fields,
)
from gemma_mlx.exchange.gguf_vocabulary import Vocabulary, read_vocabulary
from gemma_mlx.library.store import atomic_folder, safe_name
from gemma_mlx.load import Loaded, load_model
from gemma_mlx.models.config import ModelConfig, parameter_shapes, read_config
from gemma_mlx.weights.files import grouped
from gemma_mlx.weights.packing import module_at

GgufKind = Literal["f16", "bf16", "q8_0", "q4_0"]
KINDS: tuple[GgufKind, ...] = ("f16", "bf16", "q8_0", "q4_0")

_FILE_TYPES = {"f16": 1, "bf16": 32, "q8_0": 7, "q4_0": 2}  # LlamaFileType
_BLOCK = 32  # weights of one row that share a scale in Q8_0 and Q4_0


def export_gguf(
    base: Path, target: Path, *, adapter: Path | None = None, kind: GgufKind = "f16"
) -> Iterator[Event]:
    """Write a model, with its adapter folded in if there is one, as a folder of a .gguf file and a Modelfile.

    Norms stay float32; with q4_0 the embedding, which is the head too, is q8_0. Yields Progress, and Done
    with {"path", "file", "bytes", "kind"}.

    Raises:
        ModelError, TokenizerError, AdapterError: something cannot be used, or llama.cpp cannot represent it.
        GemmaError: `missing-package`, `folder-exists`, `cannot-write`.
    """
    gguf = _package()
    config = read_config(base)
    check_representable(config, base)
    loaded, warnings = _load(base, adapter, config)
    yield from warnings
    vocabulary = read_vocabulary(base, loaded.config)
    name = safe_name(target.name)
    file_name = f"{name}-{kind.upper()}.gguf"
    with atomic_folder(target) as draft:
        yield from _write_model(gguf, draft / file_name, loaded, vocabulary, kind, name)
        (draft / "Modelfile").write_text(modelfile(file_name, vocabulary), encoding="utf-8")
        size = (draft / file_name).stat().st_size
    yield Done({"path": str(target), "file": str(target / file_name), "bytes": size, "kind": kind})


def export_gguf_adapter(base: Path, adapter: Path, target: Path) -> Iterator[Event]:
    """Write an adapter alone as a folder of a .gguf file (`llama-cli --lora`). Done as `export_gguf`'s.

    llama.cpp scales by alpha / rank of the tensor; what a module's own factor differs by goes into its B.

    Raises:
        AdapterError: it is a DoRA adapter, which llama.cpp does not know, or cannot be used.
        ModelError, GemmaError: as `export_gguf`.
    """
    gguf = _package()
    config = read_config(base)
    check_representable(config, base)
    loaded, warnings = _load(base, adapter, config)
    yield from warnings
    modules = list(lora_modules(loaded.model))
    if any("lora_magnitude_vector" in module for _, module in modules):
        raise AdapterError(
            "dora-in-gguf", "llama.cpp knows no DoRA adapters.", where=str(adapter),
            fix="Export the merged model instead.", kept="Nothing was written.",
        )  # fmt: skip
    alpha = modules[0][1].scale * modules[0][1].rank
    name = safe_name(target.name)
    with atomic_folder(target) as draft:
        path = draft / f"{name}-lora.gguf"
        with contextlib.closing(gguf.GGUFWriter(path, ARCHITECTURES[config.generation])) as writer:
            writer.add_type("adapter")
            writer.add_name(name)
            writer.add_string("adapter.type", "lora")
            writer.add_float32("adapter.lora.alpha", alpha)
            for place, (path_in_model, module) in enumerate(modules, start=1):
                factor = module.scale * module.rank / alpha * _factor_of(path_in_model, config)
                tensor = gguf_name(path_in_model, config)
                writer.add_tensor(f"{tensor}.lora_a", _numpy(module.lora_A))
                writer.add_tensor(f"{tensor}.lora_b", _numpy(module.lora_B * factor))
                yield Progress("Writing the adapter", place, len(modules), "modules")
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        size = path.stat().st_size
    yield Done({"path": str(target), "file": str(target / path.name), "bytes": size, "kind": "lora"})


def refuse_gguf(path: Path) -> ModelError:
    """The error for a GGUF file that somebody wants to load: MLX's reader crashes on damaged ones."""
    return ModelError(
        "gguf-import", "GGUF files are written here, not read.",
        where=str(path),
        fix="Take the same model in Hugging Face's format (config.json, .safetensors): `gemma-mlx download`.",
    )  # fmt: skip


def modelfile(file_name: str, vocabulary: Vocabulary) -> str:
    """Ollama's Modelfile beside the .gguf: Gemma's turns in Ollama's own template language."""
    lines = [f"FROM ./{file_name}"]
    if vocabulary.tokenizer.control_id("<end_of_turn>") is not None:
        lines += [
            'TEMPLATE """{{- range $i, $_ := .Messages }}{{- $last := eq (len (slice $.Messages $i)) 1 }}',
            '{{- if or (eq .Role "user") (eq .Role "system") }}<start_of_turn>user',
            "{{ .Content }}<end_of_turn>",
            "{{ if $last }}<start_of_turn>model",
            '{{ end }}{{- else if eq .Role "assistant" }}<start_of_turn>model',
            "{{ .Content }}{{ if not $last }}<end_of_turn>",
            '{{ end }}{{- end }}{{- end }}"""',
            'PARAMETER stop "<end_of_turn>"',
        ]
    return "\n".join(lines) + "\n"


def _write_model(
    gguf: Any, path: Path, loaded: Loaded, vocabulary: Vocabulary, kind: GgufKind, name: str
) -> Iterator[Event]:
    """The file, one tensor in memory at a time."""
    config = loaded.config
    with contextlib.closing(gguf.GGUFWriter(path, ARCHITECTURES[config.generation])) as writer:
        writer.add_name(name)
        writer.add_file_type(_FILE_TYPES[kind])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        write_fields(writer, config)
        vocabulary.write(writer)
        shapes = parameter_shapes(config)
        planned = {names[0].removesuffix(".weight"): shapes[names[0]] for _, names in grouped(shapes)}
        kinds = {module: _kind(gguf, module, shape, kind) for module, shape in planned.items()}
        for module, shape in planned.items():
            block, size = gguf.GGML_QUANT_SIZES[kinds[module]]
            count = int(np.prod(shape))
            stored = shape if block == 1 else (*shape[:-1], shape[-1] // block * size)
            numpy_type = _numpy_type(gguf, kinds[module])
            if kinds[module] == gguf.GGMLQuantizationType.BF16:
                stored = (*shape[:-1], shape[-1] * 2)
            writer.add_tensor_info(
                gguf_name(module, config), stored, numpy_type, count // block * size, raw_dtype=kinds[module]
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for place, module in enumerate(planned, start=1):
            weight = _weight(module_at(loaded.model, module), module, config)
            with np.errstate(over="ignore"):  # told below
                data = gguf.quants.quantize(weight, kinds[module])
            if data.dtype.kind == "f" and not np.isfinite(data).all():
                raise ModelError(
                    "too-large-for-f16", "A weight is too large for float16.", where=module,
                    fix="Export as bf16, or as q8_0.", kept="Nothing was written.",
                )  # fmt: skip
            writer.write_tensor_data(data)
            yield Progress("Writing the GGUF file", place, len(planned), "tensors", note=module)


def _weight(module: nn.Module, path: str, config: ModelConfig) -> np.ndarray:
    """A module's weight in float32 as llama.cpp wants it."""
    weight = module.merged_weight() if isinstance(module, LoraLinear) else dense_weight(module)
    weight = weight.astype(mx.float32)
    if weight.ndim == 1:
        weight = weight + 1  # Gemma's norms multiply by 1 + weight; llama.cpp's by the weight
    return _numpy(weight * _factor_of(path, config))


def _factor_of(path: str, config: ModelConfig) -> float:
    """The share of the attention's scale that goes into this module: the queries' last linear operation."""
    return query_factor(config) if path.endswith("q_norm" if config.qk_norm else "q_proj") else 1.0


def _kind(gguf: Any, module: str, shape: tuple[int, ...], kind: GgufKind) -> Any:
    types = gguf.GGMLQuantizationType
    if len(shape) == 1:
        return types.F32
    if kind in ("q8_0", "q4_0") and shape[-1] % _BLOCK:
        return types.F16
    if kind == "q4_0" and module in ("model.embed_tokens", "lm_head"):
        return types.Q8_0
    return types[kind.upper()]


def _numpy_type(gguf: Any, kind: Any) -> np.dtype[Any]:
    types = gguf.GGMLQuantizationType
    return np.dtype({types.F32: np.float32, types.F16: np.float16}.get(kind, np.uint8))


def _numpy(array: mx.array) -> np.ndarray:
    return np.array(array.astype(mx.float32), copy=True)


def _load(base: Path, adapter: Path | None, config: ModelConfig) -> tuple[Loaded, list[Event]]:
    waiting: list[Event] = []
    # Quantized weights are dequantized in the width of their scales: take the exact one.
    width = "float32" if config.quantization else None
    loaded = load_model(base, adapter=adapter, dtype=width, progress=waiting.append)
    return loaded, [event for event in waiting if isinstance(event, Warning)]


def _package() -> Any:
    try:
        # Imported here: it is an extra.
        import gguf
    except ImportError:
        raise GemmaError(
            "missing-package", "Writing GGUF files needs the package gguf.",
            fix="Install it: python -m pip install gguf, or gemma-mlx[export].",
        ) from None  # fmt: skip
    return gguf
