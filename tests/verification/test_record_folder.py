"""What a model folder is recorded on: a text beyond its window, and full weights only."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="`make equivalence` installs PyTorch")

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import read_config
from gemma_mlx.verification.record_folder import prompt_of, read_torch_weights
from gemma_mlx.weights.headers import read_headers
from tests.command_line import gemma
from tests.tiny import write_tiny_model

pytestmark = pytest.mark.reference


def test_the_prompt_is_the_text_again_and_again(tiny_model: Path) -> None:
    config = read_config(tiny_model)
    ids, own = prompt_of(tiny_model, config, config.raw, "a few words")
    assert ids[0] == config.bos_token_id and len(ids) > 16 and 1 < own < len(ids)
    assert ids[1:own].tolist() == ids[own : 2 * own - 1].tolist()


def test_a_folder_without_a_tokenizer_gets_any_ids(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "m")
    config = read_config(folder)
    ids, own = prompt_of(folder, config, config.raw, "text")
    assert own == 0 and len(ids) > 16 and ids.max() < config.vocab_size


def test_quantized_weights_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    assert gemma("quantize", tiny_model, "--out", tmp_path / "q").status == 0
    with pytest.raises(ModelError) as problem:
        read_torch_weights(read_headers(tmp_path / "q"), read_config(tmp_path / "q"))
    assert problem.value.code == "quantized-original"
