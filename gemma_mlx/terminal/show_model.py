"""A model's structure for people: a tree with shapes, widths and memory, from its files' headers alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from gemma_mlx.models.config import ModelConfig, parameter_count, parameter_shapes, read_config
from gemma_mlx.terminal.output import Output, size_text
from gemma_mlx.weights.checks import CheckedModel, check_model

_WIDTHS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_CACHE_BYTES = 2
"""Bytes of one key or value: the cache is kept in 16 bits."""


def describe(folder: Path) -> dict[str, Any]:
    """The model in a folder as one document.

    Raises:
        ModelError: it is no model that this program runs, or its files are not whole.
    """
    config = read_config(folder)
    checked = check_model(folder, config)
    config = checked.config
    modules = [_module(name, shape, checked) for name, shape in parameter_shapes(config).items()]
    widths = Counter[str]()
    for module in modules:
        widths[module["width"]] += module["bytes"]
    lengths = sorted({1024, 8192, config.max_position_embeddings} - {0})
    return {
        "kind": "model",
        "folder": str(folder),
        "generation": config.name,
        "parameters": parameter_count(config),
        "bytes": sum(module["bytes"] for module in modules),
        "width": widths.most_common(1)[0][0],
        "quantization": checked.quantization.name if checked.quantization else None,
        "context": config.max_position_embeddings,
        "vocabulary": config.vocab_size,
        "tokenizer": any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model")),
        "layers": config.num_layers,
        "hidden": config.hidden_size,
        "feed_forward": config.intermediate_size,
        "heads": config.num_heads,
        "kv_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "attention_softcap": config.attention_softcap,
        "final_softcap": config.final_softcap,
        "tied_head": config.tie_word_embeddings,
        "attention": [
            {"window": window, "rope_base": rope.base, "rope_factor": rope.factor}
            for window, rope in zip(config.layer_windows, config.layer_ropes, strict=True)
        ],
        "cache_bytes": {str(length): cache_bytes(config, length) for length in lengths},
        "modules": modules,
    }


def cache_bytes(config: ModelConfig, length: int) -> int:
    """Bytes of keys and values of one conversation of this many tokens; windows keep sliding layers small."""
    per_token = 2 * config.num_kv_heads * config.head_dim * _CACHE_BYTES
    return sum(per_token * min(length, window or length) for window in config.layer_windows)


def _module(name: str, shape: tuple[int, ...], checked: CheckedModel) -> dict[str, Any]:
    """One weight: its shape as the mathematics has it, and how it is stored."""
    path = name.removesuffix(".weight")
    parts = [tensor for key, tensor in checked.checkpoint.tensors.items() if _belongs(key, path, name)]
    size = sum(tensor.size for tensor in parts)
    if path in checked.schemes:
        width = checked.schemes[path].name
    elif path in checked.states:
        width = "nf4"
    else:
        width = _WIDTHS.get(checked.checkpoint.tensors[name].dtype, checked.checkpoint.tensors[name].dtype)
    return {"name": name, "shape": list(shape), "width": width, "bytes": size}


def _belongs(key: str, path: str, name: str) -> bool:
    """A weight's own tensor, its scales and biases, and NF4's tables."""
    return key == name or key in (f"{path}.scales", f"{path}.biases") or key.startswith(f"{name}.")


def draw(document: dict[str, Any], out: Output) -> None:
    """The document for people."""
    stored = document["quantization"] or document["width"]
    out.say(
        f"[bold]{escape(document['folder'])}[/]\n{document['generation']}, "
        f"{document['parameters'] / 1e6:,.1f} million parameters, {stored}, {size_text(document['bytes'])}"
    )
    if not document["tokenizer"]:
        out.say("[yellow]without a tokenizer: logits can be computed, text cannot be read or written[/]")
    out.say(_tree(document))
    out.table(
        ("Tokens in a chat", ">Cache", ">Weights and cache"),
        [
            (f"{int(length):,}", size_text(size), size_text(size + document["bytes"]))
            for length, size in document["cache_bytes"].items()
        ],
        title="\nMemory",
    )


def _tree(document: dict[str, Any]) -> Tree:
    by_layer: dict[int, list[dict[str, Any]]] = {}
    tree = Tree("model")
    for module in document["modules"]:
        parts = module["name"].split(".")
        if parts[:2] == ["model", "layers"]:
            by_layer.setdefault(int(parts[2]), []).append(
                {**module, "name": ".".join(parts[3:]).removesuffix(".weight")}
            )
    tree.add(_line(document["modules"][0], "embed_tokens"))
    for first, last, label in _runs(document, by_layer):
        count = last - first + 1
        size = sum(module["bytes"] for layer in range(first, last + 1) for module in by_layer[layer])
        name = f"layer {first}" if count == 1 else f"layers {first} to {last}"
        branch = tree.add(f"[bold]{name}[/] ({label}), {size_text(size)}")
        for module in by_layer[first]:
            branch.add(_line(module, module["name"]))
    for module in document["modules"]:
        if module["name"].startswith(("model.norm", "lm_head")):
            tree.add(_line(module, module["name"].removeprefix("model.").removesuffix(".weight")))
    if document["tied_head"]:
        tree.add("lm_head is embed_tokens (tied)")
    return tree


def _runs(document: dict[str, Any], by_layer: dict[int, list[dict[str, Any]]]) -> list[tuple[int, int, str]]:
    """Neighbouring layers that are alike, but for the alternation of windows, as (first, last, label)."""
    signatures = [
        tuple((module["name"], tuple(module["shape"]), module["width"]) for module in by_layer[layer])
        for layer in range(document["layers"])
    ]
    runs: list[tuple[int, int]] = []
    for layer, signature in enumerate(signatures):
        if runs and signatures[runs[-1][0]] == signature:
            runs[-1] = (runs[-1][0], layer)
        else:
            runs.append((layer, layer))
    return [(first, last, _attention(document["attention"][first : last + 1])) for first, last in runs]


def _attention(layers: list[dict[str, Any]]) -> str:
    """How a run of layers attends, in words."""
    kinds = Counter((layer["window"], layer["rope_base"], layer["rope_factor"]) for layer in layers)
    words = []
    for (window, base, factor), count in kinds.items():
        reach = f"a window of {window}" if window else "all tokens"
        scaled = f" / {factor:g}" if factor != 1 else ""
        words.append(f"{count} attend to {reach}, RoPE {base:g}{scaled}")
    return "; ".join(words)


def _line(module: dict[str, Any], name: str) -> str:
    shape = " x ".join(str(size) for size in module["shape"])
    stored = f"{module['width']}, {size_text(module['bytes'])}"
    return f"{name.removesuffix('.weight')}  [cyan]{shape}[/]  [dim]{stored}[/]"
