"""A short training run in a process of its own, for others to kill: MODEL DATASET RUN."""

from __future__ import annotations

import sys
from pathlib import Path

from gemma_mlx.settings import DataSettings, LoraSettings, RunSettings, TrainSettings
from gemma_mlx.training.trainer import train


def settings(model: str, dataset: str) -> RunSettings:
    """All that draws on chance or keeps a state is on."""
    return RunSettings(
        model=model,
        lora=LoraSettings(rank=2, dropout=0.1, modules=["q_proj", "down_proj"]),
        data=DataSettings(dataset=dataset, validation_split=0.2),
        training=TrainSettings(
            steps=6, batch_size=2, accumulation=2, warmup_steps=1, save_every=1, evaluate_every=2,
            keep_checkpoints=2, neftune_alpha=5.0, learning_rate=1e-2, sample_prompts=["hello"],
            sample_tokens=2, seed=3,
        ),
    )  # fmt: skip


def main() -> None:
    model, dataset, run = sys.argv[1:]
    begun = (Path(run) / "run.json").exists()
    for number, _ in enumerate(train(settings(model, dataset), Path(run), resume=begun)):
        if number == 0:
            sys.stdout.write("ready\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
