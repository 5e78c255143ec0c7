"""Which published Gemma trains on which Mac, by the forecast: the table in README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gemma_mlx.errors import TrainingError
from gemma_mlx.library.resources import resource
from gemma_mlx.library.store import read_json
from gemma_mlx.models.config import ModelConfig, parse_config
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training.planner import Rows, propose

MACS = (8, 16, 24, 36, 64)
"""Memory in GiB."""

ROWS = Rows(longest=1024, mean=512)
SHORT_ROWS = Rows(longest=256, mean=128)
_TYPES = {"Gemma 1": "gemma", "Gemma 2": "gemma2", "Gemma 3": "gemma3_text"}


def published_sizes() -> dict[str, ModelConfig]:
    """The shapes of the catalogue as configurations, by name.

    Raises:
        GemmaError: the catalogue did not come with the program.
    """
    shapes = read_json(resource("catalogue.json"))["shapes"]
    configs = {}
    for name, shape in shapes.items():
        fields = {key: value for key, value in shape.items() if key not in ("generation", "vision")}
        raw = {"model_type": _TYPES[shape["generation"]], **fields}
        if shape["generation"] == "Gemma 3":
            raw.setdefault("sliding_window", 512 if shape["hidden_size"] < 2560 else 1024)
        configs[name] = parse_config(raw, name)
    return configs


def allowed_on(gibibytes: int) -> int:
    """Bytes that a job may take on a Mac: what Metal recommends by default, two thirds or three quarters."""
    return gibibytes * 2**30 * (3 if gibibytes > 32 else 2) // (4 if gibibytes > 32 else 3)


def settings_of_table(rows: Rows) -> RunSettings:
    """A 4-bit base, rank 16 on all linear modules, one row at the least."""
    return RunSettings(
        quantization=QuantizeSettings(bits=4),
        data=DataSettings(max_length=rows.longest),
        training=TrainSettings(batch_size=1),
    )


def cell(config: ModelConfig, allowed: int) -> str:
    """What fits: "8 rows" without, "4 rows, c" with checkpointing; "short" rows only; "no"."""
    for rows in (ROWS, SHORT_ROWS):
        try:
            plan = propose(config, settings_of_table(rows), rows, allowed)
        except TrainingError:
            continue
        training = plan.settings.training
        marked = ", c" if training.gradient_checkpointing else ""
        if rows is SHORT_ROWS:
            return "short rows" + marked
        return f"{training.batch_size} {'row' if training.batch_size == 1 else 'rows'}{marked}"
    return "no"


def table(macs: Sequence[int] = MACS) -> list[dict[str, Any]]:
    """One entry for each published size: its name, and what fits each memory."""
    return [
        {"model": name} | {f"{size} GB": cell(config, allowed_on(size)) for size in macs}
        for name, config in published_sizes().items()
    ]


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table as Markdown."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"
