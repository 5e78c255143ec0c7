"""An objective that a run's data or base cannot serve is refused, with what to do instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.benchmarks.workload import Workload, raw_config
from gemma_mlx.data.prepare import Prepared, prepare_dataset
from gemma_mlx.data.table import ChosenRows, ExampleRows
from gemma_mlx.errors import TrainingError
from gemma_mlx.load import load_model
from gemma_mlx.models.config import parse_config
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings, TrainSettings
from gemma_mlx.training.objective import check_full, rows_for
from tests.tiny import write_tiny_model

PAIR = '{"prompt": "count", "chosen": "1 2", "rejected": "2 1"}\n'
ANSWER = '{"prompt": "count", "completion": "1 2"}\n'
RAW = raw_config(Workload("gemma-2-nano", "equal", 1, 8, 8, 0.0, 1))


def prepared(folder: Path, line: str) -> Prepared:
    (folder / "rows.jsonl").write_text(line * 20)
    loaded = load_model(write_tiny_model(folder / "tiny", tokenizer=True))
    return prepare_dataset(DataSettings(dataset=str(folder / "rows.jsonl")), loaded.tokenizer, seed=0)


def run(**training: Any) -> RunSettings:
    return RunSettings(training=TrainSettings(**training))


def test_supervised_training_learns_the_chosen_answers_of_pairs(tmp_path: Path) -> None:
    assert isinstance(rows_for(run(), prepared(tmp_path, PAIR).train), ChosenRows)
    assert len(rows_for(run(objective="orpo"), prepared(tmp_path, PAIR).train)) > 0


@pytest.mark.parametrize("objective", ["dpo", "orpo"])
def test_preferences_need_pairs(tmp_path: Path, objective: str) -> None:
    rows = prepared(tmp_path, ANSWER).train
    assert isinstance(rows_for(run(), rows), ExampleRows)
    with pytest.raises(TrainingError, match=f"{objective.upper()} learns from pairs") as caught:
        rows_for(run(objective=objective), rows)
    assert caught.value.code == "needs-preferences"


def test_all_weights_are_trained_only_where_none_is_quantized() -> None:
    config = parse_config(RAW, "test")
    check_full(run(method="full"), config)
    quantized = parse_config({**RAW, "quantization": {"bits": 4, "group_size": 64}}, "test")
    asked = run(method="full").model_copy(update={"quantization": QuantizeSettings(bits=4)})
    for settings, base in ((run(method="full"), quantized), (asked, config)):
        with pytest.raises(TrainingError) as caught:
            check_full(settings, base)
        assert caught.value.code == "full-needs-dense" and "method: lora" in caught.value.fix


def test_dpo_keeps_its_base() -> None:
    with pytest.raises(TrainingError) as caught:
        check_full(run(method="full", objective="dpo"), parse_config(RAW, "test"))
    assert caught.value.code == "dpo-needs-adapter"
