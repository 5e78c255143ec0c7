"""PEFT's files: what we write we read; a stranger's or a broken adapter is refused and the base untouched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.adapters.lora import lora_modules
from gemma_mlx.adapters.peft import CONFIG_NAME, WEIGHTS_NAME, load_adapter, save_adapter
from gemma_mlx.errors import AdapterError
from gemma_mlx.settings import LoraSettings
from tests.adapters.test_lora import adapted
from tests.models.test_decoder import some_ids, tiny_decoder

VARIANTS = [
    LoraSettings(),
    LoraSettings(modules=["q_proj", "down_proj"], layers=[0, 2], rank=3, alpha=5),
    LoraSettings(use_rslora=True, rank_pattern={"model.layers.1.mlp.up_proj": 2}),
    LoraSettings(use_dora=True),
]


@pytest.mark.parametrize("settings", VARIANTS)
def test_a_saved_adapter_gives_the_same_logits(tmp_path: Path, settings: LoraSettings) -> None:
    tuned = adapted(settings)
    save_adapter(tmp_path / "adapter", tuned, settings, "some/base")
    fresh = tiny_decoder("gemma2")
    load_adapter(tmp_path / "adapter", fresh)
    ids = some_ids(fresh, 1, 9)
    assert mx.array_equal(fresh(ids), tuned(ids))


def test_the_files_are_those_that_peft_reads(tmp_path: Path) -> None:
    save_adapter(
        tmp_path / "a", adapted(LoraSettings(use_dora=True)), LoraSettings(use_dora=True), "some/base"
    )
    config = json.loads((tmp_path / "a" / CONFIG_NAME).read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 16, 32)
    assert config["base_model_name_or_path"] == "some/base"
    names = mx.load(str(tmp_path / "a" / WEIGHTS_NAME)).keys()
    prefix = "base_model.model.model.layers.0.self_attn.q_proj."
    for part in ("lora_A.weight", "lora_B.weight", "lora_magnitude_vector"):
        assert prefix + part in names


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace(".lora_A.", ".lora_A.default.").replace(".lora_B.", ".lora_B.default."),
        lambda name: name.replace("model.model.layers", "model.language_model.model.layers"),
        lambda name: name.replace("model.model.layers", "model.model.language_model.layers"),
    ],
)
def test_names_of_other_programs_are_understood(tmp_path: Path, rename: Callable[[str], str]) -> None:
    settings = LoraSettings()
    tuned = adapted(settings)
    save_adapter(tmp_path / "a", tuned, settings, "base")
    path = tmp_path / "a" / WEIGHTS_NAME
    renamed = {rename(name): array for name, array in mx.load(str(path)).items()}
    mx.eval(renamed)
    mx.save_safetensors(str(path), renamed)
    fresh = tiny_decoder("gemma2")
    load_adapter(tmp_path / "a", fresh)
    ids = some_ids(fresh, 1, 9)
    assert mx.array_equal(fresh(ids), tuned(ids))


def change_config(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / CONFIG_NAME
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def change_tensors(change: Callable[[dict[str, mx.array]], dict[str, mx.array]]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = change(dict(mx.load(str(folder / WEIGHTS_NAME))))
        mx.eval(tensors)
        mx.save_safetensors(str(folder / WEIGHTS_NAME), tensors)

    return apply


FIRST = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"

BREAKAGES: dict[str, Callable[[Path], None]] = {
    "no config": lambda folder: (folder / CONFIG_NAME).unlink(),
    "config is no JSON": lambda folder: (folder / CONFIG_NAME).write_text("{"),
    "config is a list": lambda folder: (folder / CONFIG_NAME).write_text("[]"),
    "another method": change_config(peft_type="LOHA"),
    "rank of nothing": change_config(r=0),
    "rank as text": change_config(r="many"),
    "alpha that is infinite": change_config(lora_alpha=float("inf")),
    "trained biases": change_config(bias="all"),
    "whole modules": change_config(modules_to_save=["lm_head"]),
    "DoRA without magnitudes": change_config(use_dora=True),
    "no weights": lambda folder: (folder / WEIGHTS_NAME).unlink(),
    "a pickle": lambda folder: (folder / WEIGHTS_NAME).rename(folder / "adapter_model.bin"),
    "cut short": lambda folder: (folder / WEIGHTS_NAME).write_bytes(
        (folder / WEIGHTS_NAME).read_bytes()[:900]
    ),
    "no tensors": change_tensors(lambda tensors: {"x": mx.zeros(1)}),
    "half a pair": change_tensors(lambda tensors: {n: t for n, t in tensors.items() if n != FIRST}),
    "a NaN": change_tensors(lambda tensors: {**tensors, FIRST: tensors[FIRST] * float("nan")}),
    "whole numbers": change_tensors(lambda tensors: {**tensors, FIRST: tensors[FIRST].astype(mx.int32)}),
    "another width": change_tensors(lambda tensors: {**tensors, FIRST: tensors[FIRST][:, :-1]}),
    "a module too many": change_tensors(
        lambda tensors: {**tensors, FIRST.replace("layers.0", "layers.77"): tensors[FIRST]}
    ),
    "the embedding": change_tensors(
        lambda tensors: {**tensors, "base_model.model.model.embed_tokens.lora_A.weight": tensors[FIRST]}
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES.keys())
def test_bad_adapters_are_refused_and_the_base_is_untouched(
    tmp_path: Path, breakage: Callable[[Path], None]
) -> None:
    save_adapter(tmp_path / "a", adapted(LoraSettings()), LoraSettings(), "some/base")
    breakage(tmp_path / "a")
    base = tiny_decoder("gemma2")
    with pytest.raises(AdapterError) as caught:
        load_adapter(tmp_path / "a", base)
    assert caught.value.where and caught.value.fix
    assert not list(lora_modules(base))


def test_an_adapter_of_another_model_names_the_model(tmp_path: Path) -> None:
    save_adapter(tmp_path / "a", adapted(LoraSettings()), LoraSettings(), "google/gemma-2-2b")
    with pytest.raises(AdapterError, match=r"google/gemma-2-2b") as caught:
        load_adapter(tmp_path / "a", tiny_decoder("gemma2", hidden_size=32))
    assert caught.value.code == "adapter-of-another-model"
