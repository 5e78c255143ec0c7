"""Several short runs in one rank of a ring: RUNS, a file of {"name": settings}, and a folder for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from gemma_mlx.settings import RunSettings
from gemma_mlx.training.distributed import join
from gemma_mlx.training.optimizer import Arrays, Optimizer
from gemma_mlx.training.trainer import train

_update = Optimizer.update


def rounding_otherwise(*arguments: Any) -> Arrays:
    """An update as another chip might make it, much exaggerated."""
    return {name: array * 1.01 for name, array in _update(*arguments).items()}


def main() -> None:
    runs, folder = (Path(word) for word in sys.argv[1:])
    ranks = join(60)
    assert ranks.size == 2
    for name, settings in json.loads(runs.read_text(encoding="utf-8")).items():
        Optimizer.update = rounding_otherwise if name == "drift" and not ranks.first else _update  # type: ignore
        own = folder if ranks.first else folder / "not-to-be-made"
        events = list(train(RunSettings(**settings), own / name, ranks=ranks))
        sys.stdout.write(json.dumps([event.as_dict() for event in events if event.type == "metrics"]) + "\n")
    ranks.close()


if __name__ == "__main__":
    main()
