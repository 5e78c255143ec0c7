"""mlx-lm through the same recordings: which cases it passes, and by how much it fails. For the report only.

Gold is the committed recording of PyTorch CUDA. L length, V vocabulary.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers
import numpy as np

from gemma_mlx.verification import cases, limits, measure, replay, seeded
from gemma_mlx.verification.recording import Recording
from gemma_mlx.verification.report import Row, judged, reported


def build(raw: Mapping[str, Any], weights: Mapping[str, np.ndarray], precision: str) -> nn.Module:
    """mlx-lm's model of a configuration with these weights."""
    module = importlib.import_module(f"mlx_lm.models.{raw['model_type']}")
    model = module.Model(module.ModelArgs.from_dict(dict(raw)))
    dtype = replay.DTYPES[precision]
    placed = {name: mx.array(array).astype(dtype) for name, array in weights.items()}
    if hasattr(model, "sanitize"):
        placed = model.sanitize(placed)
    model.load_weights(list(placed.items()), strict=True)
    return model.eval()


def logits_of(model: nn.Module, ids: np.ndarray) -> np.ndarray:
    return replay.to_numpy(model(mx.array(ids)[None]))[0]


def decoded(model: nn.Module, ids: np.ndarray) -> np.ndarray:
    """The logits (L, V) of ids (L,) given one by one to its cache."""
    from mlx_lm.models.cache import make_prompt_cache

    cache = make_prompt_cache(model)
    return np.concatenate([replay.to_numpy(model(mx.array([[int(token)]]), cache=cache))[0] for token in ids])


def batched(model: nn.Module, prompts: list[np.ndarray]) -> list[np.ndarray]:
    """Logits of prompts in one batch, padded left, with the caches that its batch generation makes."""
    from mlx_lm.models.cache import BatchKVCache, BatchRotatingKVCache, RotatingKVCache, make_prompt_cache

    length = max(map(len, prompts))
    padding = [length - len(prompt) for prompt in prompts]
    caches = [
        BatchRotatingKVCache(cache.max_size, padding)
        if isinstance(cache, RotatingKVCache)
        else BatchKVCache(padding)
        for cache in make_prompt_cache(model)
    ]
    rows = [np.concatenate([np.zeros(pad, np.int32), p]) for pad, p in zip(padding, prompts, strict=True)]
    logits = replay.to_numpy(model(mx.array(np.stack(rows)), cache=caches))
    return [logits[row, pad:] for row, pad in enumerate(padding)]


def peer_rows(recording: Recording) -> Iterator[Row]:
    """Rows of mlx-lm for each tiny case of a recording."""
    for case in cases.CASES:
        name = case.name
        entry = recording.cases[name]
        raw = entry["config"]
        weights = seeded.make_weights(raw, 0)
        gold, scalars = recording.of(f"{name}/0"), entry["seeds"]["0"]
        try:
            model = build(raw, weights, "fp32")
        except Exception as problem:
            yield reported(name, "fp32", "logits", float("inf"), note=f"does not load: {_short(problem)}")
            continue
        try:
            yield from _forward_rows(name, model, case, gold, scalars["noise"]["logits"])
        except Exception as problem:
            yield reported(name, "fp32", "logits", float("inf"), note=f"raises: {_short(problem)}")
            continue
        if name in cases.GENERATIONS:
            yield _rounded_row(name, entry, recording)
            yield from _training_rows(name, model, raw, weights)


def _forward_rows(
    name: str, model: nn.Module, case: cases.Case, gold: Mapping[str, np.ndarray], noise: float
) -> Iterator[Row]:
    ids = cases.prompt(case, 0)
    limit = min(limits.LOGITS, limits.LOGITS_TIMES_NOISE * noise)
    for length in (15, 40):
        wanted = gold[f"logits.{length}"]
        got = logits_of(model, ids[:length])[-len(wanted) :]
        words = "inside the window" if length == 15 else "beyond the window"
        worst, most = measure.divergence(got, wanted).max(), measure.greatest(got, wanted)
        note = f"KL up to {worst:.1e}, logits off by {most:.1e}"
        yield judged(name, "fp32", f"logits, {words}", measure.relative(got, wanted), limit, noise, note=note)
    whole = gold["logits.40"]
    try:
        yield judged(
            name, "fp32", "decode, token by token", measure.relative(decoded(model, ids), whole), limits.PATHS
        )
    except Exception as problem:
        yield reported(name, "fp32", "decode, token by token", float("inf"), note=_short(problem))
    rows = max(2, int(case.config_json()["num_key_value_heads"]))
    quantity = f"batch of {rows}, unequal prompts inside the window"
    try:
        got_rows = batched(model, [ids[: cases.WINDOW - 3 * turn] for turn in range(rows)])
        worst = max(measure.relative(got, whole[: len(got)]) for got in got_rows)
        yield judged(name, "fp32", quantity, worst, limits.PATHS)
    except Exception as problem:
        yield reported(name, "fp32", quantity, float("inf"), note=f"raises: {_short(problem)}")


def _rounded_row(name: str, entry: Mapping[str, Any], recording: Recording) -> Row:
    """bf16 logits over all seeds, against PyTorch's own bf16 error."""
    ours, own = [], []
    for seed, scalars in entry["seeds"].items():
        model = build(entry["config"], seeded.make_weights(entry["config"], int(seed)), "bf16")
        wanted = recording.of(f"{name}/{seed}")["logits.40"]
        got = logits_of(model, cases.prompt(cases.BY_NAME[name], int(seed)))
        ours.append(measure.relative(got[-len(wanted) :], wanted))
        own.append(scalars["bf16"]["logits"])
    error, theirs = float(np.mean(ours)), float(np.mean(own))
    note = f"{error / theirs:.3f} of PyTorch's own, {len(ours)} seeds"
    return judged(name, "bf16", "logits", error, limits.BF16_RATIO * theirs, theirs, note=note)


def _training_rows(
    name: str, model: nn.Module, raw: Mapping[str, Any], weights: Mapping[str, np.ndarray]
) -> Iterator[Row]:
    """Its loss of unequal rows inside the window, and its first step, against ours (equal to PyTorch's)."""
    from mlx_lm.tuner.trainer import default_loss

    rows = [
        cases.TrainRow(row.ids[:length], (False, *([True] * (length - 1))))
        for row, length in zip(cases.make_batches(0, int(raw["vocab_size"]))[0], (15, 9), strict=True)
    ]
    ours = replay.build_decoder(raw, weights, "fp32")
    replay.attach_lora(ours, cases.make_lora(dict(raw), 0), rank=4, alpha=8.0)
    # B at zero: the base alone.
    for module in ours.modules():
        if "lora_B" in module:
            module.lora_B = mx.zeros_like(module.lora_B)
    gold, _ = replay.Training(ours).gradients(replay.make_batch(rows))
    length = 32 + 1  # it pads to a multiple of 32, and one
    ids = np.stack([np.pad(np.array(row.ids, np.int32), (0, length - len(row.ids))) for row in rows])
    lengths = mx.array([[0, len(row.ids)] for row in rows])
    loss = float(default_loss(model, mx.array(ids), lengths)[0])
    note = f"{loss:.4f} for {gold:.4f}: one padding target a row is trained"
    yield judged(name, "fp32", "loss", abs(loss / gold - 1), limits.LOSS, note=note)
    start, slope = {"w": mx.zeros((4,))}, {"w": mx.array([1.0, -2.0, 0.5, 3.0])}
    step = mlx.optimizers.AdamW(learning_rate=1e-3, weight_decay=0.0).apply_gradients(slope, start)["w"]
    # torch's first step is the learning rate itself, whatever the gradient.
    ratio = float(mx.abs(step).mean()) / 1e-3
    yield judged(
        name, "fp32", "first AdamW step", abs(ratio - 1), limits.ONE_STEP, note=f"{ratio:.2f} times PyTorch's"
    )


def _short(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {str(problem).splitlines()[0][:90] if str(problem) else ''}"
