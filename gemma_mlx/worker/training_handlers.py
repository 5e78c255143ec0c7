"""Training in a run folder, and what it will cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gemma_mlx.training.trainer import Control, Request, train
from gemma_mlx.worker import protocol
from gemma_mlx.worker.context import Answer, Context


class _Wishes(Control):
    """The user's wishes as the trainer polls them."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def cancelled(self) -> Request:
        return self._context.wish()


def start(context: Context, command: protocol.StartTraining) -> Iterator[Answer]:
    """Train or resume; the machine stays awake meanwhile."""
    _stay_awake()
    folder = Path(command.run_folder)
    yield from train(command.settings, folder, resume=command.resume, control=_Wishes(context))


def _stay_awake() -> None:
    """macOS: no idle sleep as long as this process lives. It ends by itself with us."""
    program = shutil.which("caffeinate") if sys.platform == "darwin" else None
    if program is not None:
        subprocess.Popen(
            [program, "-i", "-m", "-w", str(os.getpid())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
