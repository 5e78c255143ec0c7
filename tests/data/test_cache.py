"""Tokenized datasets are found again, and never believed when they are damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.data import prepare as prepare_module
from gemma_mlx.data.cache import cache_key, prune_cache, read_cache
from gemma_mlx.data.prepare import Prepared, prepare_dataset
from gemma_mlx.data.table import ARRAYS
from gemma_mlx.errors import DatasetError, GemmaError
from gemma_mlx.settings import DataSettings
from tests.data.fake_tokenizer import fake_tokenizer

ROWS = [{"prompt": f"q{n}", "completion": f"a{n}"} for n in range(20)] + [
    {"prompt": "x" * 99, "completion": "y"}
]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


def _prepared(dataset: Path, cache: Path | None, seed: int = 0, **settings: Any) -> Prepared:
    data = DataSettings.model_validate({"dataset": str(dataset), "max_length": 64, **settings})
    return prepare_dataset(data, fake_tokenizer(), seed=seed, cache_folder=cache)


def _content(prepared: Prepared) -> tuple[Any, ...]:
    report = {**prepared.report.as_dict(), "from_cache": None}
    return list(prepared.train), list(prepared.valid), report, prepared.fingerprint


def test_a_cache_gives_what_memory_gives(dataset: Path, tmp_path: Path) -> None:
    in_memory = _prepared(dataset, None)
    fresh = _prepared(dataset, tmp_path / "cache")
    again = _prepared(dataset, tmp_path / "cache")
    assert _content(in_memory) == _content(fresh) == _content(again)
    assert [p.report.from_cache for p in (in_memory, fresh, again)] == [False, False, True]
    assert again.report.left_out == 1


def test_another_seed_uses_the_same_cache(dataset: Path, tmp_path: Path) -> None:
    first = _prepared(dataset, tmp_path / "cache", validation_split=0.3)
    other = _prepared(dataset, tmp_path / "cache", seed=1, validation_split=0.3)
    assert other.report.from_cache
    assert [row.row for row in first.valid] != [row.row for row in other.valid]


def test_a_changed_file_or_setting_is_not_served_from_the_cache(dataset: Path, tmp_path: Path) -> None:
    _prepared(dataset, tmp_path / "cache")
    assert not _prepared(dataset, tmp_path / "cache", max_length=65).report.from_cache
    dataset.write_text(dataset.read_text().replace("a7", "b7"))
    changed = _prepared(dataset, tmp_path / "cache")
    assert not changed.report.from_cache
    assert any(row.text.endswith("b7") for part in (changed.train, changed.valid) for row in part)


def test_a_moved_dataset_is_found_and_its_rows_carry_the_new_name(dataset: Path, tmp_path: Path) -> None:
    _prepared(dataset, tmp_path / "cache")
    moved = dataset.rename(tmp_path / "moved.jsonl")
    prepared = _prepared(moved, tmp_path / "cache")
    assert prepared.report.from_cache
    assert prepared.train[0].source == str(moved)


@pytest.mark.parametrize("array", [*ARRAYS, "manifest"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_cache_is_made_anew(dataset: Path, tmp_path: Path, array: str, damage: str) -> None:
    intact = _content(_prepared(dataset, tmp_path / "cache"))
    folder = tmp_path / "cache" / intact[-1]
    file = folder / ("manifest.json" if array == "manifest" else f"{array}.bin")
    content = file.read_bytes()
    if damage == "flip":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    elif damage == "cut":
        file.write_bytes(content[:-1])
    else:
        file.unlink()
    again = _prepared(dataset, tmp_path / "cache")
    assert not again.report.from_cache
    assert _content(again) == intact
    assert _prepared(dataset, tmp_path / "cache").report.from_cache


def test_bad_rows_leave_no_cache(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "a"}\nbroken\n')
    with pytest.raises(DatasetError):
        _prepared(file, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_disk_that_does_not_take_it_is_told_and_memory_is_used(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    prepared = _prepared(dataset, tmp_path / "cache")
    assert len(prepared.train) == 19
    assert any("in memory" in note for note in prepared.report.notes)


def test_other_errors_of_the_disk_are_not_hidden(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise GemmaError("something-else", "no")

    monkeypatch.setattr(prepare_module, "write_manifest", fail)
    with pytest.raises(GemmaError, match="no"):
        _prepared(dataset, tmp_path / "cache")


def test_the_caches_used_longest_ago_make_room(tmp_path: Path) -> None:
    names = [f"{number:064x}" for number in range(4)]
    for age, name in enumerate(names):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ids.bin").write_bytes(bytes(1000))
        manifest = tmp_path / name / "manifest.json"
        manifest.touch()
        os.utime(manifest, (1000 - age, 1000 - age))
    (tmp_path / "notes").mkdir()
    assert prune_cache(tmp_path, keep=names[3], most_bytes=2500) == [names[1], names[2]]
    assert sorted(path.name for path in tmp_path.iterdir()) == [names[0], names[3], "notes"]
    assert prune_cache(tmp_path, keep=names[3], most_bytes=10) == [names[0]]


def test_using_a_cache_makes_it_young(dataset: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "cache" / _prepared(dataset, tmp_path / "cache").fingerprint / "manifest.json"
    os.utime(manifest, (1000, 1000))
    assert _prepared(dataset, tmp_path / "cache").report.from_cache
    assert manifest.stat().st_mtime > 1_000_000


def test_keys_differ_with_every_part() -> None:
    keys = {cache_key(parts) for parts in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": "1"})}
    assert len(keys) == 4


def test_an_absent_cache_is_none(tmp_path: Path) -> None:
    assert read_cache(tmp_path / "nothing", []) is None
