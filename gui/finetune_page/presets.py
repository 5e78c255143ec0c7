"""Quick, Balanced, Thorough: what each changes of the settings, by the size of the model."""

from __future__ import annotations

from typing import Any, Literal

from gemma_mlx.declaring import check_settings
from gemma_mlx.settings import RunSettings

PresetName = Literal["quick", "balanced", "thorough"]
PRESETS: tuple[PresetName, ...] = ("quick", "balanced", "thorough")
SMALL_MODEL = 100_000_000
"""Parameters below which a model learns with the demo recipe's larger learning rate."""

_TRAINING: dict[PresetName, dict[str, Any]] = {
    "quick": {"epochs": 1.0, "steps": 60, "batch_size": 4, "warmup_steps": 6, "schedule": "cosine"},
    "balanced": {"epochs": 2.0, "steps": None, "batch_size": 4, "warmup_steps": 20, "schedule": "cosine"},
    "thorough": {"epochs": 4.0, "steps": None, "batch_size": 8, "warmup_steps": 50, "schedule": "cosine"},
}
_RANKS: dict[PresetName, int] = {"quick": 8, "balanced": 16, "thorough": 32}


def with_preset(settings: RunSettings, name: PresetName, parameters: int = 0) -> RunSettings:
    """The settings with a preset's choices; all that it does not name stays. `parameters`: 0 is unknown."""
    rate = 1e-3 if 0 < parameters < SMALL_MODEL else 1e-4 if name == "thorough" else 2e-4
    rank = _RANKS[name]
    values = settings.model_dump()
    values["training"] |= {**_TRAINING[name], "learning_rate": rate}
    values["lora"] |= {"rank": rank, "alpha": 2.0 * rank}
    return check_settings(RunSettings, values, "preset")


def preset_of(settings: RunSettings, parameters: int = 0) -> PresetName | None:
    """The preset that these settings are those of; None where something was changed by hand."""
    return next((name for name in PRESETS if with_preset(settings, name, parameters) == settings), None)
