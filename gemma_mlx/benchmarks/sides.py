"""One side of a training measurement in a process of its own: this engine, a peer, or a plain loop.

`python -m gemma_mlx.benchmarks.sides SIDE WORKLOAD_JSON [FILE]` prints one line of JSON. All sides train the
same LoRA adapter, from the same first values, on the same quantized random weights, by the same optimizer.
`... sides difference FILE FILE` prints how far what two of them learned is apart.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

from gemma_mlx.adapters.lora import add_lora
from gemma_mlx.benchmarks.workload import Workload, examples, model_config, raw_config
from gemma_mlx.data.batches import collate_packed, collate_padded, plan_epoch
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import LINEAR_MODULES, DataSettings, LoraSettings, RunSettings, TrainSettings
from gemma_mlx.training.calibration import calibrate
from gemma_mlx.training.memory import MemoryBounds, shorten_command_buffers, step_memory
from gemma_mlx.training.optimizer import Optimizer
from gemma_mlx.training.step import StepFunction, to_inputs

RATE = 1e-4


def random_weights(workload: Workload) -> dict[str, mx.array]:
    """Seeded bf16 weights by transformers' names, sized so that activations neither die nor explode."""
    from gemma_mlx.models.config import parameter_shapes

    weights = {}
    for index, (name, shape) in enumerate(parameter_shapes(model_config(workload)).items()):
        spread = 0.1 if "norm" in name else 1 / math.sqrt(shape[-1])
        weights[name] = mx.random.normal(
            shape, dtype=mx.bfloat16, scale=spread, key=mx.random.key(workload.seed * 10_000 + index)
        )
    return weights


def prepare(model: nn.Module, workload: Workload) -> None:
    """Loads the weights and quantizes; evaluates module by module, so that the peak counts training alone."""
    model.load_weights(list(random_weights(workload).items()), strict=False)
    if workload.wide:
        model.set_dtype(mx.float32)
    mx.eval(model.parameters())
    if workload.bits is not None:
        nn.quantize(model, group_size=64, bits=workload.bits)
        mx.eval(model.parameters())


def ours(workload: Workload) -> dict[str, Any]:
    """This engine's step: packed rows, the chunked loss over rows that carry loss."""
    settings = TrainSettings(
        gradient_checkpointing=workload.checkpointing, loss_chunk=workload.loss_chunk,
        memory_limit_gb=workload.memory_limit_gb, max_gradient_norm=None,
    )  # fmt: skip
    shorten_command_buffers(settings)
    model = Decoder(model_config(workload))
    prepare(model, workload)
    lora = LoraSettings(rank=workload.rank, alpha=workload.rank)
    add_lora(model, lora)
    unpacked = workload.bits is not None and (
        calibrate().unpacks if workload.unpack is None else workload.unpack
    )
    step = StepFunction(model, settings, None, compiled=workload.compiled, unpacked=unpacked)
    optimizer = Optimizer(settings)
    rows = examples(workload)
    lengths = [len(row.ids) for row in rows]
    run = RunSettings(
        lora=lora, data=DataSettings(max_length=max(lengths)),
        training=settings.model_copy(update={"batch_size": workload.batch_size}),
    )  # fmt: skip
    mx.reset_peak_memory()  # that of making the weights
    needed = step_memory(model.config, run, np.array(lengths))
    bounds = MemoryBounds(settings, mx.get_active_memory(), needed)
    layout: Literal["padded", "packed"] = "padded" if workload.compiled else "packed"
    plan = plan_epoch(lengths, seed=0, epoch=0, batch_size=workload.batch_size, layout=layout)
    collate, multiple = (collate_padded, 128) if workload.compiled else (collate_packed, 1)
    parameters = step.parameters()

    def epoch() -> None:
        nonlocal parameters
        for number, batch in enumerate(plan):
            inputs = to_inputs(collate([rows[row] for row in batch]), multiple)
            _, gradients = step.gradients(parameters, inputs, number, 0)
            mean = {name: gradient * (1 / inputs.tokens) for name, gradient in gradients.items()}
            parameters = optimizer.update(parameters, mean, RATE)
            mx.eval(parameters, optimizer.state())
            step.assign(parameters)
            bounds.ease(mx.get_peak_memory())

    with bounds:
        return measured(
            epoch, workload, lambda: {name: np.array(array) for name, array in parameters.items()}
        )


def plain(workload: Workload) -> dict[str, Any]:
    """The definition, with no optimization: one row at a time, all logits, gradients summed."""
    model = Decoder(model_config(workload))
    prepare(model, workload)
    add_lora(model, LoraSettings(rank=workload.rank, alpha=workload.rank))
    optimizer = Optimizer(TrainSettings())
    rows = examples(workload)
    plan = plan_epoch(
        [len(row.ids) for row in rows], seed=0, epoch=0, batch_size=workload.batch_size, layout="packed"
    )
    parameters = dict(tree_flatten(model.trainable_parameters()))

    def loss(parameters: dict[str, mx.array], ids: mx.array, mask: mx.array) -> mx.array:
        model.update(tree_unflatten(list(parameters.items())))
        logits = model(ids[None, :-1])[0].astype(mx.float32)
        return (nn.losses.cross_entropy(logits, ids[1:], reduction="none") * mask).sum()

    def epoch() -> None:
        nonlocal parameters
        for batch in plan:
            sums: dict[str, mx.array] | None = None
            tokens = 0
            for row in batch:
                mask = np.array(rows[row].loss_mask[1:], np.float32)
                got = mx.grad(loss)(parameters, mx.array(rows[row].ids), mx.array(mask))
                sums = got if sums is None else {name: sums[name] + got[name] for name in sums}
                mx.eval(sums)
                tokens += int(mask.sum())
            assert sums is not None
            parameters = optimizer.update(parameters, {n: g * (1 / tokens) for n, g in sums.items()}, RATE)
            mx.eval(parameters, optimizer.state())

    return measured(epoch, workload, lambda: {name: np.array(array) for name, array in parameters.items()})


def peer(workload: Workload) -> dict[str, Any]:
    """mlx-lm's own model, adapter and `train`, as its command line calls them."""
    from mlx_lm.models import gemma2
    from mlx_lm.tuner.datasets import CacheDataset
    from mlx_lm.tuner.trainer import TrainingArgs, train
    from mlx_lm.tuner.utils import linear_to_lora_layers

    model = gemma2.Model(gemma2.ModelArgs.from_dict(raw_config(workload)))
    prepare(model, workload)
    model.freeze()
    paths = [f"self_attn.{name}" if name[0] in "qkvo" else f"mlp.{name}" for name in LINEAR_MODULES]
    linear_to_lora_layers(
        model,
        len(model.layers),
        {"rank": workload.rank, "scale": 1.0, "dropout": 0.0, "keys": paths},
    )
    rows = examples(workload)

    class Rows:
        """Rows as mlx-lm's datasets give them: (ids, length of the prompt)."""

        def __getitem__(self, index: int) -> tuple[list[int], int]:
            row = rows[index]
            return row.ids, row.loss_mask.index(True)

        def process(self, item: tuple[list[int], int]) -> tuple[list[int], int]:
            return item

        def __len__(self) -> int:
            return len(rows)

    optimizer = mlx.optimizers.Adam(learning_rate=RATE)

    def epoch() -> None:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            arguments = TrainingArgs(
                batch_size=workload.batch_size,
                iters=len(rows) // workload.batch_size,
                max_seq_length=workload.longest + 64,
                grad_checkpoint=workload.checkpointing,
                adapter_file=str(Path(folder) / "adapters.safetensors"),
            )
            train(model, optimizer, CacheDataset(Rows()), args=arguments)

    return measured(epoch, workload, dict)


def measured(
    epoch: Callable[[], None], workload: Workload, result: Callable[[], dict[str, np.ndarray]]
) -> dict[str, Any]:
    """One epoch's time, real tokens a second and peak memory above what was there before."""
    mx.clear_cache()
    before = mx.get_active_memory()
    if workload.warm:
        epoch()
    mx.reset_peak_memory()
    started = time.perf_counter()
    epoch()
    seconds = time.perf_counter() - started
    tokens = sum(len(row.ids) - 1 for row in examples(workload))
    found = {
        "seconds": seconds,
        "tokens": tokens,
        "tokens_per_second": tokens / seconds,
        "peak_bytes": mx.get_peak_memory() - before,
        "weights_bytes": before,
    }
    if len(sys.argv) > 3:
        arrays: dict[str, Any] = result()
        np.savez(sys.argv[3], **arrays)
    return found


def reference(workload: Workload) -> dict[str, Any]:
    """transformers with PEFT; only this side needs PyTorch."""
    from gemma_mlx.benchmarks.reference_side import reference

    return reference(workload)


SIDES = {"ours": ours, "peer": peer, "plain": plain, "reference": reference}


def difference(first: Path, second: Path) -> float:
    """How far the weights that two sides wrote are apart, relative to the norm of the second's."""
    mine, other = np.load(first), np.load(second)
    apart = sum(float(np.square(mine[name] - other[name]).sum()) for name in other.files)
    return math.sqrt(apart / sum(float(np.square(other[name]).sum()) for name in other.files))


def main() -> None:
    if sys.argv[1] == "difference":
        sys.stdout.write(f"{difference(Path(sys.argv[2]), Path(sys.argv[3])):.2g}\n")
        return
    side, workload = SIDES[sys.argv[1]], Workload(**json.loads(sys.argv[2]))
    sys.stdout.write(json.dumps(side(workload)) + "\n")


if __name__ == "__main__":
    main()
