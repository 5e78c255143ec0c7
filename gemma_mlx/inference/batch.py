"""Many prompts at once, each answered as if it were alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gemma_mlx.events import Done, Event, Progress, Warning
from gemma_mlx.inference.generate import DEFAULT_SAMPLING, Prompt, prompt_ids
from gemma_mlx.inference.sampling import draw_seed
from gemma_mlx.inference.slots import Request, Slots, answer_result
from gemma_mlx.settings import SamplingSettings

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded


def generate_batch(
    loaded: Loaded,
    prompts: Sequence[Prompt],
    sampling: SamplingSettings = DEFAULT_SAMPLING,
    cancel: Callable[[], bool] | None = None,
    *,
    slots: int = 16,
) -> Iterator[Event]:
    """Answers a list of prompts, up to `slots` of them at a time; with a seed, each as `generate` would.

    Yields Progress in prompts answered, and last Done with {"answers": one per prompt, in order, with "text",
    "tokens", "prompt_tokens", "reason", "seed" and "ids", "tokens", "tokens_per_second"}. Cancelled, the
    answers end where they are, and those not begun are empty.

    Raises:
        ModelError: the model's logits are not finite numbers.
        TokenizerError: the model has no tokenizer, or a chat's roles are in no order that it knows.
        SettingsError: a prompt is empty.
    """
    started = time.perf_counter()
    requests = [
        Request(index, prompt_ids(loaded.tokenizer, prompt), sampling, draw_seed(sampling))
        for index, prompt in enumerate(prompts)
    ]
    answers = [answer_result(request, "", [], "cancelled") for request in requests]
    yield from long_prompts_warning(loaded, sum(_too_long(loaded, request) for request in requests))
    yield Progress("Answering", 0, len(prompts), "prompts")
    for done, (index, result) in enumerate(answer_all(loaded, requests, slots, cancel), start=1):
        answers[index] = result
        yield Progress("Answering", done, len(prompts), "prompts")
    tokens = sum(answer["tokens"] for answer in answers)
    stopped = any(answer["reason"] == "cancelled" for answer in answers)
    yield Done(
        {
            "answers": answers,
            "tokens": tokens,
            "tokens_per_second": tokens / max(time.perf_counter() - started, 1e-9),
        },
        outcome="stopped" if stopped else "finished",
    )


def answer_all(
    loaded: Loaded,
    requests: Iterable[Request],
    slots: int,
    cancel: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(key, result) of each request as it ends. They are drawn as slots get free: there may be any number.

    Once cancelled, all that were drawn end where they are.
    """
    engine = Slots(loaded, slots, gather=max(1, slots // 4))
    source = iter(requests)
    drawn: dict[int, None] = {}
    exhausted = False
    while True:
        while not exhausted and engine.wanted > 0:
            request = next(source, None)
            if request is None:
                exhausted = True
            else:
                engine.add(request)
                drawn[request.key] = None
        if not engine.busy:
            return
        if cancel is not None and cancel():
            updates = [update for key in drawn if (update := engine.cancel(key)) is not None]
            exhausted = True
        else:
            updates = engine.step()
        for update in updates:
            if update.result is not None:
                del drawn[update.key]
                yield update.key, update.result


def _too_long(loaded: Loaded, request: Request) -> bool:
    return len(request.ids) >= loaded.config.max_position_embeddings


def long_prompts_warning(loaded: Loaded, count: int) -> Iterator[Warning]:
    """A warning if any prompts are longer than the model was made for."""
    if count:
        yield Warning(
            "prompt-too-long",
            f"{count} prompts are longer than the {loaded.config.max_position_embeddings} tokens that this "
            "model was made for: their answers may be nonsense.",
            "Shorten these prompts.",
        )
