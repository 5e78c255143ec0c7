"""Loss and perplexity of a model on a dataset, over every token that carries loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from gemma_mlx.adapters.lora import enable_lora, lora_modules
from gemma_mlx.data.batches import collate_packed, collate_padded
from gemma_mlx.errors import Cancelled, DatasetError
from gemma_mlx.events import Done, Event, Progress
from gemma_mlx.load import Loaded
from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.order import DataOrder
from gemma_mlx.training.step import StepFunction, to_inputs

TOKENS_PER_BATCH = 4096


def evaluate(
    loaded: Loaded,
    examples: Sequence[Any],
    *,
    with_base: bool = False,
    tokens_per_batch: int = TOKENS_PER_BATCH,
    cancel: Callable[[], bool] | None = None,
) -> Iterator[Event]:
    """Yields Progress, then Done with {"loss", "perplexity", "tokens", "rows"}.

    The loss is the mean over tokens in fp32, in nats. `with_base`: also {"base_loss", "base_perplexity"} of
    the same rows with the adapter off.

    Raises:
        DatasetError: these are preference pairs, which have no perplexity.
        Cancelled: `cancel` returned True.
    """
    if len(examples) and not hasattr(examples[0], "ids"):
        raise DatasetError(
            "not-for-evaluation",
            "Pairs of chosen and rejected answers have no perplexity.",
            where=str(examples[0].source),
            fix="Give a dataset of prompts and completions, messages or text.",
        )
    loss, tokens = yield from _mean_loss(loaded, examples, "Evaluating", tokens_per_batch, cancel)
    result = {"loss": loss, "perplexity": perplexity(loss), "tokens": tokens, "rows": len(examples)}
    if with_base and any(True for _ in lora_modules(loaded.model)):
        enable_lora(loaded.model, False)
        try:
            base, _ = yield from _mean_loss(loaded, examples, "The base alone", tokens_per_batch, cancel)
        finally:
            enable_lora(loaded.model, True)
        result |= {"base_loss": base, "base_perplexity": perplexity(base)}
    yield Done(result)


def perplexity(loss: float) -> float:
    """exp of a mean loss in nats, kept finite."""
    return math.exp(min(loss, 700.0))


def _mean_loss(
    loaded: Loaded,
    examples: Sequence[Any],
    stage: str,
    tokens_per_batch: int,
    cancel: Callable[[], bool] | None,
) -> Generator[Event, None, tuple[float, int]]:
    """Yields Progress; returns the mean loss and how many tokens it is over."""
    settings = TrainSettings(batch_size=4096, tokens_per_batch=tokens_per_batch)
    packs = loaded.config.packs
    collate = collate_packed if packs else collate_padded
    step = StepFunction(loaded.model, settings, None)
    order = DataOrder([len(example.ids) for example in examples], settings, "packed" if packs else "padded")
    total, tokens, done = 0.0, 0, 0
    try:
        for batches in order.epoch(0):
            for rows in batches:
                if cancel is not None and cancel():
                    raise Cancelled(kept="Nothing was changed.")
                inputs = to_inputs(collate([examples[row] for row in rows]))
                total += float(step.evaluate(inputs))
                tokens += inputs.tokens
                done += len(rows)
                yield Progress(stage, done, len(examples), unit="rows")
    finally:
        loaded.model.eval()
    return total / max(1, tokens), tokens
