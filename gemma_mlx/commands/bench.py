"""`gemma-mlx bench`: speed and memory beside mlx-lm on this machine, as a table to post."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from gemma_mlx.terminal.flags import JsonFlag
from gemma_mlx.terminal.output import Output
from gemma_mlx.terminal.progress import EventDrawer

Kind = Literal["all", "training", "generation", "forecast"]


def bench(
    kind: Annotated[Kind, Parameter(help="What to measure; all: everything but the forecast.")] = "all",
    /,
    *,
    repeats: Annotated[int, Parameter(help="Pairs of runs; ratios are medians over them.")] = 3,
    quick: Annotated[
        bool, Parameter(negative=(), help="Minuscule work: shows that it runs, says nothing about speed.")
    ] = False,
    out_folder: Annotated[
        Path | None, Parameter(name="--out", help="A folder for bench.md and bench.json.")
    ] = None,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Measure training and generation beside mlx-lm, in turn and in processes of their own.

    `bench forecast` compares the forecasts of peak memory and of a step's time with measurements instead.
    """
    from gemma_mlx.benchmarks.compare import compare, jobs, machine, markdown
    from gemma_mlx.benchmarks.forecast_grid import grid_rows, recorded_rows, time_rows
    from gemma_mlx.errors import SettingsError
    from gemma_mlx.library.store import atomic_write, write_json
    from gemma_mlx.training.calibration import calibrate

    if repeats < 1:
        raise SettingsError(
            "bad-settings", "repeats is at least 1.", where="the command line", fix="Give --repeats 3."
        )
    calibration = calibrate(again=not quick)
    document: dict[str, Any] = {"machine": machine(calibration), "quick": quick, "rows": []}
    if kind == "forecast":
        document["forecast"] = [*grid_rows(quick=quick), *recorded_rows(), *time_rows(quick=quick)]
    else:
        kinds = ("training", "generation") if kind == "all" else (kind,)
        drawer = EventDrawer(out)
        with drawer.bars:
            for found in compare(jobs(calibration.backend, kinds, quick=quick), 1 if quick else repeats):
                if isinstance(found, dict):
                    document["rows"].append(found)
                else:
                    drawer.show(found)
    report = markdown(document)
    out.write(report)
    if quick:
        out.aside("These were quick looks: the figures say nothing about speed.")
    if out_folder is not None:
        write_json(out_folder / "bench.json", document)
        atomic_write(out_folder / "bench.md", report.encode())
        out.say(f"Kept in {out_folder}.", style="dim")
    return document
