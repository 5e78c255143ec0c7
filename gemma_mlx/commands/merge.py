"""`gemma-mlx merge`: writes one model that holds a base and its adapter."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx.declaring import check_settings
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.terminal.flags import Given, JsonFlag, OutFolder, with_settings
from gemma_mlx.terminal.loading import find_adapter, find_base
from gemma_mlx.terminal.output import Output, size_text
from gemma_mlx.terminal.progress import follow


@with_settings(quantization=QuantizeSettings)
def merge(
    model: str,
    adapter: str,
    /,
    *,
    folder: OutFolder,
    dtype: Annotated[
        Literal["bfloat16", "float16", "float32"], Parameter(help="The width of the merged weights.")
    ] = "bfloat16",
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Make one model of a base and its adapter, in 16 bit; with quantization flags in fewer, at a loss.

    Parameters
    ----------
    model
        The base model's folder or name.
    adapter
        An adapter's folder, a run's folder, or the name of a run.
    """
    chosen = given["quantization"]
    settings = check_settings(QuantizeSettings, chosen, "the command line") if chosen else None

    from gemma_mlx.exchange.merge import save_merged

    work = save_merged(find_base(model), find_adapter(adapter), folder, dtype=dtype, quantization=settings)
    done = follow(work, out)
    out.say(f"[bold]{escape(done.result['path'])}[/], {size_text(done.result['bytes'])}")
    out.suggest("gemma-mlx chat", done.result["path"])
    return {"model": model, "adapter": adapter, **done.result}
