"""Replays the recording of a whole model, or of a published size with seeded weights, on this backend.

L length, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import numpy as np

from gemma_mlx.models.config import parameter_shapes
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.verification import cases, limits, measure, plan, replay
from gemma_mlx.verification.cases import TrainRow
from gemma_mlx.verification.plan import ModelPlan
from gemma_mlx.verification.replay import AS_TRAINED
from gemma_mlx.verification.report import Row, exempted, judged, reported

Arrays = Mapping[str, np.ndarray]
CHUNK = 700
"""Prefill chunk: divides no window."""


def compare_shape(
    name: str, entry: Mapping[str, Any], gold: Arrays, *, precisions: Sequence[str] = ("fp32", "bf16")
) -> Iterator[Row]:
    """A published size whose weights are made here from its seed, in each of the precisions."""
    replay.prepare_mlx()
    chosen = ModelPlan(**entry["plan"])
    for precision in precisions:
        decoder = replay.build_seeded(entry["config"], chosen.seed, precision)
        yield _weights_row(name, precision, decoder, entry)
        yield from compare_model(name, precision, decoder, entry, gold)
        del decoder
        mx.clear_cache()


def _weights_row(name: str, precision: str, decoder: Decoder, entry: Mapping[str, Any]) -> Row:
    """The seeded weights are those that were recorded, to the bit."""
    differing = []
    shapes = parameter_shapes(decoder.config)
    for key, expected in entry["weights"].items():
        tensor = replay.make_tensor(key, shapes[key], entry["plan"]["seed"])
        total = mx.view(tensor.reshape(-1), mx.int16).astype(mx.int64).sum()
        if int(str(total.item())) != expected:
            differing.append(key)
    note = f"first: {differing[0]}" if differing else f"{len(entry['weights'])} sums of bit patterns"
    return judged(name, precision, "weights", float(len(differing)), 0.0, note=note)


def compare_model(
    name: str,
    precision: str,
    decoder: Decoder,
    entry: Mapping[str, Any],
    gold: Arrays,
) -> Iterator[Row]:
    """Rows of one model in "fp32" or "bf16" against its recording."""
    got = forward(decoder, gold)
    yield from (
        _fp32_rows(name, precision, entry, got, gold)
        if precision == "fp32"
        else _bf16_rows(name, precision, entry, got, gold)
    )
    yield from _chunk_row(name, precision, decoder, entry, got, gold)
    rows = recorded_rows(gold)
    if rows and "losses" in entry:
        yield from _training_rows(name, precision, decoder, entry, gold, rows)


def forward(decoder: Decoder, gold: Arrays) -> dict[str, np.ndarray]:
    """What record_model.py keeps of one prefill, of our decoder."""
    ids = gold["ids"]
    batch = mx.array(ids)[None]
    embedded = _sample(decoder.embed(batch)[0])
    with _sampled(decoder) as points:
        hidden = decoder.hidden(batch)[0]
        mx.eval(hidden)
    return {"points": np.stack([replay.to_numpy(embedded), *points]), **_head_results(decoder, hidden, gold)}


def _head_results(decoder: Decoder, hidden: mx.array, gold: Arrays) -> dict[str, np.ndarray]:
    """Kept logits, likeliest words, normalizers, targets' log-probabilities, some rows at a time."""
    ids = gold["ids"]
    places, words = gold["positions"], mx.array(gold["words"])
    kept = mx.take_along_axis(decoder.head(hidden[mx.array(places)]).astype(mx.float32), words, axis=-1)
    likeliest: list[np.ndarray] = []
    normalizers: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    following = mx.array(np.append(ids[1:], 0).astype(np.int32))
    for begin in range(0, len(ids), 256):
        logits = decoder.head(hidden[begin : begin + 256]).astype(mx.float32)
        normalizer = mx.logsumexp(logits, axis=-1)
        picked = mx.take_along_axis(logits, following[begin : begin + 256, None], axis=-1)[:, 0]
        parts = (mx.argmax(logits, axis=-1).astype(mx.int32), normalizer, picked - normalizer)
        mx.eval(parts)
        for column, part in zip((likeliest, normalizers, targets), parts, strict=True):
            column.append(np.array(part))
    return {
        "logits": np.array(kept),
        "likeliest": np.concatenate(likeliest),
        "normalizers": np.concatenate(normalizers),
        "targets": np.concatenate(targets)[:-1],
    }


def _sample(point: mx.array) -> mx.array:
    index = mx.array(plan.sample_positions(point.size, plan.POINT_SAMPLE, "point"))
    return point.reshape(-1)[index].astype(mx.float32)


@contextmanager
def _sampled(decoder: Decoder) -> Iterator[list[np.ndarray]]:
    """As replay.watched, but only the sample of each point stays, taken as soon as the point is there."""
    points: list[np.ndarray] = []

    class Keeper(list[mx.array]):
        def append(self, point: mx.array) -> None:
            points.append(np.array(_sample(point[0])))

    with replay.watched(decoder, Keeper()):
        yield points


def _points(got: Arrays, gold: Arrays) -> tuple[list[float], list[str]]:
    errors = [measure.relative(a, b) for a, b in zip(got["points"], gold["points"], strict=True)]
    return errors, cases.point_names((len(errors) - 2) // 3)


def _fp32_rows(
    name: str, precision: str, entry: Mapping[str, Any], got: Arrays, gold: Arrays
) -> Iterator[Row]:
    noise = entry["noise"]["logits"]
    # Sums are longer than the tiny models': the reference's own noise says by how much.
    limit = _with_noise(limits.LOGITS, noise)
    errors, names = _points(got, gold)
    first = next((place for place, error in enumerate(errors) if error > limit), None)
    note = (
        f"worst at {names[int(np.argmax(errors))]}"
        if first is None
        else f"first at {names[first]}: {errors[first]:.1e}"
    )
    yield judged(name, precision, "hidden states", max(errors), limit, noise, note=note)
    yield judged(name, precision, "logits", measure.relative(got["logits"], gold["logits"]), limit, noise)
    yield judged(
        name,
        precision,
        "KL, worst token",
        float(measure.partial_divergence(got, gold).max()),
        limits.KL_LARGE,
    )
    root = float(np.sqrt(np.mean((got["logits"] - gold["logits"]) ** 2)))
    sure = gold["margins"] > limits.GREEDY_MARGIN * root
    differing = int((got["likeliest"] != gold["likeliest"])[sure].sum())
    left_out = len(sure) - int(sure.sum())
    note = f"of {int(sure.sum())} tokens; {left_out} with a margin below 10 x our error left out"
    yield judged(name, precision, "top-1", float(differing), 0.0, note=note)
    yield _loss_row(name, precision, got, gold, max(limits.LOSS, limit))


def _with_noise(limit: float, noise: float) -> float:
    """The limit of a tiny model, widened to the reference's own noise in a large one, but not without end."""
    return min(max(limit, limits.LOGITS_TIMES_NOISE * noise), limits.LARGE_NOISE_MOST)


def _bf16_rows(
    name: str, precision: str, entry: Mapping[str, Any], got: Arrays, gold: Arrays
) -> Iterator[Row]:
    own = entry["bf16"]
    errors, names = _points(got, gold)
    ratios = [mine / other if other else 1.0 for mine, other in zip(errors, own["points"], strict=True)]
    share = float(np.mean(errors) / np.mean(own["points"]))
    note = f"{share:.3f} of the reference's own; worst {max(ratios):.2f} at {names[int(np.argmax(ratios))]}"
    yield _ratio_row(
        name, entry, "hidden states", float(np.mean(errors)), float(np.mean(own["points"])), note
    )
    yield _ratio_row(name, entry, "logits", measure.relative(got["logits"], gold["logits"]), own["logits"])
    most = measure.greatest(got["logits"], gold["logits"])
    yield reported(name, precision, "logits, largest", most, own["logits max"])
    divergence = measure.partial_divergence(got, gold)
    # KL goes with the square of the error; one token scatters by far more than the mean of all.
    limit = max(_ratio(entry) ** 2 * own["kl mean"], limits.BF16_KL_MEAN)
    yield judged(name, precision, "KL, mean", float(divergence.mean()), limit, own["kl mean"])
    worst = max(limits.BF16_KL_WORST, limits.BF16_KL_RATIO * own["kl worst"])
    yield judged(name, precision, "KL, worst token", float(divergence.max()), worst, own["kl worst"])
    root = float(np.sqrt(np.mean((got["logits"] - gold["logits"]) ** 2)))
    sure = gold["margins"] > limits.BF16_MARGIN * root
    differing = got["likeliest"] != gold["likeliest"]
    note = (
        f"of {int(sure.sum())} tokens with a margin over 4 x RMS error; of all {len(sure)} "
        f"{int(differing.sum())} differ, {own['top-1 differing']} in the reference's own bf16"
    )
    if "top-1 differing beyond 4 x" in own:  # recordings since 2026-11-21
        note += f" ({own['top-1 differing beyond 4 x']} of them beyond 4 x)"
    top = judged(name, precision, "top-1", float(differing[sure].sum()), 0.0, note=note)
    # Exemptions are of the published sizes with seeded weights, not of a folder of the same name.
    yield exempted(top) if entry["kind"] == "shape" else top
    yield _loss_row(name, precision, got, gold, limits.BF16_LOSS, own["loss"])


def _loss_row(
    name: str, precision: str, got: Arrays, gold: Arrays, limit: float, own: float | None = None
) -> Row:
    wanted = float(np.mean(gold["targets"]))
    noise = None if own is None else abs(-own / wanted - 1)
    note = f"perplexity {np.exp(-wanted):.6g}"
    return judged(
        name, precision, "loss", abs(float(np.mean(got["targets"])) / wanted - 1), limit, noise, note=note
    )


def _ratio_row(
    name: str, entry: Mapping[str, Any], quantity: str, got: float, own: float, note: str = ""
) -> Row:
    """Our bf16 error against the reference's own: one model, but a large one averages over much."""
    note = note or f"{got / own:.3f} of the reference's own"
    return judged(name, "bf16", quantity, got, _ratio(entry) * own, own, note=note)


def _ratio(entry: Mapping[str, Any]) -> float:
    large = entry["config"]["hidden_size"] >= limits.WIDE
    return limits.BF16_RATIO if large else limits.BF16_RATIO_ONE_SEED


def _chunk_row(
    name: str, precision: str, decoder: Decoder, entry: Mapping[str, Any], got: Arrays, gold: Arrays
) -> Iterator[Row]:
    """The prompt in chunks through the cache against one prefill, at the kept positions."""
    ids, places = gold["ids"], gold["positions"]
    cache, rows = decoder.make_cache(), []
    chunk = CHUNK if len(ids) > CHUNK else max(5, len(ids) * 3 // 10)
    for begin in range(0, len(ids), chunk):
        hidden = decoder.hidden(mx.array(ids[begin : begin + chunk])[None], cache)[0]
        here = np.flatnonzero((places >= begin) & (places < begin + chunk))
        if len(here):
            logits = decoder.head(hidden[mx.array(places[here] - begin)]).astype(mx.float32)
            rows.append(np.array(mx.take_along_axis(logits, mx.array(gold["words"][here]), axis=-1)))
        mx.eval(hidden, cache.state())
    noise = entry["noise"]["logits"]
    limit = _with_noise(limits.PATHS, noise)
    if precision == "bf16":
        limit = limits.BF16_PATHS_TIMES_ERROR * entry["bf16"]["logits"]
    yield judged(
        name, precision, "prefill in chunks", measure.relative(np.concatenate(rows), got["logits"]), limit
    )


def recorded_rows(gold: Arrays) -> list[TrainRow]:
    """The training rows of a recording."""
    rows: list[TrainRow] = []
    while f"row.{len(rows)}.ids" in gold:
        ids, mask = (gold[f"row.{len(rows)}.{part}"].tolist() for part in ("ids", "mask"))
        rows.append(TrainRow(tuple(ids), tuple(bool(item) for item in mask)))
    return rows


def _sampled_values(gradients: Mapping[str, mx.array]) -> dict[str, np.ndarray]:
    """The elements that a recording keeps of each gradient."""
    return {
        key: array.reshape(-1)[plan.sample_positions(array.size, plan.GRADIENT_SAMPLE, "gradient")]
        for key, array in replay.adapter_values(gradients).items()
    }


def _training_rows(
    name: str,
    precision: str,
    decoder: Decoder,
    entry: Mapping[str, Any],
    gold: Arrays,
    rows: Sequence[TrainRow],
) -> Iterator[Row]:
    """Loss, LoRA gradients and some steps of AdamW."""
    chosen, losses = ModelPlan(**entry["plan"]), entry["losses"]
    initial = cases.make_lora(dict(entry["config"]), chosen.seed, rank=chosen.rank)
    replay.attach_lora(decoder, initial, rank=chosen.rank, alpha=chosen.alpha)
    training = replay.Training(decoder, learning_rate=chosen.learning_rate)
    batch = replay.make_batch(rows, "packed" if decoder.config.packs else "padded")
    loss, gradients = training.gradients(batch)
    values = _sampled_values(gradients)
    del gradients
    golden = {
        key.removeprefix("gradient/"): array for key, array in gold.items() if key.startswith("gradient/")
    }
    as_trained: dict[str, np.ndarray] = {}
    if precision == "fp32":  # while the adapter is as it was at first
        as_trained = _sampled_values(
            training.gradients_as_trained(rows, replay.strategies(decoder)[AS_TRAINED])[1]
        )
    every, worst, tensor = measure.compare_many(values, golden)
    near = measure.cosine(measure.flat(values), measure.flat(golden))
    reference = losses.get("fp32") or losses["bf16"]
    own_loss = abs(losses["bf16"][0] / reference[0] - 1) if "bf16" in losses else None
    steps = np.array(list(training.run([batch], chosen.steps)))
    apart = float(np.abs(steps / np.array(reference[1:]) - 1).max())
    label = f"loss over {len(steps)} steps"
    note = f"from {reference[1]:.3f} to {reference[-1]:.3f}"
    if "fp32" not in losses:
        yield judged(
            name,
            precision,
            "training loss",
            abs(loss / reference[0] - 1),
            limits.BF16_AGAINST_BF16 * limits.BF16_LOSS,
            note="against the reference's bf16",
        )
        yield judged(
            name,
            precision,
            "gradients, 1 - cosine",
            1 - near,
            limits.BF16_AGAINST_BF16 * (1 - limits.BF16_COSINE),
            note="against the reference's bf16",
        )
        yield judged(
            name,
            precision,
            label,
            apart,
            limits.BF16_AGAINST_BF16 * limits.BF16_MANY_STEPS,
            note=f"against the reference's bf16, {note}",
        )
    elif precision == "fp32":
        words = f"worst is {tensor}"
        yield judged(
            name, precision, "training loss", abs(loss / reference[0] - 1), limits.LARGE_TRAINING_LOSS
        )
        yield judged(name, precision, "gradients", every, limits.GRADIENTS, note=words)
        error = measure.compare_many(as_trained, golden)[0]
        yield judged(name, precision, f"gradients, {AS_TRAINED}", error, limits.GRADIENTS)
        yield judged(name, precision, "gradients, worst tensor", worst, limits.WORST_GRADIENT, note=tensor)
        yield judged(name, precision, label, apart, limits.MANY_STEPS, note=note)
    else:
        own = entry["bf16"]
        own_steps = float(np.abs(np.array(losses["bf16"][1:]) / np.array(reference[1:]) - 1).max())
        yield judged(
            name, precision, "training loss", abs(loss / reference[0] - 1), limits.BF16_LOSS, own_loss
        )
        yield _ratio_row(name, entry, "gradients", every, own["gradients"])
        limit = max(1 - limits.BF16_COSINE, limits.BF16_COSINE_TIMES_OWN * (1 - own["cosine"]))
        yield judged(name, precision, "gradients, 1 - cosine", 1 - near, limit, 1 - own["cosine"])
        yield judged(name, precision, label, apart, limits.BF16_MANY_STEPS, own_steps, note=note)
