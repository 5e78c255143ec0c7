"""Makes the demo's datasets and, when asked, its tokenizer and weights: `python -m resources.demo.build`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from resources.demo.build.datasets import write_datasets
from resources.demo.build.tokenizer import train_tokenizer

DEMO = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEMO, help="where model/ and the datasets go")
    parser.add_argument(
        "--tokenizer", action="store_true", help="train the tokenizer anew (weights depend on it)"
    )
    parser.add_argument("--train", action="store_true", help="train the weights and measure them")
    chosen, further = parser.parse_known_args()
    model = chosen.folder / "model"
    if chosen.tokenizer or not (model / "tokenizer.model").exists():
        train_tokenizer(model)
    write_datasets(chosen.folder)
    if chosen.train:
        tail = ["--out", str(model), "--tokenizer", str(model), *further]
        subprocess.run([sys.executable, "-m", "resources.demo.build.train", *tail], check=True)
        measured = ["--model", str(model), "--card"]
        subprocess.run([sys.executable, "-m", "resources.demo.build.evaluate", *measured], check=True)


if __name__ == "__main__":
    main()
