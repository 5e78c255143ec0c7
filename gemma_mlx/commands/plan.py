"""`gemma-mlx plan`: what a training run will take before it starts, and which settings fit this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gemma_mlx.errors import SettingsError, TrainingError
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.terminal.datasets import fetched
from gemma_mlx.terminal.flags import ConfigFlag, Given, JsonFlag, merged_settings, with_settings
from gemma_mlx.terminal.loading import beside, find_base
from gemma_mlx.terminal.output import Output, size_text, time_text

if TYPE_CHECKING:
    from gemma_mlx.models.config import ModelConfig
    from gemma_mlx.training.planner import Rows

MOST_GIGABYTES = 1e9
"""More than any machine has; infinity and what is no number are refused with it."""


@with_settings(quantization=QuantizeSettings, lora=LoraSettings, data=DataSettings, training=TrainSettings)
def plan(
    model: Annotated[str, Parameter(help="The base model's folder or name.", show_default=False)] = "",
    /,
    *,
    config: ConfigFlag = None,
    longest: Annotated[
        int | None,
        Parameter(help="Without a dataset: tokens of the longest row. Not given: where rows are cut."),
    ] = None,
    mean: Annotated[
        int | None,
        Parameter(help="Without a dataset: tokens of a row on average. Not given: half the longest."),
    ] = None,
    memory: Annotated[
        float | None, Parameter(help="GB that the run may take. Not given: this machine's.")
    ] = None,
    measured: Annotated[
        bool,
        Parameter(
            name="--measure",
            negative=(),
            help="Measure the time of a step here, on a few layers with random weights: it takes the time "
            "of some steps (seconds on a GPU, minutes on a CPU) and the memory of those layers.",
        ),
    ] = False,
    table: Annotated[
        bool, Parameter(negative=(), help="Show which published size trains on which Mac, as Markdown.")
    ] = False,
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Forecast a run's peak memory and time of a step, and propose the largest batch that fits.

    With --dataset its rows are measured; without, they are as long as --longest and --mean say. The time is
    that of the fullest batch: counted in operations it is a lower bound, with --measure it is measured.
    """
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
    if memory is not None and not 0 < memory <= MOST_GIGABYTES:
        raise _refused("memory is above 0, in GB.")
    if settings.data.dataset and not (longest is mean is None):
        raise _refused("A dataset says itself how long its rows are: leave --longest and --mean away.")
    if not settings.data.dataset:
        longest = settings.data.max_length if longest is None else longest
        mean = max(1, longest // 2) if mean is None else mean
        if "max_length" in given["data"]:
            longest = min(longest, settings.data.max_length)
        if longest < 8 or not 1 <= mean <= longest:
            raise _refused("longest is at least 8, mean from 1 to longest.")
    else:
        settings = settings.with_data(dataset=fetched(beside(settings.data.dataset, config), out))
    allowed = int(memory * 1e9) if memory else None
    folder = find_base(beside(settings.model, config))
    return _plan(folder, settings, longest, mean, allowed, out, measured=measured)


def _refused(what: str) -> SettingsError:
    return SettingsError(
        "bad-settings", what, where="the command line", fix="Correct this and start again.",
        kept="Nothing was started.",
    )  # fmt: skip


def _plan(
    folder: Path,
    settings: RunSettings,
    longest: int | None,
    mean: int | None,
    allowed: int | None,
    out: Output,
    *,
    measured: bool,
) -> dict[str, Any]:
    from gemma_mlx.models.config import read_config
    from gemma_mlx.text.tokenizer import load_tokenizer
    from gemma_mlx.training.calibration import calibrate
    from gemma_mlx.training.forecast import memory_forecast
    from gemma_mlx.training.made_base import check_trainable
    from gemma_mlx.training.memory import allowed_memory, shorten_command_buffers
    from gemma_mlx.training.planner import Rows, propose
    from gemma_mlx.training.row_lengths import measure, rows_of, total_steps

    if measured:
        shorten_command_buffers(settings.training)
    shape = read_config(folder)
    check_trainable(shape, settings)
    found = None
    if longest is not None and mean is not None:
        settings = settings.with_data(max_length=longest)
        rows = Rows(longest, mean)
    else:
        found = measure(settings, load_tokenizer(folder, shape))
        rows = rows_of(settings, found.lengths)
    allowed = allowed or allowed_memory()
    machine = calibrate()
    asked = memory_forecast(shape, settings, longest=rows.longest, mean=rows.mean, backend=machine.backend)
    proposed = propose(shape, settings, rows, allowed, backend=machine.backend)
    quantized = settings.quantization is not None or shape.quantization is not None
    both = {"as asked": asked, "proposed": proposed.forecast}
    lines: list[list[Any]] = [
        [part, *(size_text(each.parts[part]) for each in both.values())] for part in asked.parts
    ]
    lines.append(["peak", *(size_text(each.total) for each in both.values())])
    lines.append(["tokens in a batch", *(each.batch_tokens for each in both.values())])
    times = [time_text(machine.seconds(each, quantized=quantized)) for each in both.values()]
    lines.append(["a step, at the least", *times])
    seconds: list[float | None] = [None, None]
    if measured:
        seconds = _measured(shape, [settings, proposed.settings], rows, machine.unpacks, out)
        lines.append(["a step, measured", *("" if each is None else time_text(each) for each in seconds)])
    steps = [total_steps(shape, each, found) if found else None for each in (settings, proposed.settings)]
    if None not in steps:
        lines.append(["steps", *steps])
    looked_at = f"{len(found.lengths)} rows looked at have" if found and not found.whole else "Rows of"
    out.say(
        f"{looked_at} at most {rows.longest:,} tokens, {rows.mean:,.0f} on average; "
        f"{size_text(allowed)} may be taken."
    )
    out.table(["", *(f">{name}" for name in both)], lines)
    changes = ", ".join(f"{name} {value}" for name, value in proposed.changes.items())
    out.say(f"Proposed: {changes}." if changes else "The settings fit as they are.")
    if machine.backend == "gpu":
        out.say("The factors for GPUs were fitted on CUDA; on Metal they are an estimate.", style="dim")
    asked_values, proposed_values = (
        each.as_dict()
        | {
            "seconds_per_step": machine.seconds(each, quantized=quantized),
            "measured_seconds_per_step": taken,
            "steps": count,
        }
        for each, taken, count in zip(both.values(), seconds, steps, strict=True)
    )
    return {
        "rows": {"longest": rows.longest, "mean": rows.mean},
        "allowed_bytes": allowed,
        "asked": asked_values,
        "proposed": proposed_values,
        "changes": proposed.changes,
        "fits": asked.total <= allowed,
    }


def _measured(
    shape: ModelConfig, wanted: list[RunSettings], rows: Rows, unpacks: bool, out: Output
) -> list[float | None]:
    """Seconds of a step of each of these settings; None where not even the layers to measure fit here."""
    from gemma_mlx.terminal.progress import follow
    from gemma_mlx.training.time_probe import probe

    found: list[float | None] = []
    for index, settings in enumerate(wanted):
        if settings in wanted[:index]:
            found.append(found[wanted.index(settings)])
            continue
        try:
            done = follow(probe(shape, settings, rows, unpacks=unpacks), out)
            found.append(done.result["seconds_per_step"])
        except TrainingError as problem:
            if problem.code != "probe-does-not-fit":
                raise
            out.warn(problem.code, problem.what, problem.fix)
            found.append(None)
    return found
