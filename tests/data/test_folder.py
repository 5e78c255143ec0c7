"""Folders: train, validation and test files by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.data.folder import find_files
from gemma_mlx.data.sources import open_files
from gemma_mlx.errors import DatasetError


def _names(folder: Path, *files: str) -> tuple[list[str], list[str], list[str]]:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("x")
    found = find_files(str(folder))
    return tuple([path.name for path in part] for part in (found.train, found.valid, found.test))  # type: ignore[return-value]


def test_a_file_is_itself() -> None:
    assert find_files("some/rows.csv").train == (Path("some/rows.csv"),)


@pytest.mark.parametrize(
    "valid", ["valid.jsonl", "validation.csv", "val.txt", "dev.tsv", "eval-00000.parquet"]
)
def test_splits_by_name(tmp_path: Path, valid: str) -> None:
    assert _names(tmp_path, "train.jsonl", valid, "test.jsonl", "README.md", ".hidden.jsonl") == (
        ["train.jsonl"],
        [valid],
        ["test.jsonl"],
    )


def test_shards_in_a_data_folder_are_taken_in_order(tmp_path: Path) -> None:
    shards = [f"data/train-0000{n}-of-00003.parquet" for n in (2, 0, 1)]
    train, valid, _ = _names(tmp_path, *shards, "data/validation-00000-of-00001.parquet", "README.md")
    assert train == [f"train-0000{n}-of-00003.parquet" for n in range(3)]
    assert valid == ["validation-00000-of-00001.parquet"]


def test_brackets_and_blanks_in_names_mean_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "my [data] set"
    assert _names(folder, "train.jsonl")[0] == ["train.jsonl"]


def test_a_folder_under_the_name_of_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "train.csv").mkdir()
    assert _names(tmp_path, "train.jsonl")[0] == ["train.jsonl"]


def test_one_file_under_any_name_is_the_training_file(tmp_path: Path) -> None:
    assert _names(tmp_path, "quotes.jsonl.gz", "notes.doc") == (["quotes.jsonl.gz"], [], [])


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ((), "no-train-file"),
        (("a.jsonl", "b.jsonl"), "no-train-file"),
        (("valid.jsonl",), "no-train-file"),
        (("train.jsonl", "train.csv"), "ambiguous-dataset"),
    ],
)
def test_folders_that_do_not_say_what_to_train_on(tmp_path: Path, files: tuple[str, ...], code: str) -> None:
    with pytest.raises(DatasetError) as caught:
        _names(tmp_path, *files)
    assert caught.value.code == code
    assert caught.value.fix


@pytest.mark.parametrize("dataset", ["~nobody-of-this-name/rows.jsonl", "rows\0.jsonl", "x" * 5000])
def test_paths_that_cannot_be(dataset: str) -> None:
    with pytest.raises(DatasetError):
        open_files(find_files(dataset))


@pytest.mark.parametrize("dataset", ["", "  "])
def test_no_dataset_given(dataset: str) -> None:
    with pytest.raises(DatasetError) as caught:
        find_files(dataset)
    assert caught.value.code == "no-dataset"
