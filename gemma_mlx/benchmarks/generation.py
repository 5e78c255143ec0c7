"""One side of a generation measurement in a process of its own: prefill, decode, a chat, loading.

`python -m gemma_mlx.benchmarks.generation SIDE JSON` prints one line of JSON. Both sides hold the same seeded
random weights and take the likeliest token.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten

from gemma_mlx.benchmarks.sides import prepare
from gemma_mlx.benchmarks.workload import Workload, model_config, raw_config
from gemma_mlx.inference.decoding import decode, first_logits, prefill
from gemma_mlx.inference.prompt_cache import PromptCache
from gemma_mlx.inference.sampling import RowSampling, TokenPicker
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import SamplingSettings


@dataclass(frozen=True)
class Generation:
    """A shape, a prompt of `prompt` tokens, `answer` tokens, and a chat of `turns` turns of `turn` tokens."""

    shape: str
    bits: int | None = 4
    prompt: int = 512
    answer: int = 128
    turn: int = 300
    turns: int = 10
    turn_answer: int = 32
    window: int = 4096  # 512 is Gemma 3's, which wraps in the second turn
    vocabulary: int = 256_000
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def workload(self) -> Workload:
        """The model's part, as training workloads name it."""
        return Workload(
            self.shape, "equal", 1, 8, 8, 0.0, 1, bits=self.bits, vocabulary=self.vocabulary,
            window=self.window, seed=self.seed,
        )  # fmt: skip


class Side(Protocol):
    """A program that continues a conversation token by token."""

    held: list[int]

    def start(self) -> None:
        """Forgets the conversation."""

    def tokens(self, place: int, ids: list[int], most: int) -> Iterator[int]:
        """Lets `ids` follow the first `place` tokens of `held`; yields up to `most` that go on from there."""


class Ours:
    """This engine, with the marks that the app sets."""

    def __init__(self, job: Generation) -> None:
        self.model = Decoder(model_config(job.workload))
        prepare(self.model, job.workload)
        self.vocabulary = job.vocabulary
        self.start()

    def start(self) -> None:
        self.prompts = PromptCache(self.model)
        self.held: list[int] = []

    def tokens(self, place: int, ids: list[int], most: int) -> Iterator[int]:
        self.held[place:] = ids
        cache, last = self.prompts.cache, len(self.held) - 1
        self.prompts.begin(self.held)
        for _ in prefill(self.model, self.held, cache, marks=[place, last]):
            pass
        logits = first_logits(self.model, self.held, cache)
        picker = TokenPicker([RowSampling(SamplingSettings(temperature=0.0), 0)], self.vocabulary)
        for token in decode(self.model, picker, cache, logits, most):
            self.held.append(token)
            yield token
        self.prompts.settle(self.held)


class Peer:
    """mlx-lm's model and `generate_step`; its server cuts the cache back in the same way."""

    def __init__(self, job: Generation) -> None:
        from mlx_lm.models import gemma2

        self.model = gemma2.Model(gemma2.ModelArgs.from_dict(raw_config(job.workload)))
        prepare(self.model, job.workload)
        self.start()

    def start(self) -> None:
        from mlx_lm.models.cache import make_prompt_cache

        self.cache = make_prompt_cache(self.model)
        self.held: list[int] = []

    def tokens(self, place: int, ids: list[int], most: int) -> Iterator[int]:
        from mlx_lm.generate import generate_step
        from mlx_lm.models.cache import trim_prompt_cache

        same = self.held[place : place + len(ids)] == ids
        self.held[place:] = ids
        kept = min(self.cache[0].offset, len(self.held) - 1 if same else place)
        trim_prompt_cache(self.cache, self.cache[0].offset - kept)
        prompt = mx.array(self.held[kept:])
        for token, _ in generate_step(prompt, self.model, max_tokens=most, prompt_cache=self.cache):
            self.held.append(int(token))
            yield int(token)


SIDES: dict[str, type[Ours] | type[Peer]] = {"ours": Ours, "peer": Peer}


def measure(side: Side, job: Generation) -> dict[str, Any]:
    """Prefill and decode in tokens a second, and times to first tokens in seconds.

    Of the chat's first turn, of the last one, of that after its question was edited and when its answer is
    made again.
    """
    random = np.random.default_rng(job.seed)

    def some(count: int) -> list[int]:
        return [int(token) for token in random.integers(3, job.vocabulary, count)]

    _timed(side, 0, some(job.prompt), 2)  # kernels are made, for these shapes
    side.start()
    mx.reset_peak_memory()
    first, rest = _timed(side, 0, some(job.prompt), job.answer)
    peak = mx.get_peak_memory()
    side.start()
    fresh, _ = _timed(side, 0, some(job.turn), 1)
    found = {
        "prefill_tokens_per_second": job.prompt / first,
        "decode_tokens_per_second": (job.answer - 1) / rest if rest else 0.0,
        "first_token_of_first_turn_seconds": fresh,
    }
    side.start()
    for _ in range(job.turns):
        place = len(side.held)
        turn, _ = _timed(side, place, some(job.turn), job.turn_answer)
    edited = some(job.turn)
    found["first_token_of_last_turn_seconds"] = turn
    found["first_token_of_last_turn_edited_seconds"] = _timed(side, place, edited, job.turn_answer)[0]
    found["first_token_of_last_turn_again_seconds"] = _timed(side, place, edited, job.turn_answer)[0]
    return {**found, "generation_peak_bytes": peak}


def _timed(side: Side, place: int, ids: list[int], most: int) -> tuple[float, float]:
    """Seconds to the first token, and of the rest."""
    started = time.perf_counter()
    first = started
    for number, _ in enumerate(side.tokens(place, ids, most)):
        if number == 0:
            first = time.perf_counter()
    return first - started, time.perf_counter() - first


def load_seconds(name: str, folder: Path) -> float:
    """Seconds until every weight of a model folder is in memory."""
    started = time.perf_counter()
    model: nn.Module
    if name == "ours":
        from gemma_mlx.load import load_model

        model = load_model(folder).model
    else:
        from mlx_lm.utils import load_model as peer_load

        model = peer_load(folder)[0]
    mx.eval(model.parameters())
    return time.perf_counter() - started


def write_model(job: Generation, folder: Path) -> None:
    """The weights as a folder that both programs load, in 16 bit."""
    from gemma_mlx.benchmarks.sides import random_weights
    from gemma_mlx.weights.files import save_weights

    save_weights(folder, random_weights(job.workload), raw_config(job.workload))


def main() -> None:
    name, job = sys.argv[1], Generation(**json.loads(sys.argv[2]))
    side = SIDES[name](job)
    found = measure(side, job)
    found["weights_bytes"] = sum(array.nbytes for _, array in tree_flatten(side.model.parameters()))
    del side
    mx.clear_cache()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        write_model(job, path)
        found["load_seconds"] = load_seconds(name, path)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
