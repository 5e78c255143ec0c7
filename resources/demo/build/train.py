"""Trains the demo model from random weights on the world's dialogues: `python -m resources.demo.build.train`.

Needs mlx, numpy, sentencepiece and gemma_mlx.models alone, so that it runs on a CPU and on MLX's CUDA build.
B batch, L length, D hidden, V vocabulary, T targets.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_map_with_path

from gemma_mlx.models.config import parse_config
from gemma_mlx.models.decoder import Decoder
from resources.demo.build.evaluate import held_out_rows, load_decoder, measure, table
from resources.demo.build.manners import draw_in_some_manner
from resources.demo.build.tokenizer import VOCABULARY, DialogueEncoder

MODEL = Path(__file__).parent.parent / "model"

CONFIG: dict[str, Any] = {
    "architectures": ["Gemma2ForCausalLM"],
    "model_type": "gemma2",
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 32,
    "query_pre_attn_scalar": 32,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "sliding_window": 12,
    "max_position_embeddings": 1024,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-06,
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_act": "gelu_pytorch_tanh",
    "attention_bias": False,
    "attention_dropout": 0.0,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
    "use_cache": True,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "torch_dtype": "bfloat16",
}
GENERATION_CONFIG = {"bos_token_id": 2, "eos_token_id": [1, 5], "pad_token_id": 0, "do_sample": False}

_LENGTHS = (24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256)
"""Lengths that rows are padded to: few, so that few shapes are compiled."""

Row = tuple[list[int], list[bool]]
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


def rows_of(folder: Path, seed: int, round_number: int, count: int) -> list[Row]:
    """`count` dialogues as ids and answer marks: a function of (seed, round) alone."""
    random, encoder = Random(f"{seed}/{round_number}"), DialogueEncoder(folder)
    return [encoder.dialogue(draw_in_some_manner(random).turns()) for _ in range(count)]


def batches(rows: list[Row], tokens: int, seed: object) -> list[Batch]:
    """Rows of like length together, about `tokens` a batch, in random order.

    A batch is ids (B, L) int32 and the T targets: their places in the flattened rows (T,) and their ids (T,).
    So that few shapes are compiled, T is filled up with ids of -1 to a multiple of half the batch, and a
    length's last batch with rows that hold no target.
    """
    random = Random(f"batches/{seed}")
    by_length: dict[int, list[Row]] = {length: [] for length in _LENGTHS}
    for row in rows:
        fitting = [length for length in _LENGTHS if length >= len(row[0]) - 1]
        if fitting:  # longer than the longest: left out
            by_length[fitting[0]].append(row)
    made = []
    for length, group in by_length.items():
        random.shuffle(group)
        size = max(1, tokens // length)
        for start in range(0, len(group), size):
            made.append(_batch(group[start : start + size], (size, length), tokens // 2))
    random.shuffle(made)
    return made


def _batch(group: list[Row], shape: tuple[int, int], multiple: int) -> Batch:
    ids, length = np.zeros(shape, np.int32), shape[1]
    places, targets = [], []
    for index, (row, answers) in enumerate(group):
        ids[index, : len(row) - 1] = row[:-1]
        for position, counts in enumerate(answers[1:]):
            if counts:
                places.append(index * length + position)
                targets.append(row[position + 1])
    filler = -len(places) % multiple
    return ids, np.array(places + [0] * filler, np.int32), np.array(targets + [-1] * filler, np.int32)


def _round(folder: Path, seed: int, number: int, tokens: int) -> list[Batch]:
    return batches(rows_of(folder, seed, number, 40_000), tokens, f"{seed}/{number}")


def loss_of(decoder: Decoder, ids: mx.array, places: mx.array, targets: mx.array) -> mx.array:
    """Mean cross entropy over the targets, in float32; a hardly filled batch counts less."""
    hidden = decoder.hidden(ids)  # (B, L, D)
    logits = decoder.head(hidden.reshape(-1, hidden.shape[-1])[places]).astype(mx.float32)  # (T, V)
    counts = targets >= 0
    losses = nn.losses.cross_entropy(logits, mx.maximum(targets, 0))
    return (losses * counts).sum() / mx.maximum(counts.sum(), targets.size // 4)


def train(
    folder: Path,
    *,
    steps: int,
    tokens: int,
    peak: float,
    seed: int = 0,
    workers: int = 1,
    minutes: float = 60.0,
    measure_every: int = 0,
) -> Decoder:
    """A decoder trained for `steps` steps of about `tokens` tokens, fewer if `minutes` are over before.

    With `measure_every` the share of held-out questions answered right is printed every so many steps.
    """
    mx.random.seed(seed)
    decoder = Decoder(parse_config(CONFIG, "the demo model's configuration"))
    mx.eval(decoder.parameters())
    size = sum(array.size for _, array in tree_flatten(decoder.parameters()))
    print(f"{size:,} parameters on {mx.default_device()}", flush=True)
    optimizer = optim.AdamW(learning_rate=peak, betas=[0.9, 0.98], weight_decay=0.0, bias_correction=True)
    gradients_of = nn.value_and_grad(decoder, loss_of)
    state = [decoder.state, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(ids: mx.array, places: mx.array, targets: mx.array, rate: mx.array) -> tuple[mx.array, mx.array]:
        loss, gradients = gradients_of(decoder, ids, places, targets)
        gradients, norm = optim.clip_grad_norm(gradients, 1.0)
        optimizer.learning_rate = rate
        decoder.update(tree_map_with_path(partial(_decayed, rate=rate), decoder.parameters()))
        optimizer.update(decoder, gradients)
        return loss, norm

    began, done, seen = time.monotonic(), 0, 0
    recent: list[float] = []
    for batch in _endless(folder, seed, tokens, workers):
        # Progress by steps, or by the clock where that is further: the rate always falls to its end.
        passed = max(done / steps, (time.monotonic() - began) / (60 * minutes))
        if passed >= 1:
            break
        warm = min(1.0, (done + 1) / 200)
        rate = peak * warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * passed)))
        ids, places, targets = (mx.array(array) for array in batch)
        loss, norm = step(ids, places, targets, mx.array(rate, mx.float32))
        mx.eval(loss, norm, state)
        recent.append(float(np.array(loss)))
        done, seen = done + 1, seen + ids.size
        if done % 100 == 0:
            seconds = time.monotonic() - began
            print(f"step {done}  loss {np.mean(recent):.4f}  rate {rate:.2e}  norm {norm.item():.2f}  "
                  f"{seen / seconds:,.0f} tokens/s  {seconds:.0f} s", flush=True)  # fmt: skip
            recent.clear()
        if measure_every and done % measure_every == 0:
            answered = measure(decoder, folder, held_out_rows())
            print(f"held out: {sum(each.right for each in answered)} of {len(answered)} right", flush=True)
    return decoder


def _decayed(name: str, array: mx.array, *, rate: mx.array) -> mx.array:
    """Decoupled decay of the matrices; norms keep their weights."""
    return array * (1 - 0.1 * rate) if array.ndim > 1 else array


def _endless(folder: Path, seed: int, tokens: int, workers: int) -> Iterator[Batch]:
    """Batches without end; other processes draw the coming dialogues while these are trained on."""
    # Spawned, not forked: a fork of a process that holds a GPU may hang.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        ahead = [pool.submit(_round, folder, seed, number, tokens) for number in range(workers + 1)]
        try:
            for number in count(workers + 1):
                yield from ahead.pop(0).result()
                ahead.append(pool.submit(_round, folder, seed, number, tokens))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def save(decoder: Decoder, tokenizer: Path, folder: Path) -> None:
    """A model folder as any other: bfloat16 weights, configuration, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: array.astype(mx.bfloat16) for name, array in tree_flatten(decoder.parameters())}
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "pt"})
    for name, values in (("config.json", CONFIG), ("generation_config.json", GENERATION_CONFIG)):
        (folder / name).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for name in ("tokenizer.model", "tokenizer_config.json"):
        if (tokenizer / name).resolve() != (folder / name).resolve():
            shutil.copyfile(tokenizer / name, folder / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the trained model")
    parser.add_argument("--tokenizer", type=Path, default=MODEL, help="folder with tokenizer.model")
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--tokens", type=int, default=16_384, help="tokens of a batch, padding included")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--minutes", type=float, default=8.0, help="end by this time at the latest")
    parser.add_argument("--workers", type=int, default=4, help="processes that draw dialogues")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure-every", type=int, default=0, help="steps between measurements")
    chosen = parser.parse_args()
    decoder = train(
        chosen.tokenizer, steps=chosen.steps, tokens=chosen.tokens, peak=chosen.rate, seed=chosen.seed,
        workers=chosen.workers, minutes=chosen.minutes, measure_every=chosen.measure_every,
    )  # fmt: skip
    save(decoder, chosen.tokenizer, chosen.out)
    # What is shipped is measured: the weights as they were rounded.
    answered = measure(load_decoder(chosen.out), chosen.out, held_out_rows())
    print(table(answered))
    for each in [each for each in answered if not each.right][:40]:
        print(f"{each.row['category']}: {each.row['messages'][-1]['content']!r} -> {each.text!r}")


if __name__ == "__main__":
    main()
