"""Records a whole model on the reference side: samples of all quantities, small enough to send anywhere.

Imports torch, transformers and peft, never mlx. L length, D hidden, V vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

from gemma_mlx.models.config import parameter_shapes, parse_config
from gemma_mlx.verification import cases, measure, plan, reference, seeded
from gemma_mlx.verification.cases import TrainRow
from gemma_mlx.verification.plan import ModelPlan

Say = Callable[[str], None]
Arrays = dict[str, np.ndarray]


def record_shape(
    name: str, raw: Mapping[str, Any], chosen: ModelPlan, device: str, say: Say
) -> tuple[Arrays, dict[str, Any]]:
    """A published size with seeded weights, made on `device`."""
    started = time.perf_counter()
    shapes = parameter_shapes(parse_config(dict(raw), name))
    weights = {key: reference.make_tensor(key, shape, chosen.seed, device) for key, shape in shapes.items()}
    checks = weight_checks(weights)
    model = reference.build_model(raw, weights, device)
    del weights
    say(f"{name}: weights made, {time.perf_counter() - started:.0f} s")
    ids = seeded.make_ids(chosen.seed, chosen.prompt_tokens, int(raw["vocab_size"]))
    row_ids = seeded.make_ids(chosen.seed, chosen.train_tokens, int(raw["vocab_size"]), purpose=2)
    row = TrainRow(tuple(row_ids.tolist()), tuple(2 * place >= len(row_ids) for place in range(len(row_ids))))
    arrays, entry = record_model(model, raw, chosen, ids, [row] if chosen.train_tokens else [], say)
    return arrays, {"kind": "shape", "shape": name, "config": dict(raw), "weights": checks, **entry}


def weight_checks(weights: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Sums of the bit patterns of some weights: cheap, exact, and different if one element is."""
    chosen = [name for name in weights if name.startswith(("model.embed_tokens", "model.layers.1."))]
    return {name: int(weights[name].contiguous().view(torch.int16).to(torch.int64).sum()) for name in chosen}


def record_model(
    model: Any, raw: Mapping[str, Any], chosen: ModelPlan, ids: np.ndarray, rows: Sequence[TrainRow], say: Say
) -> tuple[Arrays, dict[str, Any]]:
    """Forward pass over `ids` (L,) and training on `rows`, of a model whose parameters are bf16 or fp32.

    Gold is fp32; parameters that are bf16 are widened layer by layer while they run.
    """
    entry: dict[str, Any] = {"plan": chosen.as_dict(), "noise": {}, "bf16": {}, "seconds": {}}
    arrays: Arrays = {"ids": ids.astype(np.int32)}
    wide = next(model.parameters()).dtype == torch.float32
    watch = _Watch(entry["seconds"], say)

    with watch("gold forward"), nullcontext() if wide else reference.layers_widened(model):
        gold = _forward(model, raw, ids)
        noise = _forward_in_chunks(model, ids, gold["positions"], gold["words"])
    arrays |= gold
    entry["noise"]["logits"] = measure.relative(noise, gold["logits"])
    if not wide:
        with watch("bf16 forward"):
            own = _forward(model, raw, ids, words=gold["words"])
        entry["bf16"] = compare_forward(own, gold)
    for index, row in enumerate(rows):
        arrays[f"row.{index}.ids"] = np.array(row.ids, np.int32)
        arrays[f"row.{index}.mask"] = np.array(row.loss_mask, np.int32)
    if rows:
        precisions = ("fp32",) if wide else ("bf16", "fp32") if chosen.gold_training else ("bf16",)
        _record_training(model, raw, chosen, rows, precisions, arrays, entry, watch)
    return arrays, entry


class _Watch:
    """Times each part, and says so at once: a run that is cut off has told what it did."""

    def __init__(self, seconds: dict[str, float], say: Say) -> None:
        self.seconds, self.say = seconds, say

    def __call__(self, part: str) -> _Watch:
        self.part, self.started = part, time.perf_counter()
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds[self.part] = round(time.perf_counter() - self.started, 2)
        self.say(f"  {self.part}: {self.seconds[self.part]} s")


def _forward(model: Any, raw: Mapping[str, Any], ids: np.ndarray, words: np.ndarray | None = None) -> Arrays:
    """What is kept of one prefill: samples of points, logits of kept positions and words, all likeliest."""
    windows = parse_config(dict(raw), "model").layer_windows
    positions = plan.kept_positions(len(ids), windows)
    with (
        torch.no_grad(),
        reference.watched(model, lambda point: _sample(point[0], plan.POINT_SAMPLE, "point")) as seen,
    ):
        logits = model(
            input_ids=torch.from_numpy(ids.astype(np.int64))[None].to(model.device), use_cache=False
        ).logits[0]
    kept = logits[torch.from_numpy(positions.astype(np.int64)).to(logits.device)].float()
    best, order = [], []
    targets, normalizers, margins = [], [], []
    following = torch.from_numpy(np.append(ids[1:], 0).astype(np.int64)).to(logits.device)
    for begin in range(0, len(ids), 256):
        part = logits[begin : begin + 256].float()
        top = torch.topk(part, 2, dim=-1)
        order.append(top.indices[:, 0])
        margins.append(top.values[:, 0] - top.values[:, 1])
        normalizer = torch.logsumexp(part, dim=-1)
        normalizers.append(normalizer)
        targets.append(part.gather(1, following[begin : begin + 256, None])[:, 0] - normalizer)
    if words is None:
        best = torch.topk(kept, plan.BEST_WORDS, dim=-1).indices.cpu().numpy()
        spread = np.tile(plan.kept_words(logits.shape[-1]), (len(positions), 1))
        words = np.concatenate([best, spread], axis=1).astype(np.int32)
    picked = kept.gather(1, torch.from_numpy(words.astype(np.int64)).to(kept.device))
    return {
        "points": torch.stack(seen).float().cpu().numpy(),
        "positions": positions,
        "words": words,
        "logits": picked.cpu().numpy(),
        "likeliest": torch.cat(order).to(torch.int32).cpu().numpy(),
        "margins": torch.cat(margins).cpu().numpy(),
        "normalizers": torch.cat(normalizers).cpu().numpy(),
        "targets": torch.cat(targets)[:-1].cpu().numpy(),
    }


def _sample(tensor: torch.Tensor, most: int, name: str) -> torch.Tensor:
    """The elements that plan.py keeps of a tensor, flat."""
    index = torch.from_numpy(plan.sample_positions(tensor.numel(), most, name)).to(tensor.device)
    return tensor.reshape(-1)[index].detach()


def _forward_in_chunks(model: Any, ids: np.ndarray, positions: np.ndarray, words: np.ndarray) -> np.ndarray:
    """The kept logits with the prompt given in three parts to a cache: the reference's own noise."""
    from transformers import DynamicCache

    cache, rows = DynamicCache(config=model.config), []
    placed = torch.from_numpy(ids.astype(np.int64))[None].to(model.device)
    with torch.no_grad():
        begin = 0
        for end in (len(ids) // 3, 2 * len(ids) // 3, len(ids)):
            logits = model(input_ids=placed[:, begin:end], past_key_values=cache, use_cache=True).logits[0]
            here = np.flatnonzero((positions >= begin) & (positions < end))
            index = torch.from_numpy(positions[here].astype(np.int64) - begin).to(logits.device)
            columns = torch.from_numpy(words[here].astype(np.int64)).to(logits.device)
            rows.append(logits[index].float().gather(1, columns).cpu().numpy())
            begin = end
    return np.concatenate(rows)


def compare_forward(got: Mapping[str, np.ndarray], gold: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """A forward pass against gold: errors by point, logits, KL, and how often the likeliest word differs."""
    divergence = measure.partial_divergence(got, gold)
    root = float(np.sqrt(np.mean((got["logits"] - gold["logits"]) ** 2)))
    differing = got["likeliest"] != gold["likeliest"]
    return {
        "points": [measure.relative(a, b) for a, b in zip(got["points"], gold["points"], strict=True)],
        "logits": measure.relative(got["logits"], gold["logits"]),
        "logits max": measure.greatest(got["logits"], gold["logits"]),
        "root mean square": root,
        "kl worst": float(divergence.max()),
        "kl mean": float(divergence.mean()),
        "top-1 differing": int(differing.sum()),
        "top-1 differing beyond 4 x": int(differing[gold["margins"] > 4 * root].sum()),
        "greatest margin lost": float(np.max(gold["margins"][differing], initial=0.0) / root),
        "loss": float(-np.mean(got["targets"])),
    }


def _record_training(
    model: Any, raw: Mapping[str, Any], chosen: ModelPlan, rows: Sequence[TrainRow],
    precisions: Sequence[str], arrays: Arrays, entry: dict[str, Any], watch: _Watch,
) -> None:  # fmt: skip
    """LoRA gradients and steps in bf16, then in fp32 where the plan has memory for it."""
    initial = cases.make_lora(dict(raw), chosen.seed, rank=chosen.rank)
    losses: dict[str, Any] = {}
    gradients: dict[str, Arrays] = {}
    for precision in precisions:
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        with watch(f"{precision} training"):
            try:
                tuned = reference.add_lora(
                    reference.set_dtype(model, dtype), initial, rank=chosen.rank, alpha=chosen.alpha
                )
                loss, grads = reference.gradients_of(tuned, rows)
                gradients[precision] = {
                    name: array.reshape(-1)[
                        plan.sample_positions(array.size, plan.GRADIENT_SAMPLE, "gradient")
                    ]
                    for name, array in grads.items()
                }
                steps = reference.train(
                    tuned, [rows], chosen.steps, learning_rate=chosen.learning_rate, weight_decay=0.0
                )
                losses[precision] = [loss, *steps]
            except torch.cuda.OutOfMemoryError as problem:
                entry[f"{precision} training failed"] = str(problem)[:200]
                torch.cuda.empty_cache()
                return
            model = tuned.unload()
            model.requires_grad_(False)
            torch.cuda.empty_cache()
    entry["losses"] = losses
    kept = "fp32" if "fp32" in gradients else "bf16"
    entry["gradients are"] = kept
    arrays |= {f"gradient/{name}": array for name, array in gradients[kept].items()}
    if len(gradients) == 2:
        every, worst, name = measure.compare_many(gradients["bf16"], gradients["fp32"])
        near = measure.cosine(measure.flat(gradients["bf16"]), measure.flat(gradients["fp32"]))
        entry["bf16"] |= {
            "gradients": every,
            "worst gradient": worst,
            "worst gradient is": name,
            "cosine": near,
        }
