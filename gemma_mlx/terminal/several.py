"""A command that mlx.launch started on several machines: rank 0 decides and speaks, others work with it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import GemmaError
from gemma_mlx.settings import RunSettings
from gemma_mlx.terminal.output import Output

if TYPE_CHECKING:
    from gemma_mlx.training.distributed import Ranks

Chosen = tuple[RunSettings, Path, bool]
"""The settings of a run, its folder, and whether it goes on in it."""

_VARIABLES = ("MLX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


class RunFunction(Protocol):
    """Trains and says what came of it."""

    def __call__(
        self, settings: RunSettings, folder: Path, out: Output, *, resume: bool, ranks: Ranks
    ) -> dict[str, Any]: ...


def several() -> bool:
    """Whether a launcher started this process. Cheap, because every training asks."""
    return any(name in os.environ for name in _VARIABLES)


def train_together(
    choose: Callable[[], Chosen], run: RunFunction, out: Output, patience: float
) -> dict[str, Any] | None:
    """Trains with the other ranks what rank 0 chooses; the document of rank 0, None of the others.

    Raises:
        GemmaError: as `run`; its `where` says the rank.
    """
    from gemma_mlx.training.distributed import join

    ranks = join(patience)
    before = None
    try:
        if ranks.first:
            # When a rank ends by an error, mlx.launch terminates the others: what was learned is kept first.
            before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
            settings, folder, resume = choose()
            told = {"settings": settings.model_dump(), "folder": str(folder), "resume": resume}
            ranks.text_of_first(json.dumps(told))
            return run(settings, folder, out, resume=resume, ranks=ranks)
        told = json.loads(ranks.text_of_first(""))
        settings = check_settings(RunSettings, told["settings"], "rank 0")
        run(settings, Path(told["folder"]), _silent(), resume=told["resume"], ranks=ranks)
        return None
    except GemmaError as problem:
        if not ranks.first and f"rank {ranks.rank}" not in problem.where:
            problem.where = f"rank {ranks.rank}: {problem.where}"
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        ranks.close()


def _silent() -> Output:
    return Output(json=True, stdout=Console(file=StringIO()), stderr=Console(file=StringIO()))
