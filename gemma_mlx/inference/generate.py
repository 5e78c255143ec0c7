"""From a prompt to streamed text: `generate` yields typed events, and chat and command line share them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import mlx.core as mx
from mlx.utils import tree_flatten

from gemma_mlx.errors import ModelError, SettingsError
from gemma_mlx.events import Done, Event, Token, Warning
from gemma_mlx.inference.answer_text import AnswerText
from gemma_mlx.inference.decoding import decode, first_logits, prefill
from gemma_mlx.inference.prompt_cache import PromptCache
from gemma_mlx.inference.sampling import NOT_A_TOKEN, RowSampling, TokenPicker, draw_seed
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message, render_chat

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded
    from gemma_mlx.text.tokenizer import Tokenizer

Prompt = str | list[Message]
DEFAULT_SAMPLING = SamplingSettings()


def generate(
    loaded: Loaded,
    prompt: Prompt,
    sampling: SamplingSettings = DEFAULT_SAMPLING,
    cancel: Callable[[], bool] | None = None,
) -> Iterator[Event]:
    """The model's continuation of a text, or its answer to a conversation.

    A string is continued as it is, after the begin-of-text token. A list of messages goes through the chat
    template; where the last one is the assistant's, that answer is continued.

    Yields Progress while the prompt is read, one Token per token (its text may be "" while characters are
    incomplete), and last Done with {"text", "tokens", "prompt_tokens", "computed_prompt_tokens",
    "tokens_per_second", "time_to_first_token" (seconds), "reason" ("end", "stop", "length", "cancelled"),
    "seed", "ids"}. The texts of the tokens joined are Done's text. `cancel` is asked at each token.

    Raises:
        ModelError: the model's logits are not finite numbers.
        TokenizerError: the model has no tokenizer.
        SettingsError: there is nothing to answer.
    """
    ids = prompt_ids(loaded.tokenizer, prompt)
    yield from answer(loaded, ids, sampling, PromptCache(loaded.model), cancel=cancel)


def prompt_ids(tokenizer: Tokenizer, prompt: Prompt) -> list[int]:
    """The tokens that a prompt stands for, one begin-of-text included.

    Raises:
        SettingsError: there are no messages, or the tokenizer makes nothing of the text.
    """
    if isinstance(prompt, str):
        ids = tokenizer.encode(prompt, bos=True)
    elif not prompt:
        ids = []
    elif prompt[-1].role == "assistant":
        before = render_chat(tokenizer, prompt[:-1], add_generation_prompt=True).ids
        ids = before + tokenizer.encode(prompt[-1].content)
    else:
        ids = render_chat(tokenizer, prompt, add_generation_prompt=True).ids
    if not ids:
        raise SettingsError(
            "empty-prompt", "There is nothing to answer: the prompt is empty.", where="prompt",
            fix="Write a prompt.", kept="Nothing was changed.",
        )  # fmt: skip
    return ids


def answer(
    loaded: Loaded,
    ids: Sequence[int],
    sampling: SamplingSettings,
    prompts: PromptCache,
    *,
    cancel: Callable[[], bool] | None = None,
    marks: Iterable[int] = (),
) -> Iterator[Event]:
    """`generate` for a prompt that is tokens already, reusing what the cache holds of it.

    `marks`: positions of the prompt that the cache shall be able to come back to. The cache stays right
    however the iteration ends.
    """
    started = time.perf_counter()
    cancelled = cancel or (lambda: False)
    tokenizer, decoder = loaded.tokenizer, loaded.model
    seed = draw_seed(sampling)
    text = AnswerText(tokenizer.stream(), sampling.stop)
    yield from _length_warning(loaded, len(ids))
    reused = prompts.begin(ids)
    generated: list[int] = []
    reason = ""
    first_at = 0.0
    try:
        yield from prefill(decoder, ids, prompts.cache, marks=marks, cancelled=cancelled)
        if cancelled():
            reason = "cancelled"
        else:
            row = RowSampling(sampling, seed, ids)
            picker = token_picker(loaded, [row])
            logits = first_logits(decoder, ids, prompts.cache)
            reason = "length"
            for token in decode(decoder, picker, prompts.cache, logits, sampling.max_tokens):
                first_at = first_at or time.perf_counter()
                if token == NOT_A_TOKEN:
                    prompts.clear()
                    raise not_finite_error(loaded, len(generated))
                generated.append(token)
                if token in tokenizer.end_ids:
                    reason = "end"
                    break
                yield Token(text.push(token), token)
                if text.stopped:
                    reason = "stop"
                    break
                if cancelled():
                    reason = "cancelled"
                    break
    finally:
        computed = max(0, min(prompts.cache.offset, len(ids)) - reused)
        prompts.settle([*ids, *generated])
    ended = time.perf_counter()
    rest = text.finish(broken_off=reason != "end")
    if rest:
        yield Token(rest)
    if reason == "end":
        generated.pop()
    yield Done(
        {
            "text": text.text,
            "tokens": len(generated),
            "prompt_tokens": len(ids),
            "computed_prompt_tokens": computed,
            "tokens_per_second": _rate(len(generated), ended - (first_at or ended)),
            "time_to_first_token": (first_at or ended) - started,
            "reason": reason,
            "seed": seed,
            "ids": generated,
        },
        outcome="stopped" if reason == "cancelled" else "finished",
    )


def token_picker(loaded: Loaded, rows: Sequence[RowSampling]) -> TokenPicker:
    """Picks among the ids that have text or end it; a vocabulary padded for the hardware holds others."""
    tokenizer = loaded.tokenizer
    return TokenPicker(rows, loaded.config.vocab_size, tokenizer.vocab_size, tokenizer.end_ids)


def _rate(tokens: int, seconds: float) -> float:
    """Tokens a second after the first one, which is counted as time to first token."""
    return (tokens - 1) / seconds if tokens > 1 and seconds > 0 else 0.0


def _length_warning(loaded: Loaded, length: int) -> Iterator[Warning]:
    limit = loaded.config.max_position_embeddings
    if length >= limit:
        yield Warning(
            "prompt-too-long",
            f"The prompt has {length} tokens, but this model was made for {limit}: it may answer nonsense.",
            "Shorten the prompt, or start a new chat.",
        )


def not_finite_error(loaded: Loaded, generated: int) -> ModelError:
    """The error for logits that are NaN or infinite: it names the weight that is at fault, if one is."""
    where = str(loaded.folder)
    for name, weight in tree_flatten(loaded.model.parameters()):
        if mx.issubdtype(weight.dtype, mx.floating) and not mx.all(mx.isfinite(weight)).item():
            return ModelError(
                "not-finite",
                f"The model computes NaN: its weight {name} holds values that are not finite numbers.",
                where=f"{where}, tensor {name}", fix="Download or convert this model again.",
                kept="What was answered so far.",
            )  # fmt: skip
    return ModelError(
        "not-finite",
        f"The model computes NaN or infinite logits at token {generated + 1} of its answer, "
        f"though all its weights are finite: its numbers overflow in {loaded.config.dtype}.",
        where=where, fix="Load it in bfloat16 or float32, or detach the adapter.",
        kept="What was answered so far.",
    )  # fmt: skip
