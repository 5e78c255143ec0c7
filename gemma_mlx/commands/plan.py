"""`gemma-mlx plan`: what a training run will take before it starts, and which settings fit this machine."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.terminal.flags import ConfigFlag, Given, JsonFlag, merged_settings, with_settings
from gemma_mlx.terminal.output import Output, size_text, time_text

MOST_GIGABYTES = 1e9
"""More than any machine has; infinity and what is no number are refused with it."""


@with_settings(quantization=QuantizeSettings, lora=LoraSettings, training=TrainSettings)
def plan(
    model: Annotated[str, Parameter(help="The base model's folder or name.", show_default=False)] = "",
    /,
    *,
    config: ConfigFlag = None,
    longest: Annotated[int, Parameter(help="Tokens of the longest row.")] = 1024,
    mean: Annotated[
        int | None, Parameter(help="Tokens of a row on average. Not given: half the longest.")
    ] = None,
    memory: Annotated[
        float | None, Parameter(help="GB that the run may take. Not given: this machine's.")
    ] = None,
    table: Annotated[
        bool, Parameter(negative=(), help="Show which published size trains on which Mac, as Markdown.")
    ] = False,
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Forecast a run's peak memory and time of a step, and propose the largest batch that fits."""
    if table:
        from gemma_mlx.training.plan_table import markdown
        from gemma_mlx.training.plan_table import table as rows_of

        rows = rows_of()
        out.write(markdown(rows))
        return {"table": rows}
    nested: dict[str, Any] = {group: values for group, values in given.items() if values}
    if model:
        nested["model"] = model
    settings = merged_settings(RunSettings, config, nested)
    if not settings.model:
        raise SettingsError(
            "no-model", "No model is named.", where="the command line", fix="Try: gemma-mlx plan MODEL",
            kept="Nothing was started.",
        )  # fmt: skip
    wrong_memory = memory is not None and not 0 < memory <= MOST_GIGABYTES
    if longest < 8 or (mean is not None and not 1 <= mean <= longest) or wrong_memory:
        raise SettingsError(
            "bad-settings", "longest is at least 8, mean from 1 to longest, memory above 0 (in GB).",
            where="the command line", fix="Correct these and start again.", kept="Nothing was started.",
        )  # fmt: skip
    return _plan(settings, longest, mean or max(1, longest // 2), memory, out)


def _plan(
    settings: RunSettings, longest: int, mean: int, memory: float | None, out: Output
) -> dict[str, Any]:
    from gemma_mlx.models.config import read_config
    from gemma_mlx.terminal.loading import find_base
    from gemma_mlx.training.calibration import calibrate
    from gemma_mlx.training.forecast import memory_forecast
    from gemma_mlx.training.memory import allowed_memory
    from gemma_mlx.training.planner import Rows, propose

    shape = read_config(find_base(settings.model))
    data = settings.data.model_copy(update={"max_length": longest})
    settings = settings.model_copy(update={"data": data})
    rows = Rows(longest, mean)
    allowed = int(memory * 1e9) if memory else allowed_memory()
    machine = calibrate()
    asked = memory_forecast(shape, settings, longest=longest, mean=mean, backend=machine.backend)
    proposed = propose(shape, settings, rows, allowed, backend=machine.backend)
    quantized = settings.quantization is not None or shape.quantization is not None
    both = {"as asked": asked, "proposed": proposed.forecast}
    lines: list[list[Any]] = [
        [part, *(size_text(found.parts[part]) for found in both.values())] for part in asked.parts
    ]
    lines.append(["peak", *(size_text(found.total) for found in both.values())])
    lines.append(["tokens in a batch", *(found.batch_tokens for found in both.values())])
    times = [time_text(machine.seconds(found, quantized=quantized)) for found in both.values()]
    lines.append(["a step, at the least", *times])
    out.say(f"Rows of at most {longest} tokens, {mean} on average; {size_text(allowed)} may be taken.")
    out.table(["", *(f">{name}" for name in both)], lines)
    changes = ", ".join(f"{name} {value}" for name, value in proposed.changes.items())
    out.say(f"Proposed: {changes}." if changes else "The settings fit as they are.")
    if machine.backend == "gpu":
        out.say("The factors for GPUs were fitted on CUDA; on Metal they are an estimate.", style="dim")
    return {
        "allowed_bytes": allowed,
        "asked": asked.as_dict() | {"seconds_per_step": machine.seconds(asked, quantized=quantized)},
        "proposed": proposed.forecast.as_dict()
        | {"seconds_per_step": machine.seconds(proposed.forecast, quantized=quantized)},
        "changes": proposed.changes,
        "fits": asked.total <= allowed,
    }
