"""The one door to a model: folder, quantization and adapter to a `Loaded`, ready to run or to train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import mlx.nn as nn

from gemma_mlx.errors import ModelError
from gemma_mlx.events import Event, Progress, Warning
from gemma_mlx.families import FAMILY_NAMES
from gemma_mlx.library.atomic import open_regular
from gemma_mlx.library.store import find_model
from gemma_mlx.models.config import ModelConfig, parameter_shapes, read_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.family_decoder import FamilyDecoder
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights.checks import CheckedModel, check_model
from gemma_mlx.weights.files import grouped
from gemma_mlx.weights.packing import module_at, put_module, quantized_module
from gemma_mlx.weights.prepare import prepare_modules, working_dtype
from gemma_mlx.weights.quantize import requantizing_warning
from gemma_mlx.weights.scheme import scheme_of

if TYPE_CHECKING:
    from gemma_mlx.text.tokenizer import Tokenizer

Builder = Callable[[ModelConfig], Decoder | FamilyDecoder]

BUILDERS: dict[str, Builder] = {"gemma": Decoder, "gemma2": Decoder, "gemma3_text": Decoder}
"""`ModelConfig.generation` to what makes the module. Other families are made by mlx-lm's definitions."""


@dataclass
class Loaded:
    """A model in memory. `warnings` are what a person should know of how it was loaded.

    `fingerprint` tells models apart (`Checkpoint.fingerprint`): runs and adapters keep it.
    """

    model: Decoder | FamilyDecoder
    config: ModelConfig
    folder: Path
    adapter: Path | None = None
    fingerprint: str = ""
    warnings: tuple[Warning, ...] = field(default=())

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The folder's tokenizer, read at first use: a folder without one loads too.

        Raises:
            TokenizerError: the folder has none, or it does not belong to the model.
        """
        # Imported here because a model runs without the libraries behind it.
        from gemma_mlx.text.tokenizer import load_tokenizer

        return load_tokenizer(self.folder, self.config)


def load_model(
    path: str | Path,
    adapter: str | Path | None = None,
    quantization: QuantizeSettings | None = None,
    dtype: str | None = None,
    progress: Callable[[Event], None] | None = None,
    *,
    check: bool = True,
) -> Loaded:
    """Load a model from a folder (or by a name of the library) and attach an adapter in PEFT's format.

    Without further wishes a model computes in the width in which it is stored. `quantization` quantizes while
    it loads, module by module. `dtype` (float32, bfloat16, float16) casts; Gemma was trained in bfloat16, and
    in float16 the activations of real checkpoints can overflow. bitsandbytes' NF4 checkpoints are kept at 8
    bit; with a `dtype` and no `quantization` they are dequantized to it. A folder that is quantized already
    is loaded as it is. `check` looks at every weight for NaN and infinity. `progress` is called with Progress
    and Warning events.

    Raises:
        ModelError: there is no model, or a file, field or tensor of it cannot be used.
        SettingsError: `dtype` is unknown.
        AdapterError: the adapter is unreadable or was made for another model.
    """
    folder = _model_folder(path)
    config = read_config(folder)
    model = check_model(folder, config)
    warnings = _warnings(model, quantization)
    if config.vocab_size != model.config.vocab_size:
        counts = f"config.json says {config.vocab_size} tokens, the weights have {model.config.vocab_size}"
        warnings.append(Warning("other-vocabulary", f"{counts}; the weights count."))
    if progress is not None:
        for warning in warnings:
            progress(warning)
    decoder = BUILDERS.get(model.config.generation, FamilyDecoder)(model.config)
    _fill(decoder, model, quantization, dtype, progress, check)
    decoder.eval()
    if isinstance(decoder, FamilyDecoder):
        decoder.check_calls(str(folder / "config.json"))
    loaded = Loaded(
        decoder, model.config, folder, fingerprint=model.checkpoint.fingerprint(), warnings=tuple(warnings)
    )
    if adapter is not None:
        _attach(loaded, Path(adapter).expanduser())
    return loaded


def _model_folder(path: str | Path) -> Path:
    folder = find_model(path)
    if not folder.is_dir():
        what = "This is a file, not a model's folder." if folder.exists() else "There is no such folder."
        raise ModelError(
            "no-model", what, where=str(folder),
            fix="Choose the folder that holds config.json and the .safetensors files.",
        )  # fmt: skip
    try:
        # A FIFO of this name would be waited for without end.
        open_regular(folder / "config.json").close()
    except FileNotFoundError:
        pass  # read_config says it
    except OSError as problem:
        raise ModelError(
            "unreadable-config", f"config.json cannot be read: {problem.strerror}.",
            where=str(folder / "config.json"), fix="Put the model's own file there.",
        ) from None  # fmt: skip
    return folder


def _fill(
    decoder: nn.Module,
    model: CheckedModel,
    settings: QuantizeSettings | None,
    dtype: str | None,
    progress: Callable[[Event], None] | None,
    check: bool,
) -> None:
    """Put every tensor into its module, quantized modules in the place of full ones."""
    width = working_dtype(model, settings, dtype)
    total = len(list(grouped(parameter_shapes(model.config))))
    for done, prepared in enumerate(prepare_modules(model, settings, dtype, check=check), start=1):
        module = module_at(decoder, prepared.path)
        if prepared.scheme is not None:
            put_module(
                decoder, prepared.path, quantized_module(module, prepared.tensors, prepared.scheme, width)
            )
        else:
            for name, tensor in prepared.tensors.items():
                setattr(module, name, tensor)
        if progress is not None:
            progress(Progress("Loading the model", done, total, "modules"))


def _warnings(model: CheckedModel, settings: QuantizeSettings | None) -> list[Warning]:
    warnings = []
    kind = model.config.generation
    if kind not in BUILDERS and kind not in FAMILY_NAMES:
        warnings.append(
            Warning(
                "unproven-family",
                f"Models of type {kind} run by mlx-lm's definition, which this project has not compared with "
                "PyTorch.",
            )
        )
    if model.schemes and settings is not None:
        assert model.quantization is not None
        if scheme_of(settings) != model.quantization.default:
            warnings.append(
                Warning(
                    "kept-quantization",
                    f"The model is stored quantized ({model.quantization.name}) and is used like that, not "
                    f"in {scheme_of(settings).name}.",
                    "Choose the 16-bit model to quantize it otherwise.",
                )
            )
    if model.states and settings is not None and settings.bits <= 4:
        warnings.append(requantizing_warning(settings))
    return warnings


def _attach(loaded: Loaded, adapter: Path) -> None:
    # Imported here: most models are loaded without an adapter.
    from gemma_mlx.adapters.peft import load_adapter

    load_adapter(adapter, loaded.model)
    loaded.adapter = adapter
