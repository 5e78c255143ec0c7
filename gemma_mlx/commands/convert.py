"""`gemma-mlx convert`: takes in a model or an adapter of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx.errors import ModelError
from gemma_mlx.terminal.flags import JsonFlag
from gemma_mlx.terminal.output import Output
from gemma_mlx.terminal.progress import follow


def convert(
    source: Path,
    /,
    *,
    folder: Annotated[
        Path | None, Parameter(name="--out", help="The new folder; without it, a place in the library.")
    ] = None,
    base: Annotated[
        str, Parameter(help="For an adapter: the model that it was made for.", show_default=False)
    ] = "",
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Take in another program's files: mlx-lm's adapters, Flax and Keras weights of Gemma.

    Parameters
    ----------
    source
        The folder with the other program's files.
    """
    from gemma_mlx.adapters.mlx_lm import import_mlx_lm, is_mlx_lm_adapter
    from gemma_mlx.exchange.gguf import refuse_gguf
    from gemma_mlx.exchange.jax import import_flax, is_flax
    from gemma_mlx.exchange.keras import import_keras, is_keras
    from gemma_mlx.library.store import adapters_root, models_root, safe_name

    source = source.expanduser()
    if source.suffix == ".gguf" or (source.is_dir() and next(source.glob("*.gguf"), None)):
        raise refuse_gguf(source)
    name = safe_name(source.absolute().name)
    if source.is_dir() and is_mlx_lm_adapter(source):
        result = import_mlx_lm(source, folder or adapters_root() / name, base_model=base)
        kind = "mlx-lm adapter"
    elif source.is_dir() and is_flax(source):
        result = follow(import_flax(source, folder or models_root() / name), out).result
        kind = "flax"
    elif source.is_dir() and is_keras(source):
        result = follow(import_keras(source, folder or models_root() / name), out).result
        kind = "keras"
    else:
        raise ModelError(
            "unknown-format", "Nothing here is of a kind that can be taken in.", where=str(source),
            fix="Give a folder with adapters.safetensors (mlx-lm), flax_model.msgpack or *.weights.h5. "
            "Folders in Hugging Face's format need no conversion.",
        )  # fmt: skip
    out.say(f"[bold]{escape(result['path'])}[/], from {kind}")
    return {"source": str(source), "format": kind, **result}
