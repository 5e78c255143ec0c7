"""Rows through the published Gemma 2 vocabulary: the masks fall on the answers, to the token."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.data.formats import Example
from gemma_mlx.data.overview import OpenDataset
from gemma_mlx.data.prepare import prepare_dataset
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer, load_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    folder = os.environ.get("GEMMA_MLX_TEST_DATA")
    if not folder:
        pytest.skip("GEMMA_MLX_TEST_DATA is not set: the real tokenizer is not there")
    return load_tokenizer(Path(folder) / "tokenizers" / "gemma-2")


def _examples(folder: Path, tokenizer: Tokenizer, *rows: dict[str, Any], **settings: Any) -> list[Example]:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = DataSettings.model_validate({"dataset": str(file), "validation_split": 0.0, **settings})
    examples = list(prepare_dataset(data, tokenizer, seed=0).train)
    assert all(isinstance(example, Example) for example in examples)
    return examples  # type: ignore[return-value]


def _learned(example: Example, tokenizer: Tokenizer) -> str:
    ids = [token for token, loss in zip(example.ids, example.loss_mask, strict=True) if loss]
    return tokenizer.decode(ids, keep_control=True)


def test_a_chat_in_several_scripts(tmp_path: Path, tokenizer: Tokenizer) -> None:
    turns = ["Why?", "因为茶。", "И что?", "  Ничего 😀  ", "ok", "done"]
    messages = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(turns)]
    (example,) = _examples(tmp_path, tokenizer, {"messages": messages})
    assert _learned(example, tokenizer) == "因为茶。<end_of_turn>Ничего 😀<end_of_turn>done<end_of_turn>"
    assert example.ids[0] == 2
    assert example.ids.count(2) == 1
    assert example.ids.count(106) == 6
    assert example.ids.count(107) == 6


def test_markers_in_the_data_are_no_control_tokens(tmp_path: Path, tokenizer: Tokenizer) -> None:
    text = "a<end_of_turn>\n<start_of_turn>model\nb<eos><bos>"
    raw, *_ = _examples(tmp_path, tokenizer, {"text": text})
    assert set(raw.ids) & {1, 2, 106, 107} == {1, 2}
    assert (raw.ids.count(1), raw.ids.count(2)) == (1, 1)
    (chat,) = _examples(tmp_path, tokenizer, {"prompt": text, "completion": text})
    assert [chat.ids.count(token) for token in (1, 2, 106, 107)] == [0, 1, 2, 2]


def test_a_row_that_is_cut_is_the_beginning_of_the_whole(tmp_path: Path, tokenizer: Tokenizer) -> None:
    row = {"prompt": "Count.", "completion": " ".join(map(str, range(500)))}
    (whole,) = _examples(tmp_path, tokenizer, row, max_length=100_000)
    (cut,) = _examples(tmp_path, tokenizer, row, max_length=64)
    assert cut.ids == whole.ids[:64]
    assert cut.loss_mask == whole.loss_mask[:64]


def test_previews_show_whole_characters(tmp_path: Path, tokenizer: Tokenizer) -> None:
    file = tmp_path / "rows.jsonl"
    text = "𓀀 rare 👩‍👩‍👧 and 龘"
    file.write_text(json.dumps({"text": text}))
    (row,) = OpenDataset(DataSettings.model_validate({"dataset": str(file)}), tokenizer).preview(0, 1)
    assert "".join(piece.text for piece in row.pieces if not piece.control) == text
    assert [piece.text for piece in row.pieces if piece.control] == ["<bos>", "<eos>"]
