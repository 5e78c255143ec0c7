"""The third side of a training measurement, where PyTorch is installed: transformers with PEFT's LoRA."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import mlx.core as mx
import numpy as np

from gemma_mlx.benchmarks.workload import Workload, examples, raw_config
from gemma_mlx.settings import LINEAR_MODULES

RATE = 1e-4
_IGNORED = -100  # what transformers leaves out of the loss


def reference(workload: Workload) -> dict[str, Any]:
    """One epoch as PEFT's documentation does it: padded batches, an fp32 adapter beside a 16-bit base.

    A base that others hold in few bits is in bf16 here: bitsandbytes is not among what is installed.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build(workload, device)
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE)

    def epoch() -> None:
        for ids, labels, mask in batches(workload):
            arrays = [torch.from_numpy(array).to(device) for array in (ids, labels, mask)]
            with torch.autocast(device, torch.bfloat16, enabled=not workload.wide):
                loss = model(input_ids=arrays[0], labels=arrays[1], attention_mask=arrays[2]).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    before = _memory(device)
    if workload.warm:
        epoch()
    started = time.perf_counter()
    epoch()
    if device == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    tokens = sum(len(row.ids) - 1 for row in examples(workload))
    return {
        "seconds": seconds,
        "tokens": tokens,
        "tokens_per_second": tokens / seconds,
        "peak_bytes": _peak(device) - before,
        "weights_bytes": before,
    }


def build(workload: Workload, device: str) -> Any:
    """transformers' Gemma 2 with the workload's seeded weights and PEFT's adapter around it."""
    import peft
    import torch
    import transformers

    from gemma_mlx.benchmarks.sides import random_weights

    raw = {name: value for name, value in raw_config(workload).items() if name != "model_type"}
    model = transformers.Gemma2ForCausalLM(transformers.Gemma2Config(**raw, attn_implementation="eager"))
    model.to(torch.float32 if workload.wide else torch.bfloat16)
    weights = {
        name: torch.from_numpy(np.array(array.astype(mx.float32)))
        for name, array in random_weights(workload).items()
    }
    model.load_state_dict(weights, strict=False)
    model.tie_weights()
    if workload.checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    lora = peft.LoraConfig(
        r=workload.rank, lora_alpha=workload.rank, target_modules=list(LINEAR_MODULES), task_type="CAUSAL_LM"
    )
    return peft.get_peft_model(model.to(device), lora)


def batches(workload: Workload) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Ids, labels and attention mask (B, L) of each batch: rows in the dataset's order, padded."""
    rows = examples(workload)
    for begin in range(0, len(rows), workload.batch_size):
        chosen = rows[begin : begin + workload.batch_size]
        shape = (len(chosen), max(len(row.ids) for row in chosen))
        ids, labels = np.zeros(shape, np.int64), np.full(shape, _IGNORED, np.int64)
        mask = np.zeros(shape, np.int64)
        for place, row in enumerate(chosen):
            length = len(row.ids)
            ids[place, :length], mask[place, :length] = row.ids, 1
            labels[place, :length] = np.where(row.loss_mask, row.ids, _IGNORED)
        yield ids, labels, mask


def _memory(device: str) -> int:
    """Bytes held now; the peak is counted from here. On a CPU: the process's own peak so far."""
    if device != "cuda":
        return _peak(device)
    import torch

    torch.cuda.reset_peak_memory_stats()
    return int(torch.cuda.memory_allocated())


def _peak(device: str) -> int:
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
