"""Records the reference's numbers with torch, transformers and PEFT, on the CPU or on CUDA; needs no mlx.

Run as `gemma-mlx record`, or as a plain file on a machine that has only those packages:
`python gemma_mlx/verification/record.py tiny OUT.safetensors [--device cuda] [--cases NAME ...]`.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run as a plain file: the package lies two folders up
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from gemma_mlx.verification import cases, measure, seeded
from gemma_mlx.verification.cases import Case
from gemma_mlx.verification.recording import Recording, write_recording

FULL, FORWARD, LATE = 40, 16, 2
"""Last positions whose points are kept: of a case with everything, of others, of later seeds."""
LATE_LOGITS, SHORT_LOGITS = 12, 4
"""Last positions whose logits are kept: of later seeds, of the shorter prompts."""


def make_manifest(device: str) -> dict[str, Any]:
    """Who records: versions, device, date."""
    import peft
    import torch
    import transformers

    name = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()} CPU"
    versions = {
        "python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__,
        "transformers": transformers.__version__, "peft": peft.__version__,
    }  # fmt: skip
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"), "versions": versions, "device": name,
        "cases": {},
    }  # fmt: skip


def record_tiny(
    chosen: Iterable[Case] = cases.CASES, device: str = "cpu", progress: Callable[[str], None] | None = None
) -> Recording:
    """All quantities of tiny cases: the first seed in full, later ones for a generation's statistics."""
    prepare_torch()
    recording = Recording(make_manifest(device))
    for case in chosen:
        if progress is not None:
            progress(case.name)
        entry: dict[str, Any] = {
            "kind": "tiny", "dialect": case.dialect, "config": case.config_json(), "lora": dict(case.lora),
            "seeds": {},
        }  # fmt: skip
        count = cases.NOISE_SEEDS if case.name in cases.GENERATIONS else 1
        for seed in range(count):
            arrays, scalars = record_seed(case, seed, device)
            entry["seeds"][str(seed)] = scalars
            recording.arrays |= {f"{case.name}/{seed}/{name}": array for name, array in arrays.items()}
        recording.manifest["cases"][case.name] = entry
    return recording


def prepare_torch(threads: int | None = 1) -> None:
    """Gold needs float32 products that are float32, and the same choice of kernels each time."""
    import logging

    import torch

    logging.getLogger("transformers").setLevel(logging.ERROR)
    if threads is not None:  # tiny products only wait for each other on more than one
        torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def record_seed(case: Case, seed: int, device: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and scalars of one case and seed."""
    import torch

    from gemma_mlx.verification import reference

    raw = case.config_json()
    weights = seeded.make_weights(raw, seed)
    model = reference.build_model(raw, {name: torch.from_numpy(a) for name, a in weights.items()}, device)
    ids = cases.prompt(case, seed)
    scalars: dict[str, Any] = {"weights": seeded.hash_arrays(weights), "noise": {}, "bf16": {}}
    arrays: dict[str, np.ndarray] = {}

    lengths = cases.LENGTHS if seed == 0 else cases.LENGTHS[-1:]
    gold: dict[int, np.ndarray] = {}
    points: list[np.ndarray] = []
    for length in lengths:
        logits, seen = reference.run(model, ids[:length])
        gold[length] = _numpy(logits)
        last = LATE_LOGITS if seed else 0 if length == lengths[-1] else SHORT_LOGITS
        arrays[f"logits.{length}"] = gold[length][-last:]
        points = [_numpy(point) for point in seen]
    kept = slice(-(LATE if seed else FULL if case.everything else FORWARD), None)
    arrays["points"] = np.stack(points)[:, kept]
    scalars["noise"]["logits"] = measure.relative(_numpy(reference.run_steps(model, ids)), gold[lengths[-1]])
    if case.name in cases.GENERATIONS and seed < cases.GREEDY_SEEDS:
        prompt = cases.greedy_prompt(case, seed)
        arrays["greedy.tokens"], arrays["greedy.margins"] = reference.run_greedy(
            model, prompt, cases.GREEDY_TOKENS
        )

    reference.set_dtype(model, torch.bfloat16)
    logits, seen = reference.run(model, ids)
    kept_logits = arrays[f"logits.{lengths[-1]}"]
    scalars["bf16"] = _forward_errors(_numpy(logits)[-len(kept_logits) :], kept_logits)
    scalars["bf16"]["points"] = [
        measure.relative(_numpy(point)[kept], gold_point)
        for point, gold_point in zip(seen, arrays["points"], strict=True)
    ]
    if case.everything:
        more, train_scalars = record_training(case, seed, raw, weights, device)
        arrays |= more
        scalars["train"] = train_scalars
    return arrays, scalars


def _forward_errors(got: np.ndarray, gold: np.ndarray) -> dict[str, Any]:
    return {
        "logits": measure.relative(got, gold),
        "logits max": measure.greatest(got, gold),
        "kl worst": float(measure.divergence(got, gold).max()),
        "kl mean": float(measure.divergence(got, gold).mean()),
    }


def record_training(
    case: Case, seed: int, raw: Mapping[str, Any], weights: Mapping[str, np.ndarray], device: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Loss and LoRA gradients of the first batch; for the first seed one and sixty steps of AdamW as well."""
    import torch

    from gemma_mlx.verification import reference

    batches = cases.make_batches(seed, int(raw["vocab_size"]))
    initial = cases.make_lora(dict(raw), seed)
    arrays: dict[str, np.ndarray] = {}
    scalars: dict[str, Any] = {}
    gold: dict[str, np.ndarray] = {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        placed = {name: torch.from_numpy(array) for name, array in weights.items()}
        model = reference.set_dtype(reference.build_model(raw, placed, device), dtype)
        tuned = reference.add_lora(model, initial, rank=cases.LORA_RANK, alpha=cases.LORA_ALPHA, **case.lora)
        start = reference.copy_adapter(tuned)
        loss, grads = reference.gradients_of(tuned, batches[0])
        if seed:  # the first layer, below all others, stands for them in the later seeds' statistics
            grads = {name: array for name, array in grads.items() if ".layers.0." in name}
        scalars[f"loss {precision}"] = loss
        if precision == "fp32":
            gold = grads
            arrays |= {f"gradient/{name}": array for name, array in grads.items()}
            arrays |= {f"initial/{name}": a for name, a in start.items() if "magnitude" in name}
        else:
            every, worst, name = measure.compare_many(grads, gold)
            scalars |= {
                "gradients bf16": every, "worst gradient bf16": worst, "worst gradient bf16 is": name,
                "cosine bf16": measure.cosine(measure.flat(grads), measure.flat(gold)),
            }  # fmt: skip
        if seed == 0:
            losses = []
            steps = reference.train(
                tuned, batches, cases.TRAIN_STEPS,
                learning_rate=cases.LEARNING_RATE, weight_decay=cases.WEIGHT_DECAY,
            )  # fmt: skip
            for step, value in enumerate(steps, 1):
                losses.append(value)
                if precision == "fp32" and step == 1:
                    after = reference.copy_adapter(tuned)
                    arrays |= {f"after one step/{name}": array for name, array in after.items()}
            arrays[f"losses {precision}"] = np.array(losses, np.float32)
    return arrays, scalars


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().float().cpu().numpy())


def main(arguments: Sequence[str] | None = None) -> int:
    """The plain program. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="record", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    tiny = commands.add_parser("tiny", help="the named tiny models")
    tiny.add_argument("out", type=Path)
    tiny.add_argument("--cases", nargs="*", default=list(cases.BY_NAME))
    tiny.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    shape = commands.add_parser("shape", help="a published size with seeded weights")
    shape.add_argument("shape")
    shape.add_argument("out", type=Path)
    shape.add_argument("--device", default="cuda", choices=["cpu", "cuda"])
    shape.add_argument("--train-tokens", type=int, default=512)
    shape.add_argument("--steps", type=int, default=20)
    shape.add_argument("--no-gold-training", action="store_true", help="where fp32 gradients do not fit")
    given = parser.parse_args(arguments)
    if given.command == "shape":
        return _record_shape(given)
    chosen = [cases.BY_NAME[name] for name in given.cases]
    recording = record_tiny(chosen, given.device, lambda name: _say(f"recording {name}"))
    write_recording(recording, given.out)
    return 0


def _record_shape(given: argparse.Namespace) -> int:
    from gemma_mlx.verification.plan import plan_for
    from gemma_mlx.verification.record_model import record_shape
    from gemma_mlx.verification.shapes import SHAPES

    prepare_torch(threads=None)
    raw = SHAPES[given.shape]
    chosen = plan_for(
        raw, train_tokens=given.train_tokens, steps=given.steps, gold_training=not given.no_gold_training
    )
    recording = Recording(make_manifest(given.device))
    arrays, entry = record_shape(given.shape, raw, chosen, given.device, _say)
    recording.manifest["cases"][given.shape] = entry
    recording.arrays = {f"{given.shape}/{name}": array for name, array in arrays.items()}
    write_recording(recording, given.out)
    return 0


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
