"""Replays a recording of the tiny models on this machine's backend: which limit is passed, and where first.

L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import mlx.core as mx
import numpy as np

from gemma_mlx.models.layers import RotaryEmbedding
from gemma_mlx.training.optimizer import clip_gradients
from gemma_mlx.verification import cases, limits, measure, replay, seeded
from gemma_mlx.verification.recording import Recording, damaged
from gemma_mlx.verification.report import Row, judged, reported

Arrays = Mapping[str, np.ndarray]
LAST = 10
"""Tokens at the end of a long prompt that are given one by one."""
FAR_OUT = 32_768
"""Position at which rotary embeddings are looked at."""
CHUNKS = (7, 5, 11)
"""Sizes of prefill chunks: none divides the window, and they drift across its edge."""


def compare_tiny(
    recording: Recording,
    *,
    chosen: Sequence[str] | None = None,
    precisions: Sequence[str] = ("fp32", "bf16"),
    progress: Callable[[str], None] | None = None,
) -> Iterator[Row]:
    """A row for each quantity of each tiny case of a recording (or of the cases `chosen`), as it is known."""
    replay.prepare_mlx()
    entries = recording.cases
    for name in cases.BY_NAME:
        entry = entries.get(name, {"kind": "none"})
        if entry["kind"] != "tiny" or (chosen is not None and name not in chosen):
            continue
        if progress is not None:
            progress(name)
        seeds = {int(seed): scalars for seed, scalars in entry["seeds"].items()}
        if "fp32" in precisions:
            for seed, scalars in seeds.items():
                yield from _exact(name, entry, seed, scalars, recording.of(f"{name}/{seed}"))
        if "bf16" in precisions:
            yield from _rounded(name, entry, seeds, recording)


def _weights(entry: Mapping[str, Any], seed: int, scalars: Mapping[str, Any]) -> dict[str, np.ndarray]:
    weights = seeded.make_weights(entry["config"], seed)
    if seeded.hash_arrays(weights) != scalars["weights"]:
        raise damaged("The seeded weights that this program makes are not those that were recorded.")
    return weights


def _exact(
    name: str, entry: Mapping[str, Any], seed: int, scalars: Mapping[str, Any], gold: Arrays
) -> Iterator[Row]:
    """fp32: every quantity of one seed."""
    case = cases.BY_NAME[name]
    label = name if seed == 0 else f"{name}, seed {seed}"
    raw = entry["config"]
    decoder = replay.build_decoder(raw, _weights(entry, seed, scalars), "fp32")
    ids = cases.prompt(case, seed)

    lengths = sorted(int(key.split(".")[1]) for key in gold if key.startswith("logits."))
    outputs = {length: replay.run(decoder, ids[:length]) for length in lengths}
    logits, points = outputs[lengths[-1]]
    yield _points_row(label, raw, points, gold["points"])
    logits = logits[-len(gold[f"logits.{lengths[-1]}"]) :]
    for length in lengths:
        wanted = gold[f"logits.{length}"]
        got = outputs[length][0][-len(wanted) :]
        noise = scalars["noise"]["logits"]
        limit = min(limits.LOGITS, limits.LOGITS_TIMES_NOISE * noise)
        yield judged(label, "fp32", f"logits, {length} tokens", measure.relative(got, wanted), limit, noise)
        yield judged(
            label,
            "fp32",
            f"logits, {length} tokens, largest",
            measure.greatest(got, wanted),
            limits.LOGITS_MOST,
        )
    wanted = gold[f"logits.{lengths[-1]}"]
    yield judged(label, "fp32", "KL, worst token", float(measure.divergence(logits, wanted).max()), limits.KL)
    share, count = measure.agreement(logits, wanted)
    yield judged(label, "fp32", "top-1", 1.0 - share, 0.0, note=f"{share:.1%} of {count} tokens agree")
    if seed == 0:
        yield from _paths(label, "fp32", decoder, case, logits, limits.PATHS)
        yield _moved_window_row(label, decoder, case)
        yield _rotation_row(label, decoder)
    if "greedy.tokens" in gold:
        yield _greedy_row(label, decoder, case, seed, gold, measure.greatest(logits, wanted))
    if "train" in scalars:
        yield from _exact_training(label, case, raw, seed, scalars["train"], gold, decoder)


def _points_row(label: str, raw: Mapping[str, Any], points: Sequence[np.ndarray], gold: np.ndarray) -> Row:
    """The worst of the hidden states; its note names the first that deviates."""
    kept = gold.shape[1]
    errors = [measure.relative(point[-kept:], wanted) for point, wanted in zip(points, gold, strict=True)]
    names = cases.point_names(int(raw["num_hidden_layers"]))
    first = next((i for i, error in enumerate(errors) if error > limits.POINTS), None)
    worst = int(np.argmax(errors))
    note = f"worst at {names[worst]}" if first is None else f"first at {names[first]}: {errors[first]:.1e}"
    return judged(label, "fp32", "hidden states", max(errors), limits.POINTS, note=note)


def _paths(
    label: str, precision: str, decoder: Any, case: cases.Case, logits: np.ndarray, limit: float
) -> Iterator[Row]:
    """One prefill against decoding, chunks, and batches with unequal prompts."""
    ids = cases.prompt(case, 0)
    for quantity, sizes in (("decode, token by token", (1,)), ("prefill in chunks", CHUNKS)):
        got = replay.run_chunks(decoder, ids, sizes)
        yield judged(label, precision, quantity, measure.relative(got, logits), limit)
    rows = max(2, decoder.config.num_kv_heads)
    lengths = [len(ids) - turn * 7 for turn in range(rows)]
    got_rows = replay.run_batch(decoder, [ids[:length] for length in lengths], steps=3)
    worst = max(measure.relative(got, logits[: len(got)]) for got in got_rows)
    yield judged(label, precision, f"batch of {rows}, unequal prompts", worst, limit)


def _moved_window_row(label: str, decoder: Any, case: cases.Case) -> Row:
    """A prompt so long that the sliding layers' cache lets go of columns, against one prefill."""
    ids = cases.long_prompt(case)
    wanted = replay.run(decoder, ids)[0][-LAST:]
    sizes = (110, *([11] * 40), *([1] * LAST))
    got = replay.run_chunks(decoder, ids, sizes)[-LAST:]
    error = measure.relative(got, wanted)
    return judged(label, "fp32", f"decode after {len(ids) - LAST} tokens", error, limits.PATHS)


def _rotation_row(label: str, decoder: Any) -> Row:
    """Rotary embeddings of each layer type far out, against their formula (Su et al. 2021).

    Frequencies and angles are float32's, as PyTorch has them: a unit in the last place is 2e-3 radians there.
    """
    worst = 0.0
    for rope in dict.fromkeys(decoder.config.layer_ropes):
        size = decoder.config.head_dim
        x = seeded.bell("rotation", (1, 1, 4, size), 0, 1.0)
        half = size // 2
        exponents = np.arange(0, size, 2, dtype=np.float32) / np.float32(size)
        powers = np.power(float(rope.base), exponents.astype(np.float64)).astype(np.float32)
        frequencies = np.float32(1) / powers / np.float32(rope.factor)
        places = np.arange(FAR_OUT, FAR_OUT + 4, dtype=np.float32)[:, None]
        angles = (places * frequencies).astype(np.float64)
        cosine, sine = (np.concatenate([part(angles)] * 2, axis=-1) for part in (np.cos, np.sin))
        turned = np.concatenate([-x[..., half:], x[..., :half]], axis=-1)
        got = replay.to_numpy(RotaryEmbedding(size, rope)(mx.array(x), FAR_OUT))
        worst = max(worst, measure.relative(got, x * cosine + turned * sine))
    return judged(label, "fp32", f"rotation at {FAR_OUT:,}", worst, limits.ROTATION)


def _greedy_row(label: str, decoder: Any, case: cases.Case, seed: int, gold: Arrays, error: float) -> Row:
    """Greedy tokens: a difference counts unless gold itself hardly prefers its token there."""
    wanted, gaps = gold["greedy.tokens"], gold["greedy.margins"]
    got = replay.run_greedy(decoder, cases.greedy_prompt(case, seed), len(wanted))
    differing = np.flatnonzero(got != wanted)
    if not len(differing):
        return judged(
            label, "fp32", "greedy", 0.0, 0.0, note=f"{len(wanted)} tokens, smallest margin {gaps.min():.1e}"
        )
    first = int(differing[0])
    exempt = gaps[first] < limits.GREEDY_MARGIN * error
    note = f"differs from token {first} on; gold's margin there is {gaps[first]:.1e}, our error {error:.1e}"
    if exempt:
        return reported(label, "fp32", "greedy", float(len(differing)), note=f"exempt: {note}")
    return judged(label, "fp32", "greedy", float(len(differing)), 0.0, note=note)


def _gold_gradients(gold: Arrays) -> dict[str, np.ndarray]:
    return {
        name.removeprefix("gradient/"): array for name, array in gold.items() if name.startswith("gradient/")
    }


def _attach(decoder: Any, case: cases.Case, raw: Mapping[str, Any], seed: int) -> dict[str, np.ndarray]:
    return replay.attach_lora(
        decoder, cases.make_lora(dict(raw), seed), rank=cases.LORA_RANK, alpha=cases.LORA_ALPHA, **case.lora
    )


def _exact_training(
    label: str,
    case: cases.Case,
    raw: Mapping[str, Any],
    seed: int,
    scalars: Mapping[str, Any],
    gold: Arrays,
    decoder: Any,
) -> Iterator[Row]:
    """fp32: loss, gradients, one step and sixty steps of AdamW."""
    examples = cases.make_batches(seed, int(raw["vocab_size"]))
    start = _attach(decoder, case, raw, seed)
    for key in [key for key in gold if key.startswith("initial/")]:
        error = measure.relative(start[key.removeprefix("initial/")], gold[key])
        if error > limits.ONE_STEP:
            yield judged(label, "fp32", "DoRA magnitude at the start", error, limits.ONE_STEP, note=key)
    batches = [replay.make_batch(rows) for rows in examples]
    training = replay.Training(decoder, learning_rate=cases.LEARNING_RATE, weight_decay=cases.WEIGHT_DECAY)
    golden = _gold_gradients(gold)
    for layout in ("padded", "packed") if seed == 0 else ("padded",):
        batch = replay.make_batch(examples[0], layout)
        loss, gradients = training.gradients(batch)
        values = replay.adapter_values(gradients)
        tag = "" if layout == "padded" else ", packed rows"
        yield judged(label, "fp32", f"loss{tag}", abs(loss / scalars["loss fp32"] - 1), limits.LOSS)
        every, worst, name = measure.compare_many({key: values[key] for key in golden}, golden)
        yield judged(label, "fp32", f"gradients{tag}", every, limits.GRADIENTS, note=f"worst is {name}")
        yield judged(label, "fp32", f"gradients{tag}, worst tensor", worst, limits.WORST_GRADIENT, note=name)
    if seed == 0:
        for tag, strategy in replay.strategies(decoder).items():
            loss, gradients = training.gradients_as_trained(examples[0], strategy)
            values = replay.adapter_values(gradients)
            every, _, name = measure.compare_many({key: values[key] for key in golden}, golden)
            apart = abs(loss / scalars["loss fp32"] - 1)
            yield judged(label, "fp32", f"loss, {tag}", apart, limits.LOSS)
            yield judged(label, "fp32", f"gradients, {tag}", every, limits.GRADIENTS, note=f"worst is {name}")
        yield judged(label, "fp32", "gradients, clipped", _clipping_error(golden), limits.GRADIENTS)
    if "losses fp32" not in gold:
        return
    losses = []
    for step, value in enumerate(training.run(batches, cases.TRAIN_STEPS), 1):
        losses.append(value)
        if step == 1:
            prefix = "after one step/"
            golden = {
                key.removeprefix(prefix): array for key, array in gold.items() if key.startswith(prefix)
            }
            every, _, name = measure.compare_many(training.values(), golden)
            yield judged(
                label, "fp32", "adapter after one step", every, limits.ONE_STEP, note=f"worst is {name}"
            )
    apart = np.abs(np.array(losses) / gold["losses fp32"] - 1)
    note = f"from {losses[0]:.3f} to {losses[-1]:.3f}"
    yield judged(
        label, "fp32", f"loss over {len(losses)} steps", float(apart.max()), limits.MANY_STEPS, note=note
    )


def _clipping_error(golden: Arrays) -> float:
    """Our clipping of gold's gradients to half their norm, against clip_grad_norm_'s formula (torch)."""
    norm = float(np.linalg.norm(measure.flat(golden)))
    wanted = {name: array * (norm / 2 / (norm + 1e-6)) for name, array in golden.items()}
    clipped, _ = clip_gradients({name: mx.array(array) for name, array in golden.items()}, norm / 2)
    got = {name: replay.to_numpy(array) for name, array in clipped.items()}
    return measure.compare_many(got, wanted)[0]


def _rounded(
    name: str, entry: Mapping[str, Any], seeds: Mapping[int, Mapping[str, Any]], recording: Recording
) -> Iterator[Row]:
    """bf16: our error against gold beside the reference's own, over the seeds."""
    case, raw = cases.BY_NAME[name], entry["config"]
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}

    def note(quantity: str, got: float, own: float) -> None:
        ours.setdefault(quantity, []).append(got)
        theirs.setdefault(quantity, []).append(own)

    chosen = {seed: scalars for seed, scalars in seeds.items() if seed < cases.NOISE_SEEDS}
    missed = counted = 0
    for seed, scalars in chosen.items():
        gold = recording.of(f"{name}/{seed}")
        decoder = replay.build_decoder(raw, _weights(entry, seed, scalars), "bf16")
        ids = cases.prompt(case, seed)
        logits, points = replay.run(decoder, ids)
        wanted, kept = gold[f"logits.{len(ids)}"], gold["points"].shape[1]
        if seed == 0:
            yield from _paths(
                name, "bf16", decoder, case, logits, limits.BF16_PATHS_TIMES_ERROR * scalars["bf16"]["logits"]
            )
        own, logits = scalars["bf16"], logits[-len(wanted) :]
        errors = [measure.relative(p[-kept:], g) for p, g in zip(points, gold["points"], strict=True)]
        note("hidden states", float(np.mean(errors)), float(np.mean(own["points"])))
        note("logits", measure.relative(logits, wanted), own["logits"])
        if seed == 0:
            yield reported(
                name, "bf16", "logits, largest", measure.greatest(logits, wanted), own["logits max"]
            )
        divergence = measure.divergence(logits, wanted)
        note("KL, worst token", float(divergence.max()), own["kl worst"])
        root = float(np.sqrt(np.mean((logits - wanted) ** 2)))
        share, count = measure.agreement(logits, wanted, above=limits.BF16_MARGIN * root)
        missed, counted = missed + round((1 - share) * count), counted + count
        if "train" in scalars:
            yield from _rounded_training(name, case, raw, seed, scalars["train"], gold, decoder, note)
    few = len(chosen) == 1
    ratio = limits.BF16_RATIO_ONE_SEED if few else limits.BF16_RATIO
    for quantity in ours:
        if quantity == "KL, worst token":
            continue
        yield _ratio_row(name, quantity, ours[quantity], theirs[quantity], ratio)
    worst = ours["KL, worst token"]
    own_worst = theirs["KL, worst token"]
    if not few:
        limit = limits.BF16_KL_RATIO * float(np.median(own_worst))
        yield judged(
            name,
            "bf16",
            "KL, worst token, median",
            float(np.median(worst)),
            limit,
            float(np.median(own_worst)),
        )
    yield judged(name, "bf16", "KL, worst token", max(worst), limits.BF16_KL_WORST, max(own_worst))
    yield judged(
        name,
        "bf16",
        "top-1",
        float(missed),
        0.0,
        note=f"of {counted} tokens with a margin over 4 x RMS error",
    )


def _ratio_row(name: str, quantity: str, ours: Sequence[float], theirs: Sequence[float], limit: float) -> Row:
    """Mean error over the seeds against the reference's own: its limit is that times the ratio allowed."""
    own, got = float(np.mean(theirs)), float(np.mean(ours))
    note = f"{got / own:.3f} of the reference's own, {len(ours)} seed{'s' if len(ours) > 1 else ''}"
    return judged(name, "bf16", quantity, got, limit * own, own, note=note)


def _rounded_training(
    name: str, case: cases.Case, raw: Mapping[str, Any], seed: int, scalars: Mapping[str, Any], gold: Arrays,
    decoder: Any, note: Callable[[str, float, float], None],
) -> Iterator[Row]:  # fmt: skip
    """bf16: loss, gradients, and for the first seed sixty steps."""
    batches = [replay.make_batch(rows) for rows in cases.make_batches(seed, int(raw["vocab_size"]))]
    _attach(decoder, case, raw, seed)
    training = replay.Training(decoder, learning_rate=cases.LEARNING_RATE, weight_decay=cases.WEIGHT_DECAY)
    loss, gradients = training.gradients(batches[0])
    golden = _gold_gradients(gold)
    values = {key: array for key, array in replay.adapter_values(gradients).items() if key in golden}
    note("gradients", measure.compare_many(values, golden)[0], scalars["gradients bf16"])
    if seed:
        return
    wanted = scalars["loss fp32"]
    yield judged(
        name, "bf16", "loss", abs(loss / wanted - 1), limits.BF16_LOSS, abs(scalars["loss bf16"] / wanted - 1)
    )
    near = measure.cosine(measure.flat(values), measure.flat(golden))
    yield judged(
        name, "bf16", "gradients, 1 - cosine", 1 - near, 1 - limits.BF16_COSINE, 1 - scalars["cosine bf16"]
    )
    losses = np.array(list(training.run(batches, cases.TRAIN_STEPS)))
    exact = gold["losses fp32"]
    own = float(np.abs(gold["losses bf16"] / exact - 1).max())
    apart = float(np.abs(losses / exact - 1).max())
    yield judged(name, "bf16", f"loss over {len(losses)} steps", apart, limits.BF16_MANY_STEPS, own)
