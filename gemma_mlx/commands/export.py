"""`gemma-mlx export`: writes a model or an adapter for another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx.errors import SettingsError
from gemma_mlx.terminal.flags import JsonFlag
from gemma_mlx.terminal.loading import AdapterFlag, find_adapter, find_base
from gemma_mlx.terminal.output import Output, size_text
from gemma_mlx.terminal.progress import follow


def export(
    model: str,
    /,
    *,
    folder: Annotated[Path, Parameter(name="--out", help="The new folder; it must not be there yet.")],
    format: Annotated[
        Literal["gguf", "gguf-adapter", "mlx-lm-adapter"],
        Parameter(
            help="gguf: the whole model, for llama.cpp, LM Studio and Ollama; the others: the adapter."
        ),
    ] = "gguf",
    width: Annotated[
        Literal["f16", "bf16", "q8_0", "q4_0"], Parameter(help="How GGUF keeps the weights.")
    ] = "f16",
    adapter: AdapterFlag = "",
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Write a model for another program; with an adapter, merged. (`merge` writes safetensors.)

    Parameters
    ----------
    model
        The model's folder or name.
    """
    if folder.suffix == ".gguf":
        raise SettingsError(
            "a-folder-is-meant", f"{folder} names a file; what is written is a folder that holds it.",
            where="--out", fix=f"Try: --out {folder.with_suffix('')}", kept="Nothing was written.",
        )  # fmt: skip
    base = find_base(model)
    tuned = find_adapter(adapter) if adapter else None
    if tuned is None and format != "gguf":
        raise SettingsError(
            "nothing-named", "No adapter is named to be written.", where="the command line",
            fix="Add --adapter with an adapter's folder or a run.",
        )  # fmt: skip
    if format == "mlx-lm-adapter":
        from gemma_mlx.adapters.mlx_lm import export_mlx_lm

        assert tuned is not None
        result = export_mlx_lm(tuned, folder, base_model=str(base))
        out.say(f"[bold]{escape(result['path'])}[/]")
        out.suggest("mlx_lm.generate --adapter-path", result["path"], "--model", base)
        return {"model": model, "adapter": adapter, "format": format, **result}

    from gemma_mlx.exchange.gguf import export_gguf, export_gguf_adapter

    if format == "gguf-adapter":
        assert tuned is not None
        work = export_gguf_adapter(base, tuned, folder)
    else:
        work = export_gguf(base, folder, adapter=tuned, kind=width)
    result = follow(work, out).result
    out.say(f"[bold]{escape(result['file'])}[/], {size_text(result['bytes'])}")
    if format == "gguf":
        out.suggest("ollama create NAME -f", Path(result["path"]) / "Modelfile")
    return {"model": model, "adapter": adapter, "format": format, **result}
