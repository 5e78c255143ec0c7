"""The training loop: a generator of events that can be stopped, paused and resumed to the bit.

Data order, dropout and noise are functions of (seed, step); a checkpoint holds all else. So a run that was
interrupted anywhere and resumed ends with the weights of one that was not.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import mlx.core as mx
import numpy as np

from gemma_mlx import __version__
from gemma_mlx.adapters.lora import DropoutKey, add_lora, trainable_table
from gemma_mlx.adapters.peft import write_adapter
from gemma_mlx.data.batches import Batch, collate_packed, collate_padded, collate_preferences
from gemma_mlx.data.prepare import Prepared, prepare_dataset
from gemma_mlx.errors import GemmaError, TrainingError
from gemma_mlx.events import Checkpoint, Done, Event, Metrics, Progress, Warning
from gemma_mlx.library.store import data_root
from gemma_mlx.load import Loaded, load_model
from gemma_mlx.settings import RunSettings
from gemma_mlx.training import checkpoint as checkpoints
from gemma_mlx.training.decision import Begun, as_begun, decide
from gemma_mlx.training.distributed import ALONE, RankLost, Ranks, take_from_first
from gemma_mlx.training.loggers import open_loggers
from gemma_mlx.training.memory import MemoryBounds, memory_warning, shorten_command_buffers, step_memory
from gemma_mlx.training.objective import check_full, rows_for
from gemma_mlx.training.optimizer import Arrays, Optimizer, clip_gradients, learning_rate_at
from gemma_mlx.training.order import DataOrder, share
from gemma_mlx.training.poisoned import loss_not_finite, rows_not_finite
from gemma_mlx.training.publish import publish
from gemma_mlx.training.run_folder import RunFolder, UnwrittenRunFolder
from gemma_mlx.training.samples import sample_answers
from gemma_mlx.training.step import StepFunction, to_inputs

Request = Literal["", "stop", "pause"]


class Control:
    """How a caller asks a run to end early: "stop" keeps and finishes, "pause" means to resume later."""

    def __init__(self) -> None:
        self.request: Request = ""

    def cancelled(self) -> Request:
        """What was asked for; polled between steps, and while the dataset is read."""
        return self.request


def train(
    settings: RunSettings,
    run_folder: Path,
    *,
    resume: bool = False,
    control: Control | None = None,
    ranks: Ranks = ALONE,
) -> Iterator[Event]:
    """Runs or resumes a training run; the last event is Done with {"adapter", "step", "loss", ...}.

    With several `ranks` each of them calls this with the same settings; rank 0 alone writes the run.

    Raises:
        TrainingError: the run cannot start or go on; the last checkpoint is kept.
        DatasetError, ModelError, SettingsError: what the settings name cannot be used.
        Cancelled: the caller asked for an end while the dataset was read.
    """
    # The first rank alone has the folder: all compute as the run in it began.
    begun: Begun = json.loads(ranks.text_of_first(json.dumps(as_begun(run_folder))))
    work = _prepare(settings, run_folder, control or Control(), ranks, begun)
    trainer = yield from ranks.together(work)
    yield from trainer.run(resume=resume)


def _prepare(
    settings: RunSettings, run_folder: Path, control: Control, ranks: Ranks, begun: Begun
) -> Generator[Event, None, Trainer]:
    shorten_command_buffers(settings.training)
    yield Progress("Loading the model", 0, 0)
    loaded = load_model(Path(settings.model), quantization=settings.quantization)
    yield from loaded.warnings
    yield Progress("Reading the dataset", 0, 0)
    prepared = prepare_dataset(
        settings.data, loaded.tokenizer, seed=settings.training.seed, cache_folder=data_root() / "cache",
        cancelled=lambda: bool(control.cancelled()),
    )  # fmt: skip
    for note in prepared.report.notes:
        yield Warning("dataset", note)
    if (warning := memory_warning(loaded.config, settings, prepared.train.lengths)) is not None:
        yield warning
    if settings.training.layout == "packed" and not loaded.config.packs:
        yield Warning(
            "rows-padded",
            f"Rows of {loaded.config.name} are padded: its layers cannot keep packed rows apart.",
            "Leave the layout at auto.",
        )
    trainer = Trainer(settings, loaded, prepared, run_folder, control, ranks, begun)
    warmup = settings.training.warmup_steps
    if warmup and warmup >= trainer.total:
        yield Warning(
            "warm-up-too-long",
            f"The warm-up of {warmup} steps is no shorter than the run ({trainer.total}): the learning rate "
            "begins at 0 and never reaches what is set.",
            "Train longer, or set the warm-up to 0.",
        )
    if trainer.strategy.layout == "packed":
        yield Progress("Laying rows end to end", 0, 0)
    else:
        yield Progress("Padding rows, sorted by length", 0, 0)
    return trainer


class Trainer:
    """One run over a loaded model and prepared data."""

    def __init__(
        self,
        settings: RunSettings,
        loaded: Loaded,
        prepared: Prepared,
        run_folder: Path,
        control: Control,
        ranks: Ranks = ALONE,
        begun: Begun | None = None,
    ) -> None:
        self.settings = settings
        self.loaded = loaded
        self.control = control
        self.ranks = ranks
        self.folder = RunFolder(run_folder) if ranks.first else UnwrittenRunFolder(run_folder)
        self.prepared = prepared
        self.model = loaded.model
        plan = settings.training
        self.train_rows = rows_for(settings, prepared.train)
        self.valid_rows = rows_for(settings, prepared.valid)
        dropout: DropoutKey | None = None
        if plan.method == "lora":
            dropout = add_lora(self.model, settings.lora, plan.seed)
        else:
            check_full(settings, loaded.config)
            self.model.unfreeze()
        self.strategy = decide(
            plan, self.model, begun or {}, packs=loaded.config.packs, alone=ranks.size == 1
        )
        self.step_function = StepFunction(
            self.model, plan, dropout, compiled=self.strategy.compiled, unpacked=self.strategy.unpacked
        )
        self.optimizer = Optimizer(plan)
        self.state = checkpoints.TrainState()
        self.peak = 0  # bytes, of all steps so far
        self.parameters: Arrays = self.step_function.parameters()
        self.order = DataOrder(self.train_rows.lengths.tolist(), plan, self.strategy.layout)
        self.total = self.order.total_steps()
        self.evaluate_every = plan.evaluate_every or max(1, math.ceil(self.total / 4))

    def run(self, *, resume: bool = False) -> Iterator[Event]:
        """The events of the run, from its start or from its newest intact checkpoint."""
        if not self.train_rows:
            raise TrainingError(
                "nothing-to-learn", "No row of the dataset carries loss.", where=self.settings.data.dataset,
                fix="Raise the longest row (max_length), or choose another dataset.",
            )  # fmt: skip
        identity = {
            "model": self.loaded.fingerprint,
            "data": self.prepared.fingerprint,
            "layout": self.strategy.layout,
        }
        self.ranks.check_same({**identity, "version": __version__})
        with self.folder.held(new=not resume):
            yield from self._run(identity, resume)

    def _run(self, identity: dict[str, Any], resume: bool) -> Iterator[Event]:
        if resume:
            yield from self._take_up(identity)
        else:
            self.folder.create(self.settings, identity, self.total)
            table = trainable_table(self.model)
            self.folder.update(
                parameters={"trainable": table.trainable, "all": table.total},
                unpacked=self.strategy.unpacked,
                computed=self.strategy.words,
            )
            self._take_from_first()
            yield from self._samples()
        # What is trained and its moments are the step's; the base stays in memory as it is.
        own = [*self.parameters.values(), *self.optimizer.state().values()]
        mx.eval(own, self.model.parameters())
        present = max(0, mx.get_active_memory() - sum(array.nbytes for array in own))
        lengths = np.concatenate([rows.lengths for rows in (self.train_rows, self.valid_rows) if len(rows)])
        needed = step_memory(self.loaded.config, self.settings, lengths)
        loggers = self.settings.training.loggers if self.ranks.first else []
        self.loggers = open_loggers(self.folder.path, loggers, self.state.step)
        self.memory = MemoryBounds(self.settings.training, present, needed)
        outcome = "finished"
        try:
            if self.state.validated < self.state.step:  # what was due when the run was cut off
                mx.reset_peak_memory()
                yield from self._after_step()
                yield from self._save()
            while self.state.step < self.total and not self._out_of_patience():
                request = self.ranks.agree(self.control.cancelled())
                if request:
                    outcome = "paused" if request == "pause" else "stopped"
                    break
                yield from self._one_step()
            if self._out_of_patience():
                yield Warning("early-stop", "The validation loss no longer falls; the run ends here.")
        except BaseException as problem:
            if isinstance(problem, RankLost):
                yield from self._save()
            # The disk may be full: what went wrong is told all the same.
            with contextlib.suppress(GemmaError):
                self.folder.update(state="failed", step=self.state.step)
            if isinstance(problem, TrainingError) and not problem.kept:
                problem.kept = self._kept()
            raise
        finally:
            for logger in self.loggers:
                with contextlib.suppress(OSError, ValueError):
                    logger.close()
            if not self.ranks.lost:  # MLX would wait for what can no longer come
                self.memory.undo()
        yield from self._finish(outcome)

    def _one_step(self) -> Iterator[Event]:
        """One optimizer step, with what is due after it."""
        plan = self.settings.training
        started = time.perf_counter()
        mx.reset_peak_memory()
        epoch, batches = self.order.at(self.state.step)
        everything = [row for rows in batches for row in rows]
        loss_sum, units, tokens, sums = 0.0, 0.0, 0.0, None
        for part, rows in share(batches, self.ranks.rank, self.ranks.size):
            inputs = to_inputs(self._collate(self.train_rows, rows), self.strategy.multiple)
            loss, gradients = self.step_function.gradients(self.parameters, inputs, self.state.step, part)
            loss_sum += float(loss)
            units += self.step_function.units(inputs)
            if not math.isfinite(loss_sum):
                everything = rows
                break  # the other ranks see it in the sum
            tokens += float(self.train_rows.tokens[rows].sum())
            sums = gradients if sums is None else {name: sums[name] + gradients[name] for name in sums}
            mx.eval(sums)
        if sums is None:
            sums = {name: mx.zeros_like(array) for name, array in self.parameters.items()}
        loss_sum, units, tokens = self.ranks.totals(loss_sum, units, tokens)
        if not math.isfinite(loss_sum):
            raise self._poisoned(everything)
        sums = self.ranks.sums(sums)
        mean = {name: gradient * (1 / units) for name, gradient in sums.items()}
        clipped, norm = clip_gradients(mean, plan.max_gradient_norm)
        if not math.isfinite(norm_value := float(norm)):
            raise self._poisoned(everything)
        rate = learning_rate_at(self.state.step, self.total, plan)
        updated = self.optimizer.update(self.parameters, clipped, rate)
        mx.eval(updated, self.optimizer.state())
        self.parameters = updated
        self.step_function.assign(updated)

        seconds = time.perf_counter() - started
        self.memory.ease(mx.get_peak_memory())
        self.peak = max(self.peak, mx.get_peak_memory())
        self.state.step += 1
        self.state.tokens += int(tokens)
        self.state.seconds += seconds
        yield from self._log(
            {
                "train_loss": loss_sum / units,
                "learning_rate": rate,
                "gradient_norm": norm_value,
                "tokens": float(tokens),
                "tokens_per_second": tokens / seconds,
                "memory_bytes": float(self.peak),
                "epoch": float(epoch),
            }
        )
        yield Progress("Training", self.state.step, self.total)
        if self.ranks.size > 1 and self.state.step % plan.save_every == 0:
            # Other chips may round an update otherwise; so the ranks do not drift apart.
            self.parameters = self.ranks.arrays_of_first(self.parameters)
            self.step_function.assign(self.parameters)
        yield from self._after_step()

    def _after_step(self) -> Iterator[Event]:
        """Validation, samples and a checkpoint where they are due; a checkpoint knows what it has seen."""
        last = self.state.step == self.total
        due = last or self.state.step % self.settings.training.save_every == 0
        if self.valid_rows and (last or self.state.step % self.evaluate_every == 0):
            gained = yield from self._evaluate()
            yield from self._samples()
            self.peak = max(self.peak, mx.get_peak_memory())
            due = due or gained
        self.state.validated = self.state.step
        yield from self._check_memory()
        if due:
            yield from self._save()

    def _evaluate(self) -> Generator[Event, None, bool]:
        """Validation loss over all held-out rows, weighted by tokens; returns whether it is the best so far.

        Draws on no random state.
        """
        plan = self.settings.training.model_copy(update={"accumulation": 1, "seed": 0})
        order = DataOrder(
            self.valid_rows.lengths.tolist(), plan.model_copy(update={"steps": None}), self.strategy.layout
        )
        total, units = 0.0, 0
        for (rows,) in order.epoch(0)[self.ranks.rank :: self.ranks.size]:
            inputs = to_inputs(self._collate(self.valid_rows, rows))
            total += float(self.step_function.evaluate(inputs))
            units += self.step_function.units(inputs)
            yield Progress("Validating", units, 0, unit="tokens")
        total, all_units = self.ranks.totals(total, units)
        loss = total / max(1, all_units)
        if not math.isfinite(loss):
            named = self._not_finite(self.valid_rows, range(len(self.valid_rows))) or ["no row alone"]
            yield Warning(
                "validation-not-finite",
                f"The validation loss of step {self.state.step} is no finite number: {', '.join(named[:8])}.",
                "Look at the rows that are named, if any; the step is not taken as the best.",
            )
        else:
            yield from self._log({"validation_loss": loss, "perplexity": math.exp(min(loss, 700.0))})
        gained = math.isfinite(loss) and (self.state.best_loss is None or loss < self.state.best_loss)
        if gained:
            self.state.best_loss, self.state.best_step = loss, self.state.step
        self.state.evaluations_without_gain = 0 if gained else self.state.evaluations_without_gain + 1
        return gained

    def _samples(self) -> Iterator[Event]:
        """Answers to the fixed prompts; at step 0 those of the base."""
        plan = self.settings.training
        if not plan.sample_prompts or not self.ranks.first:
            return
        plain = self.prepared.report.format == "text"
        for sample in sample_answers(self.loaded, plan, self.state.step, plain_text=plain):
            entry = {"step": sample.step, "prompt": sample.prompt, "text": sample.text}
            self.folder.append("samples.jsonl", entry)
            yield sample

    def _save(self) -> Iterator[Event]:
        """Publishes a checkpoint, announces it, and removes the ones that are no longer kept."""
        if not self.ranks.first:
            return
        path = checkpoints.write_checkpoint(
            self.folder.path, self.state, self.parameters, self.optimizer, self._write_model
        )
        self.folder.update(
            step=self.state.step, best_step=self.state.best_step, best_loss=self.state.best_loss
        )
        checkpoints.prune(self.folder.path, self.settings.training.keep_checkpoints, self.state.best_step)
        yield Checkpoint(self.state.step, str(path), best=self.state.best_step == self.state.step)

    def _write_model(self, folder: Path) -> None:
        """What people use of a checkpoint. After full fine-tuning the parameters themselves are that."""
        if self.settings.training.method == "lora":
            write_adapter(folder, self.model, self.settings.lora, self.settings.model)

    def _take_up(self, identity: dict[str, Any]) -> Iterator[Event]:
        """Goes back to the newest intact checkpoint, or to the start where there is none."""
        self.folder.open()
        self.folder.check_same(self.settings, identity)
        if changed := self.folder.changed_versions():
            yield Warning(
                "version-changed", f"The run began with {'; '.join(changed)}.",
                "It goes on, but may not end with the bits of a run that was not interrupted.",
            )  # fmt: skip
        newest, damaged = checkpoints.newest_intact(self.folder.path) if self.ranks.first else (None, [])
        for folder in damaged:
            yield Warning(
                "damaged-checkpoint", f"{folder.name} is damaged; an earlier one is taken.",
                "The damaged folder can be deleted.",
            )  # fmt: skip
        if newest is not None:
            self.state, self.parameters = checkpoints.read_checkpoint(newest, self.parameters, self.optimizer)
        self._take_from_first()
        self.folder.forget_after(self.state.step if newest is not None else -1)
        self.folder.update(state="running", step=self.state.step, process=os.getpid())
        yield Progress("Resuming", self.state.step, self.total)
        if newest is None:
            yield from self._samples()

    def _take_from_first(self) -> None:
        self.state, self.parameters = take_from_first(self.ranks, self.state, self.parameters, self.optimizer)
        self.step_function.assign(self.parameters)

    def _finish(self, outcome: str) -> Iterator[Event]:
        """Publishes the result: the best checkpoint where there was validation, else the last."""
        yield from self._save()
        best = (
            self.state.step if self.state.best_step is None or outcome == "paused" else self.state.best_step
        )
        result: dict[str, Any] = {
            "run": str(self.folder.path),
            "step": self.state.step,
            "total_steps": self.total,
            "best_step": best,
            "best_loss": self.state.best_loss,
            "tokens": self.state.tokens,
            "seconds": self.state.seconds,
        }
        if outcome != "paused" and self.ranks.first:
            path, result["best_step"] = yield from self._publish(best)
            result["adapter" if self.settings.training.method == "lora" else "model"] = str(path)
        self.folder.update(state=outcome, step=self.state.step)
        yield Done(result, outcome=outcome)

    def _publish(self, step: int) -> Generator[Event, None, tuple[Path, int]]:
        """The folder that people load, of this step's weights, or of the last where those are damaged."""
        if step != self.state.step:
            folder = checkpoints.folder_of(self.folder.path, step)
            if checkpoints.is_intact(folder):
                _, best = checkpoints.read_checkpoint(
                    folder, self.parameters, Optimizer(self.settings.training)
                )
                self.step_function.assign(best)
            else:
                yield Warning(
                    "damaged-checkpoint",
                    f"{folder.name}, the best checkpoint, is damaged or gone: the last is given instead.",
                    "Train anew if the best step is what you want.",
                )
                step = self.state.step
        path = publish(self.folder.path, self.loaded, self.settings)
        self.step_function.assign(self.parameters)
        return path, step

    def _log(self, values: dict[str, float]) -> Iterator[Event]:
        self.folder.append("metrics.jsonl", {"step": self.state.step, **values})
        for logger in self.loggers:
            logger.write(self.state.step, values)
        yield Metrics(self.state.step, values)

    def _collate(self, examples: Sequence[Any], rows: list[int]) -> Batch:
        """Rows as one batch; of preference pairs, first all chosen answers, then the rejected ones."""
        collate = collate_padded if self.strategy.layout == "padded" else collate_packed
        chosen = [examples[row] for row in rows]
        if self.settings.training.objective == "sft":
            return collate(chosen)
        return collate_preferences(chosen, collate)

    def _out_of_patience(self) -> bool:
        patience = self.settings.training.early_stop_patience
        return patience is not None and self.state.evaluations_without_gain >= patience

    def _check_memory(self) -> Iterator[Event]:
        """Keeps what was learned and ends the run where a step went above the ceiling.

        Raises:
            TrainingError: it did.
        """
        limit = self.settings.training.memory_limit_gb
        if limit is not None and max(self.ranks.each(self.peak / 1e9)) > limit:
            yield from self._save()
            raise TrainingError(
                "memory-ceiling",
                f"The step took {self.peak / 1e9:.3g} GB, above the ceiling of {limit:g} GB.",
                where="training.memory_limit_gb",
                fix="Lower the batch size or the longest row, turn gradient checkpointing on, or raise it.",
                kept=f"The checkpoint step-{self.state.step:06d}, with the update of that step.",
            )

    def _poisoned(self, rows: list[int]) -> TrainingError:
        """The loss or gradient is not finite: names the rows that cause it, one by one."""
        named = self._not_finite(self.train_rows, rows)
        return loss_not_finite(self.state.step + 1, named, [self.train_rows[row] for row in rows])

    def _not_finite(self, examples: Sequence[Any], rows: Sequence[int]) -> list[str]:
        return rows_not_finite(self.step_function, self._collate, examples, rows)

    def _kept(self) -> str:
        found, _ = checkpoints.newest_intact(self.folder.path)
        return f"The checkpoint {found.name}; the update was not made." if found else "Nothing was changed."
