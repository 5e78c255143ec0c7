"""Datasets that a command names: paths stay, names of the Hub are fetched and pinned."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gemma_mlx.errors import Cancelled, DatasetError
from gemma_mlx.events import Done
from gemma_mlx.terminal.datasets import check_there, fetched
from gemma_mlx.terminal.output import Output

OUT = Output(stdout=Console(file=io.StringIO()), stderr=Console(file=io.StringIO()))


@pytest.mark.parametrize("path", ["my_rows.jsonl", "C:/rows.csv", "hf/rows.jsonl", ""])
def test_a_path_stays_as_it_is(path: str) -> None:
    assert fetched(path, OUT) == path


@pytest.mark.parametrize("name", ["rows.jsonl", "~/rows.jsonl", "a\0b", "x" * 5000, ".", "empty.jsonl"])
def test_what_is_no_dataset_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DatasetError) as told:
        check_there(name)
    assert told.value.fix


def test_what_is_there_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("{}")
    check_there(str(tmp_path))
    check_there(str(tmp_path / "train.jsonl"))


def downloading(outcome: str) -> Any:
    def download(_name: object, **_more: object) -> Iterator[Done]:
        yield Done({"dataset": "hf:a/b:c", "commit": "1" * 40}, outcome)

    return download


def test_a_name_of_the_hub_comes_back_with_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemma_mlx.library.hub_datasets.download_dataset", downloading("finished"))
    assert fetched("hf:a/b:c", OUT) == "hf:a/b@" + "1" * 40 + ":c"


def test_stopped_nothing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemma_mlx.library.hub_datasets.download_dataset", downloading("stopped"))
    with pytest.raises(Cancelled, match="goes on from there"):
        fetched("hf:a/b:c", OUT)
