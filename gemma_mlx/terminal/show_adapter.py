"""An adapter for people: for which model it was made, what it adapts and how strongly."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape

from gemma_mlx.adapters.peft import read_adapter_config
from gemma_mlx.terminal.output import Output, size_text


def describe(folder: Path) -> dict[str, Any]:
    """The adapter in a folder as one document.

    Raises:
        AdapterError: adapter_config.json is not PEFT's, or names a method that is not known here.
    """
    config = read_adapter_config(folder)
    size = sum(entry.stat().st_size for entry in folder.glob("*.safetensors"))
    values = asdict(config)
    modules = values.pop("raw").get("target_modules")
    return {"kind": "adapter", "folder": str(folder), "bytes": size, **values, "modules": modules}


def draw(document: dict[str, Any], out: Output) -> None:
    """The document for people."""
    out.say(f"[bold]{escape(document['folder'])}[/]\nan adapter of {size_text(document['bytes'])}")
    shown = {name: value for name, value in document.items() if name not in ("kind", "folder", "bytes")}
    out.table(("", ""), [(name.replace("_", " "), value) for name, value in shown.items()])
