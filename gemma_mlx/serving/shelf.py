"""One base in memory and the adapters beside it, each by the name that clients call it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from gemma_mlx.adapters.lora import LoraLinear, lora_modules, remove_lora, replace_module
from gemma_mlx.adapters.peft import load_adapter

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded


class Shelf:
    """The base carries one adapter at a time, or none; `use` changes which. Nothing is loaded then."""

    def __init__(self, base: str, loaded: Loaded, adapters: Mapping[str, Path]) -> None:
        """Reads all adapters at once.

        Raises:
            AdapterError: one of them is unreadable or was made for another model.
        """
        assert loaded.adapter is None and base not in adapters
        self.base = base
        self.loaded = loaded
        self._modules: dict[str, dict[str, nn.Module]] = {base: {}}
        for name, folder in adapters.items():
            load_adapter(folder, loaded.model)
            self._modules[name] = dict(lora_modules(loaded.model))
            mx.eval([array for _, array in tree_flatten(loaded.model.trainable_parameters())])
            remove_lora(loaded.model)
        self._used = base
        loaded.model.eval()

    @property
    def names(self) -> list[str]:
        """The base's name first."""
        return list(self._modules)

    def use(self, name: str) -> None:
        """Makes the model answer as `name` from the next forward pass on."""
        if name == self._used:
            return
        model = self.loaded.model
        for path, module in self._modules[self._used].items():
            assert isinstance(module, LoraLinear)
            replace_module(model, path, module.base_layer)
        for path, module in self._modules[name].items():
            replace_module(model, path, module)
        self._used = name
