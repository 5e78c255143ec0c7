"""What a run's objective and method ask of its data and its base."""

from __future__ import annotations

from gemma_mlx.data.table import ChosenRows, ExampleRows, PreferenceRows
from gemma_mlx.errors import TrainingError
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.settings import RunSettings

Rows = ExampleRows | PreferenceRows | ChosenRows


def rows_for(settings: RunSettings, rows: ExampleRows | PreferenceRows) -> Rows:
    """The rows as the objective takes them: of preference pairs, supervised training learns the chosen side.

    Raises:
        TrainingError: the objective needs pairs, and the rows are none.
    """
    if settings.training.objective == "sft":
        return rows.chosen() if isinstance(rows, PreferenceRows) else rows
    if not isinstance(rows, PreferenceRows):
        raise TrainingError(
            "needs-preferences",
            f"{settings.training.objective.upper()} learns from pairs of a chosen and a rejected answer; "
            "these rows have none.",
            where=settings.data.dataset,
            fix="Give rows with chosen and rejected answers, or choose the objective sft.",
        )
    return rows


def check_full(settings: RunSettings, config: ModelConfig) -> None:
    """Full fine-tuning needs weights that can be trained.

    Raises:
        TrainingError: the base is quantized, or the objective needs the frozen base as its reference.
    """
    if settings.quantization is not None or config.quantization is not None:
        raise TrainingError(
            "full-needs-dense", "All weights can only be trained where none is quantized.",
            where="training.method", fix="Train an adapter (method: lora), or give a base in 16 or 32 bit.",
        )  # fmt: skip
    if settings.training.objective == "dpo":
        raise TrainingError(
            "dpo-needs-adapter", "DPO compares with the frozen base, which full fine-tuning changes.",
            where="training.objective", fix="Train an adapter (method: lora), or choose orpo.",
        )  # fmt: skip
