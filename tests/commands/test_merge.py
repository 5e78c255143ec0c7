"""Tests of `merge`: the merged model is base and adapter; an adapter of another model is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import gemma, write_rows
from tests.tiny import write_tiny_model


@pytest.fixture(scope="module")
def tuned(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps at a rate that changes answers."""
    folder = tmp_path_factory.mktemp("tuned")
    data = write_rows(folder / "rows.jsonl")
    options = ("--steps", "6", "--learning-rate", "0.1", "--warmup-steps", "0", "--out", folder / "run")
    assert gemma("train", tiny_model, "--dataset", data, *options, "--json").status == 0
    return folder / "run"


def test_the_merged_model_loses_nothing(tiny_model: Path, tuned: Path, tmp_path: Path) -> None:
    options = ("--out", tmp_path / "merged", "--dtype", "float32", "--json")
    document = gemma("merge", tiny_model, tuned, *options).document
    assert document["rounding"] < 1e-6
    data = write_rows(tmp_path / "rows.jsonl")
    beside = gemma("evaluate", tiny_model, data, "--adapter", tuned, "--json").document["loss"]
    merged = gemma("evaluate", tmp_path / "merged", data, "--json").document["loss"]
    assert merged == pytest.approx(beside, rel=5e-6)


def test_the_default_is_16_bit(tiny_model: Path, tuned: Path, tmp_path: Path) -> None:
    said = gemma("merge", tiny_model, tuned, "--out", tmp_path / "merged")
    assert said.status == 0
    assert gemma("inspect", tmp_path / "merged", "--json").document["width"] == "bfloat16"
    assert (tmp_path / "merged" / "tokenizer.model").is_file()


def test_few_bits_come_with_a_measured_warning(tiny_model: Path, tuned: Path, tmp_path: Path) -> None:
    options = ("--out", tmp_path / "merged", "--bits", "4", "--json")
    document = gemma("merge", tiny_model, tuned, *options).document
    assert document["rounding"] > 1e-3
    assert [warning["code"] for warning in document["warnings"]] == ["requantized-merge"]
    assert gemma("inspect", tmp_path / "merged", "--json").document["quantization"] == "4 bit, groups of 64"


def test_an_adapter_of_another_model_is_refused(tuned: Path, tmp_path: Path) -> None:
    other = write_tiny_model(tmp_path / "other", "gemma2", tokenizer=True, hidden_size=32)
    error = gemma("merge", other, tuned, "--out", tmp_path / "merged", "--json").error
    assert error["code"] == "adapter-of-another-model"
    assert not (tmp_path / "merged").exists()


def test_an_adapter_that_learned_nothing_is_refused(tiny_model: Path, tuned: Path, tmp_path: Path) -> None:
    import shutil

    import mlx.core as mx

    shutil.copytree(tuned / "adapter", tmp_path / "blank")
    path = tmp_path / "blank" / "adapter_model.safetensors"
    tensors = {
        name: mx.zeros_like(tensor) if "lora_B" in name else tensor
        for name, tensor in mx.load(str(path)).items()  # type: ignore[union-attr]
    }
    mx.save_safetensors(str(path), tensors)
    error = gemma("merge", tiny_model, tmp_path / "blank", "--out", tmp_path / "merged", "--json").error
    assert error["code"] == "adapter-changes-nothing"
    assert not (tmp_path / "merged").exists()
