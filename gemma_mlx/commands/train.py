"""`gemma-mlx train`: fine-tunes a model on a dataset, or takes a run up again where it was."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.terminal.datasets import check_there, fetched
from gemma_mlx.terminal.flags import ConfigFlag, Given, JsonFlag, merged_settings, with_settings, within
from gemma_mlx.terminal.interrupt import stoppable
from gemma_mlx.terminal.loading import beside, find_base, find_run
from gemma_mlx.terminal.output import Output, time_text
from gemma_mlx.terminal.progress import follow
from gemma_mlx.terminal.several import Chosen, several, train_together

if TYPE_CHECKING:
    from gemma_mlx.training.distributed import Ranks

LONGEST_PATIENCE = 604_800.0
"""A week, in seconds."""


@with_settings(quantization=QuantizeSettings, lora=LoraSettings, data=DataSettings, training=TrainSettings)
def train(
    model: Annotated[str, Parameter(help="The base model's folder or name.", show_default=False)] = "",
    /,
    *,
    config: ConfigFlag = None,
    resume: Annotated[
        str, Parameter(help="Take up this run, by folder or name, where it was.", show_default=False)
    ] = "",
    run_folder: Annotated[
        Path | None, Parameter(name="--out", help="The run's folder. Not given: a new one in the library.")
    ] = None,
    rank_patience: Annotated[
        float,
        Parameter(
            help="Seconds to wait for another rank, where mlx.launch started several.",
            validator=within(1, LONGEST_PATIENCE),
        ),
    ] = 1800.0,
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any] | None:
    """Fine-tune a model on a dataset. Ctrl-C once keeps what was learned, twice ends at once.

    The dataset is a file, a folder, or hf:owner/name[:subset][:split]: one of the Hub, fetched once and then
    read from this machine, pinned to its commit.

    On several Macs: mlx.launch --hostfile FILE gemma-mlx train ...
    """
    begun: list[Chosen] = []

    def choose() -> Chosen:
        begun.append(chosen_run(model, config, resume, run_folder, given))
        settings, folder, resumed = begun[-1]
        dataset = fetched(settings.data.dataset, out)
        if not resumed:
            check_there(dataset)
        settings = settings.with_data(dataset=dataset)
        begun[-1] = (settings, folder, resumed)
        return begun[-1]

    try:
        if several():
            return train_together(choose, run, out, rank_patience)
        settings, folder, resumed = choose()
        return run(settings, folder, out, resume=resumed)
    finally:
        if run_folder is None and not resume:
            # A run that did not begin leaves no trace; the folder of another is not empty.
            for _, folder, _ in begun:
                with contextlib.suppress(OSError):
                    folder.rmdir()


def chosen_run(model: str, config: Path | None, resume: str, run_folder: Path | None, given: Given) -> Chosen:
    """What the command line asks for.

    Raises:
        GemmaError: something of it is missing or refused.
    """
    nested: dict[str, Any] = {group: values for group, values in given.items() if values}
    if model:
        nested["model"] = model
    if resume:
        folder = find_run(resume)
        return _settings_of_run(folder, nested, config), folder, True
    settings = merged_settings(RunSettings, config, nested)
    settings = located(settings, config)
    if run_folder is not None:
        if run_folder == Path():
            raise SettingsError(
                "bad-settings",
                "A run wants a folder of its own.",
                where="--out",
                fix="Name a folder that is not there yet, or leave --out away.",
                kept="Nothing was started.",
            )
        return settings, run_folder, False

    from gemma_mlx.library.store import new_run_folder

    # Without blanks, so that the name can be typed.
    name = f"{Path(settings.model).name}-{Path(settings.data.dataset).stem}".replace(" ", "-")
    return settings, new_run_folder(name), False


def located(settings: RunSettings, config: Path | None) -> RunSettings:
    """The settings with the model found by its name, and the dataset beside the file that names it.

    Raises:
        SettingsError: no model or no dataset is named.
        ModelError: the model is not there.
    """
    for value, flag in ((settings.model, "MODEL"), (settings.data.dataset, "--dataset")):
        if not value:
            raise SettingsError(
                "nothing-named",
                f"No {'base model' if flag == 'MODEL' else 'dataset'} is named.",
                where="the command line" + (f" and {config}" if config else ""),
                fix="Try: gemma-mlx train MODEL --dataset FILE",
                kept="Nothing was started.",
            )

    model = beside(settings.model, config)
    dataset = beside(settings.data.dataset, config)
    found = model if Path(model).is_dir() else str(find_base(model))
    return settings.with_data(dataset=dataset).model_copy(update={"model": found})


def _settings_of_run(folder: Path, nested: dict[str, Any], config: Path | None) -> RunSettings:
    """A run's own settings. What may differ (the trainer judges) can be given anew.

    Raises:
        TrainingError, SettingsError: there is no run, or a setting is refused.
    """
    from gemma_mlx.training.run_folder import RunFolder

    own = RunFolder(folder).open()
    if not nested and config is None:
        return own
    changed = merged_settings(RunSettings, config, nested)
    values = own.model_dump()
    for group, fields in changed.model_dump(exclude_unset=True).items():
        values[group] = {**(values[group] or {}), **fields} if isinstance(fields, dict) else fields
    return merged_settings(RunSettings, None, values)


def run(
    settings: RunSettings,
    folder: Path,
    out: Output,
    *,
    resume: bool = False,
    ranks: Ranks | None = None,
) -> dict[str, Any]:
    """Train with a progress bar and say at the end what came of it."""
    from gemma_mlx.training import trainer
    from gemma_mlx.training.distributed import ALONE

    control = trainer.Control()

    def stop() -> None:
        control.request = "stop"
        out.stderr.print("[yellow]Stopping after this step and keeping what was learned (again: at once).[/]")

    out.say(f"[bold]{escape(settings.model)}[/] learns from [bold]{escape(settings.data.dataset)}[/]")
    out.say(f"run: {escape(str(folder))}", style="dim")
    with stoppable(stop):
        work = trainer.train(settings, folder, resume=resume, control=control, ranks=ranks or ALONE)
        done = follow(work, out)
    document = {"outcome": done.outcome, **done.result}
    _conclude(document, settings, folder, out)
    return document


def _conclude(document: dict[str, Any], settings: RunSettings, folder: Path, out: Output) -> None:
    """What was made, and what to do with it."""
    if out.json:
        return
    loss = (
        f", best validation loss {document['best_loss']:.4f}" if document.get("best_loss") is not None else ""
    )
    out.say(
        f"\n[bold]{document['outcome'].capitalize()}[/] at step {document['step']} of "
        f"{document['total_steps']} in {time_text(document['seconds'])}{loss}."
    )
    adapter = document.get("adapter")
    if adapter:
        out.say(f"The adapter: {escape(adapter)}")
        out.suggest("gemma-mlx chat", settings.model, "--adapter", adapter)
        out.suggest("gemma-mlx merge", settings.model, adapter, "--out", "FOLDER")
    if document["step"] < document["total_steps"]:
        out.suggest("gemma-mlx train --resume", folder)
    out.suggest("gemma-mlx inspect", folder)
