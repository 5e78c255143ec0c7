"""Tests of an adapter's picture: what PEFT's file says, and a refusal of what is none."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gemma_mlx.errors import AdapterError
from gemma_mlx.terminal import show_adapter
from gemma_mlx.terminal.output import Output


def test_what_pefts_file_says(tmp_path: Path) -> None:
    config = {
        "peft_type": "LORA", "r": 8, "lora_alpha": 16, "lora_dropout": 0.05, "target_modules": ["q_proj"],
        "base_model_name_or_path": "google/gemma-2-2b",
    }  # fmt: skip
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"12345")
    document = show_adapter.describe(tmp_path)
    assert document["rank"] == 8 and document["alpha"] == 16 and document["modules"] == ["q_proj"]
    assert document["bytes"] == 5
    stream = StringIO()
    show_adapter.draw(document, Output(stdout=Console(file=stream, width=200)))
    assert "google/gemma-2-2b" in stream.getvalue()


def test_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(AdapterError):
        show_adapter.describe(tmp_path)
