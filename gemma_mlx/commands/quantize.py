"""`gemma-mlx quantize`: a copy of a model in fewer bits, in the layout that mlx-lm and LM Studio read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.terminal.flags import ConfigFlag, Given, JsonFlag, merged_settings, with_settings
from gemma_mlx.terminal.loading import find_base
from gemma_mlx.terminal.output import Output, size_text
from gemma_mlx.terminal.progress import follow


@with_settings(quantization=QuantizeSettings)
def quantize(
    model: str,
    /,
    *,
    folder: Annotated[
        Path | None, Parameter(name="--out", help="The new model's folder; needed but for --preview.")
    ] = None,
    config: ConfigFlag = None,
    preview: Annotated[bool, Parameter(negative=(), help="Only say what it would come to.")] = False,
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Store a model in fewer bits.

    Parameters
    ----------
    model
        The model's folder or name.
    """
    settings = merged_settings(QuantizeSettings, config, given["quantization"])
    if folder is None and not preview:
        raise SettingsError(
            "nothing-named",
            "No folder is named for the new model.",
            where="the command line",
            fix="Add --out FOLDER, or --preview to see sizes only.",
        )

    from gemma_mlx.models.config import read_config
    from gemma_mlx.weights.quantize import quantization_preview, save_quantized

    source = find_base(model)
    if preview or folder is None:
        document = {"model": str(source), **quantization_preview(read_config(source), settings).as_dict()}
        out.say(
            f"[bold]{escape(str(source))}[/]\n{size_text(document['bytes_before'])} in 16 bit, "
            f"{size_text(document['bytes_after'])} quantized: {document['bits_per_weight']:.2f} bits a weight"
        )
        for note in document["notes"]:
            out.say(f"[yellow]-[/] {escape(note)}")
        return document
    done = follow(save_quantized(source, folder, settings), out)
    errors = [module["error"] for module in done.result["modules"] if module["error"] is not None]
    document = {
        "model": str(source),
        **done.result,
        "mean_error": sum(errors) / len(errors) if errors else None,
    }
    out.say(
        f"[bold]{escape(done.result['path'])}[/], {size_text(done.result['bytes'])}, "
        f"{done.result['bits_per_weight']:.2f} bits a weight"
    )
    if errors:
        out.say(f"error of the weights: {document['mean_error']:.4f} in the mean, {max(errors):.4f} at most")
    out.suggest("gemma-mlx chat", done.result["path"])
    return document
