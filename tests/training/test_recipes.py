"""The tutorials' recipes run on the demo model with the sample rows, but for one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.declaring import read_settings
from gemma_mlx.events import Done, Metrics
from gemma_mlx.library.resources import resource
from gemma_mlx.load import load_model
from gemma_mlx.settings import RunSettings
from gemma_mlx.training.trainer import train

RECIPES = sorted(resource("recipes").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_trains_the_demo_model(tmp_path: Path, recipe: Path) -> None:
    settings = read_settings(RunSettings, recipe)
    sample = next(resource("recipes", "samples").glob(f"{recipe.stem}.*"))
    settings = settings.model_copy(
        update={
            "model": str(resource("demo", "model")),
            "data": settings.data.model_copy(update={"dataset": str(sample)}),
            "training": settings.training.model_copy(
                update={"steps": 1, "evaluate_every": 1, "save_every": 1, "sample_tokens": 2}
            ),
        }
    )
    events = list(train(settings, tmp_path / "run"))
    done = events[-1]
    assert isinstance(done, Done) and done.outcome == "finished" and done.result["step"] == 1
    assert any(isinstance(event, Metrics) and "train_loss" in event.values for event in events)
    load_model(settings.model, adapter=done.result["adapter"], quantization=settings.quantization)


def test_there_is_a_recipe_for_each_tutorial() -> None:
    assert {path.stem for path in RECIPES} == {"quotes", "guanaco", "chat", "hc3_chinese", "oasst"}
