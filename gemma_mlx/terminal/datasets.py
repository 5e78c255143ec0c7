"""Brings a dataset that a command names by its place on the Hub, and pins the name to its commit."""

from __future__ import annotations

from gemma_mlx.errors import Cancelled
from gemma_mlx.terminal.output import Output


def check_there(dataset: str) -> None:
    """Says that a dataset's files are missing or none before anything is begun and announced.

    Raises:
        DatasetError: what `find_files` and `check_file` raise.
    """
    from gemma_mlx.data.folder import find_files
    from gemma_mlx.data.rows import check_file

    for path in find_files(dataset).train:
        check_file(path)


def fetched(dataset: str, out: Output) -> str:
    """The dataset's name, pinned to the commit that is now on this machine; a path stays as it is.

    Raises:
        GemmaError: what `hub_datasets.download_dataset` raises; `Cancelled` on Ctrl-C.
    """
    if not dataset.strip().lower().startswith("hf:"):
        return dataset
    # Imported here: most datasets are files.
    from gemma_mlx.library.hub_datasets import download_dataset, parse_name, pinned
    from gemma_mlx.terminal.interrupt import stoppable
    from gemma_mlx.terminal.progress import follow

    name = parse_name(dataset)
    with stoppable() as stopped:
        done = follow(download_dataset(name, cancelled=stopped), out)
    if done.outcome == "stopped":
        raise Cancelled(kept="What was downloaded of the dataset; the same command goes on from there.")
    return str(pinned(name, done.result["commit"]))
