"""Several short runs in one rank of a ring: RUNS, a file of {"name": settings}, and a folder for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gemma_mlx.settings import RunSettings
from gemma_mlx.training.distributed import join
from gemma_mlx.training.trainer import train


def main() -> None:
    runs, folder = (Path(word) for word in sys.argv[1:])
    ranks = join(60)
    assert ranks.size == 2
    for name, settings in json.loads(runs.read_text(encoding="utf-8")).items():
        own = folder if ranks.first else folder / "not-to-be-made"
        events = list(train(RunSettings(**settings), own / name, ranks=ranks))
        sys.stdout.write(json.dumps([event.as_dict() for event in events if event.type == "metrics"]) + "\n")
    ranks.close()


if __name__ == "__main__":
    main()
