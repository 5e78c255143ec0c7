"""What a run gives to people: an adapter's folder, or after full fine-tuning a model's."""

from __future__ import annotations

from pathlib import Path

from mlx.utils import tree_flatten

from gemma_mlx.adapters.peft import save_adapter
from gemma_mlx.load import Loaded
from gemma_mlx.settings import RunSettings
from gemma_mlx.weights.files import save_weights


def publish(run: Path, loaded: Loaded, settings: RunSettings) -> Path:
    """Write the model's present weights to adapter/ or model/ of a run; what stood there stays until then.

    Raises:
        GemmaError: `cannot-write`; what stood there is intact.
    """
    if settings.training.method == "lora":
        target = run / "adapter"
        save_adapter(target, loaded.model, settings.lora, settings.model, replace=True)
    else:
        target = run / "model"
        weights = dict(tree_flatten(loaded.model.parameters()))
        save_weights(target, weights, loaded.config.raw, companions_of=loaded.folder, replace=True)
    return target
