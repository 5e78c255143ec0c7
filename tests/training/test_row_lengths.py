"""How long rows are, for forecasts: all of a small dataset, the first of a large one, pairs as two rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.models.config import read_config
from gemma_mlx.settings import RunSettings
from gemma_mlx.text.tokenizer import load_tokenizer
from gemma_mlx.training import row_lengths
from gemma_mlx.training.row_lengths import RowLengths, measure, rows_of, total_steps
from tests.command_line import write_rows


@pytest.fixture
def found_in(tiny_model: Path):  # type: ignore[no-untyped-def]
    config = read_config(tiny_model)
    tokenizer = load_tokenizer(tiny_model, config)

    def look(settings: RunSettings) -> tuple[RowLengths, int | None]:
        found = measure(settings, tokenizer)
        return found, total_steps(config, settings, found)

    return look


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    rows = write_rows(tmp_path / "rows.jsonl", 12)
    return RunSettings().with_data(dataset=str(rows), validation_split=0.0).with_training(batch_size=4)


def test_all_rows_of_a_small_dataset(found_in, settings: RunSettings) -> None:  # type: ignore[no-untyped-def]
    found, steps = found_in(settings.with_training(epochs=2))
    assert found.whole and len(found.lengths) == 12
    assert steps == 2 * 12 // 4


def test_the_first_rows_of_a_large_one(found_in, settings: RunSettings, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """How many steps an epoch has is then not known, unless the run says it."""
    monkeypatch.setattr(row_lengths, "_SMALL_BYTES", 100)
    monkeypatch.setattr(row_lengths, "MEASURED_ROWS", 5)
    found, steps = found_in(settings)
    assert not found.whole and len(found.lengths) == 5 and steps is None
    assert found_in(settings.with_training(steps=70))[1] == 70
    found, steps = found_in(settings.with_data(limit=3))
    assert found.whole and len(found.lengths) == 3 and steps


def test_a_folder_is_as_large_as_its_train_files(found_in, settings, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """They may lie in data/, as the Hub's do."""
    monkeypatch.setattr(row_lengths, "_SMALL_BYTES", 100)
    monkeypatch.setattr(row_lengths, "MEASURED_ROWS", 5)
    (tmp_path / "folder" / "data").mkdir(parents=True)
    write_rows(tmp_path / "folder" / "data" / "train.jsonl", 12)
    found, _ = found_in(settings.with_data(dataset=str(tmp_path / "folder")))
    assert not found.whole and len(found.lengths) == 5


def test_a_pair_is_two_rows() -> None:
    import numpy as np

    lengths = np.array([40, 20, 60])
    assert rows_of(RunSettings(), lengths).longest == 60
    pairs = rows_of(RunSettings().with_training(objective="dpo"), lengths)
    assert (pairs.longest, pairs.mean) == (30, 20)
