"""mlx-lm itself is the judge: its own code makes and loads the adapters that are taken in and given out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

from gemma_mlx.adapters.mlx_lm import MLX_LM_WEIGHTS, export_mlx_lm, import_mlx_lm, is_mlx_lm_adapter
from gemma_mlx.adapters.peft import CONFIG_NAME, save_adapter
from gemma_mlx.errors import AdapterError
from gemma_mlx.load import load_model
from gemma_mlx.settings import LoraSettings
from tests.adapters.test_lora import adapted
from tests.tiny import write_tiny_model

IDS = mx.array([[2, 17, 200, 301, 5, 44]])  # shorter than the window, which mlx-lm's Gemma 2 leaves out


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("mlx-lm") / "base", "gemma2")


def theirs(base: Path) -> Any:
    from mlx_lm.utils import load_model as load

    model, _ = load(base)
    return model


def trained_by_mlx_lm(base: Path, folder: Path, kind: str = "lora") -> mx.array:
    """An adapter that mlx-lm made, and the logits that it gives there."""
    from mlx_lm.tuner.utils import linear_to_lora_layers

    model = theirs(base)
    parameters = {
        "rank": 4, "scale": 5.0, "dropout": 0.0,
        "keys": ["self_attn.q_proj", "mlp.down_proj"],
    }  # fmt: skip
    model.freeze()
    linear_to_lora_layers(model, 2, parameters, use_dora=kind == "dora")
    mx.random.seed(3)
    noise = tree_map(lambda array: array + 0.05 * mx.random.normal(array.shape), model.trainable_parameters())
    model.load_weights(tree_flatten(noise), strict=False)
    folder.mkdir()
    mx.save_safetensors(str(folder / MLX_LM_WEIGHTS), dict(tree_flatten(model.trainable_parameters())))
    described = {"model": "some/base", "fine_tune_type": kind, "num_layers": 2, "lora_parameters": parameters}
    (folder / CONFIG_NAME).write_text(json.dumps(described))
    model.eval()
    return model(IDS)


def distance(first: mx.array, second: mx.array) -> float:
    return float(mx.max(mx.abs(first - second)))


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_an_adapter_of_mlx_lm_gives_the_same_logits_here(base: Path, tmp_path: Path, kind: str) -> None:
    expected = trained_by_mlx_lm(base, tmp_path / "theirs", kind)
    assert is_mlx_lm_adapter(tmp_path / "theirs")
    told = import_mlx_lm(tmp_path / "theirs", tmp_path / "ours")
    assert (told["rank"], told["modules"], told["base_model"]) == (4, 4, "some/base")
    ours = load_model(base, adapter=tmp_path / "ours").model(IDS)
    untuned = load_model(base).model(IDS)
    assert distance(ours, untuned) > 0.05
    assert distance(ours, expected) < 2e-5


@pytest.mark.parametrize(
    "settings",
    [
        LoraSettings(),
        LoraSettings(modules=["q_proj", "down_proj"], layers=[0, 2], rank=3, alpha=5),
        LoraSettings(use_rslora=True, rank_pattern={"model.layers.1.mlp.up_proj": 2}),
        LoraSettings(use_dora=True),
    ],
    ids=["all", "some layers", "rslora with two ranks", "dora"],
)
def test_mlx_lm_loads_what_is_given_out(tmp_path: Path, settings: LoraSettings) -> None:
    from mlx_lm.tuner.utils import load_adapters

    base = write_tiny_model(tmp_path / "base", "gemma2")
    save_adapter(tmp_path / "peft", adapted(settings), settings, "some/base")
    export_mlx_lm(tmp_path / "peft", tmp_path / "mlx-lm")
    model = load_adapters(theirs(base), str(tmp_path / "mlx-lm"))
    model.eval()
    ours = load_model(base, adapter=tmp_path / "peft").model(IDS)
    assert distance(ours, load_model(base).model(IDS)) > 0.05
    assert distance(model(IDS), ours) < 2e-5


def test_there_and_back_nothing_changes(tmp_path: Path) -> None:
    settings = LoraSettings(rank=4, alpha=6)
    save_adapter(tmp_path / "a", adapted(settings), settings, "some/base")
    export_mlx_lm(tmp_path / "a", tmp_path / "b")
    import_mlx_lm(tmp_path / "b", tmp_path / "c")
    first, last = (mx.load(str(tmp_path / name / "adapter_model.safetensors")) for name in ("a", "c"))
    assert first.keys() == last.keys()
    assert all(np.array_equal(first[name], last[name]) for name in first)
    config = json.loads((tmp_path / "c" / CONFIG_NAME).read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (4, 6, "some/base")


def change_config(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / CONFIG_NAME
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def change_tensors(change: Callable[[dict[str, mx.array]], dict[str, mx.array]]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = change(dict(mx.load(str(folder / MLX_LM_WEIGHTS))))
        mx.eval(tensors)
        mx.save_safetensors(str(folder / MLX_LM_WEIGHTS), tensors)

    return apply


FIRST = "model.layers.0.self_attn.q_proj.lora_a"


@pytest.mark.parametrize(
    "breakage",
    [
        lambda folder: (folder / CONFIG_NAME).unlink(),
        lambda folder: (folder / CONFIG_NAME).write_text("["),
        lambda folder: (folder / MLX_LM_WEIGHTS).write_bytes((folder / MLX_LM_WEIGHTS).read_bytes()[:500]),
        change_config(fine_tune_type="full"),
        change_config(lora_parameters={"rank": 4, "alpha": 5}),
        change_config(lora_parameters={"rank": 4, "scale": float("inf")}),
        change_config(lora_parameters={"rank": "x", "scale": 1}),
        change_config(lora_parameters={"rank": 5, "scale": 1}),
        change_tensors(lambda tensors: {**tensors, FIRST: tensors[FIRST] * float("nan")}),
        change_tensors(lambda tensors: {n: t for n, t in tensors.items() if n != FIRST}),
        change_tensors(lambda tensors: {**tensors, FIRST: tensors[FIRST][:, :-1]}),
        change_tensors(lambda tensors: {**tensors, "model.embed_tokens.lora_a": tensors[FIRST]}),
        change_tensors(lambda tensors: {"x": mx.zeros(1)}),
    ],
    ids=range(13),
)
def test_a_damaged_adapter_is_refused(tmp_path: Path, breakage: Callable[[Path], None]) -> None:
    settings = LoraSettings(rank=4, modules=["q_proj"])
    save_adapter(tmp_path / "a", adapted(settings), settings, "some/base")
    export_mlx_lm(tmp_path / "a", tmp_path / "b")
    breakage(tmp_path / "b")
    with pytest.raises(AdapterError) as caught:
        import_mlx_lm(tmp_path / "b", tmp_path / "c")
    assert caught.value.fix
    assert not (tmp_path / "c").exists()
