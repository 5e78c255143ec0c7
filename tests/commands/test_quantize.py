"""Tests of `quantize`: the preview tells what it comes to, the folder is used like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import gemma


def test_the_preview_is_what_comes_out(tiny_model: Path, tmp_path: Path) -> None:
    options = ("--bits", "8", "--group-size", "32")
    preview = gemma("quantize", tiny_model, "--preview", *options, "--json").document
    made = gemma("quantize", tiny_model, "--out", tmp_path / "q", *options, "--json").document
    assert made["bytes"] == preview["bytes_after"] < preview["bytes_before"]
    assert made["mean_error"] < 0.01
    assert gemma("generate", tmp_path / "q", "Hello", "--max-tokens", "2", "--json").status == 0


def test_people_read_size_and_error(tiny_model: Path, tmp_path: Path) -> None:
    said = gemma("quantize", tiny_model, "--out", tmp_path / "q", "--mode", "mxfp4")
    assert "bits a weight" in said.stdout and "error of the weights" in said.stdout
    assert f"gemma-mlx chat {tmp_path / 'q'}" in said.stdout


def test_settings_from_a_file(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text("bits: 6\nembedding_bits: 8\n")
    preview = gemma("quantize", tiny_model, "--preview", "--config", tmp_path / "q.yaml", "--json").document
    formats = {module["path"]: module["format"] for module in preview["modules"]}
    assert formats["model.embed_tokens"].startswith("8 bit")
    assert formats["model.layers.0.mlp.up_proj"].startswith("6 bit")


@pytest.mark.parametrize(
    ("tokens", "code"),
    [([], "nothing-named"), (["--preview", "--mode", "nvfp4", "--bits", "8"], "bad-settings")],
)
def test_wrong_wishes(tiny_model: Path, tokens: list[str], code: str) -> None:
    assert gemma("quantize", tiny_model, *tokens, "--json").error["code"] == code


def test_a_folder_that_is_there_is_not_written_over(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    error = gemma("quantize", tiny_model, "--out", tmp_path / "there", "--json").error
    assert error["code"] == "folder-exists"
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.txt"]


def test_a_weight_that_is_not_a_number_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    from tests.tiny import tiny_config, tiny_weights, write_safetensors, write_tiny_model

    folder = write_tiny_model(tmp_path / "model", "gemma2")
    weights = tiny_weights(tiny_config("gemma2"))
    name = "model.layers.2.mlp.up_proj.weight"
    weights[name] = weights[name].copy()
    weights[name][3, 5] = float("nan")
    write_safetensors(folder / "model.safetensors", weights)
    error = gemma("quantize", folder, "--out", tmp_path / "q", "--json").error
    assert error["code"] == "not-finite" and name in error["where"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("q")) == []
