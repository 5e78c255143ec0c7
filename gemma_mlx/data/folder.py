"""Which files a dataset path stands for: one file, or a folder's train, validation and test files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gemma_mlx.data.read import READABLE_SUFFIXES, file_kind
from gemma_mlx.data.rows import unreadable
from gemma_mlx.errors import DatasetError, GemmaError
from gemma_mlx.library.hub_datasets import find_dataset, is_hub_name, parse_name

_SPLITS = {
    "train": ("train", "training"),
    "valid": ("valid", "validation", "val", "dev", "eval"),
    "test": ("test", "testing"),
}


@dataclass(frozen=True)
class DatasetFiles:
    """The files of a dataset by split; `valid` is empty when rows must be held out of `train`.

    `test` files are named for the report and never read.
    """

    train: tuple[Path, ...]
    valid: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()


def find_files(dataset: str) -> DatasetFiles:
    """The files behind `DataSettings.dataset`.

    In a folder (or its `data` subfolder) names count: train.jsonl, train-00000-of-00002.parquet,
    validation.csv, dev.tsv, ... A folder with one dataset file under any name is that file. A name such as
    hf:owner/name is the folder that `hub_datasets` keeps of it.

    Raises:
        DatasetError: `no-dataset`, `no-train-file` or `ambiguous-dataset`.
    """
    if not dataset.strip():
        raise DatasetError(
            "no-dataset", "No dataset is given.", where="data.dataset", fix="Give a dataset file or folder."
        )
    path = _of_the_hub(dataset) if is_hub_name(dataset) else Path(dataset)
    try:
        path = path.expanduser()
        if not path.is_dir():
            return DatasetFiles((path,))
        files = _readable_files(path) or _readable_files(path / "data")
    except (OSError, ValueError, RuntimeError) as problem:  # RuntimeError: there is no home of that user
        raise unreadable(path, problem) from None
    splits = {split: tuple(file for file in files if _split_of(file) == split) for split in _SPLITS}
    unnamed = [file for file in files if _split_of(file) is None]
    if not splits["train"]:
        if len(unnamed) != 1:
            found = ", ".join(file.name for file in files[:20]) or "no file that can be read as a dataset"
            raise DatasetError(
                "no-train-file",
                f"The folder has no train file. It holds: {found}.",
                where=dataset,
                fix="Name one file train, for example train.jsonl, or give the path of one file.",
            )
        splits["train"] = tuple(unnamed)
    for split, found_files in splits.items():
        kinds = {file_kind(file) for file in found_files}
        if len(kinds) > 1:
            raise DatasetError(
                "ambiguous-dataset",
                f"The folder holds {split} files of different kinds: "
                f"{', '.join(file.name for file in found_files[:20])}.",
                where=dataset,
                fix="Leave one kind in the folder, or give the path of one file.",
            )
    return DatasetFiles(splits["train"], splits["valid"], splits["test"])


def _of_the_hub(dataset: str) -> Path:
    """The folder of a dataset of the Hub that was fetched; reading one opens no connection.

    Raises:
        DatasetError: `not-downloaded`, or the name is none.
    """
    try:
        name = parse_name(dataset)
    except GemmaError as problem:
        raise DatasetError(problem.code, problem.what, where=problem.where, fix=problem.fix) from None
    found = find_dataset(name)
    if found is None:
        raise DatasetError(
            "not-downloaded", f"{name} is not on this machine yet.", where="data.dataset",
            fix=f"Fetch it first: gemma-mlx download {name}",
        )  # fmt: skip
    return found


def _readable_files(folder: Path) -> list[Path]:
    """Files of the folder that end like datasets, in the order of their names; hidden ones do not count."""
    if not folder.is_dir():
        return []
    return sorted(
        file
        for file in folder.iterdir()
        if not file.name.startswith(".")
        and file.name.lower().removesuffix(".gz").endswith(READABLE_SUFFIXES)
        and not file.is_dir()
        and file.stem.lower() not in ("readme", "license", "dataset_info", "dataset_infos")
    )


def _split_of(file: Path) -> str | None:
    """The split that a name stands for: the word itself, or the word before -, _ or a dot."""
    word = re.split(r"[-_.]", file.name.lower())[0]
    return next((split for split, names in _SPLITS.items() if word in names), None)
