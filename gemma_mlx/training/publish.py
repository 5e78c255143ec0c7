"""What a run gives to people: an adapter's folder, or after full fine-tuning a model's."""

from __future__ import annotations

from pathlib import Path

from mlx.utils import tree_flatten

from gemma_mlx.adapters.peft import write_adapter
from gemma_mlx.library.store import atomic_folder
from gemma_mlx.load import Loaded
from gemma_mlx.settings import RunSettings
from gemma_mlx.weights.files import write_weights


def publish(run: Path, loaded: Loaded, settings: RunSettings) -> Path:
    """Write the model's present weights to adapter/ or model/ of a run; what stood there stays until then.

    Raises:
        GemmaError: `cannot-write`; what stood there is intact.
    """
    lora = settings.training.method == "lora"
    target = run / ("adapter" if lora else "model")
    with atomic_folder(target, replace=True) as draft:
        if lora:
            write_adapter(draft, loaded.model, settings.lora, settings.model)
        else:
            weights = dict(tree_flatten(loaded.model.parameters()))
            write_weights(draft, weights, loaded.config.raw, companions_of=loaded.folder)
    return target
