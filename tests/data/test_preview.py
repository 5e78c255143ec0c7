"""Rows as people see them: loss marked, the cut marked, control tokens told from text."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.data.columns import detect_mapping
from gemma_mlx.data.preview import Piece, RowPreview, estimated_tokens, row_previews
from gemma_mlx.data.rows import Row
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer
from tests.data.fake_tokenizer import fake_tokenizer


def _previews(
    values: dict[str, Any], tokenizer: Tokenizer | None, like: dict[str, Any] | None = None, **settings: Any
) -> list[RowPreview]:
    data = DataSettings.model_validate(settings)
    mapping = detect_mapping(data, [like or values], "f")
    return list(row_previews(Row("f", 3, values), 2, "train", mapping, data, tokenizer))


PAIR = {"prompt": "ask", "completion": "grüße"}


def test_an_answer_is_marked_and_control_tokens_are_told_from_text() -> None:
    (row,) = _previews({"prompt": "<bos>", "completion": "grüße"}, fake_tokenizer())
    assert row.runs() == (
        Piece("<bos><start_of_turn>", control=True),
        Piece("user\n<bos>"),
        Piece("<end_of_turn>", control=True),
        Piece("\n"),
        Piece("<start_of_turn>", control=True),
        Piece("model\n"),
        Piece("grüße", loss=True),
        Piece("<end_of_turn>", loss=True, control=True),
        Piece("\n"),
    )
    assert (row.index, row.line, row.source, row.split) == (2, 3, "f", "train")
    assert (row.kept, row.loss_tokens) == (row.tokens, len("grüße".encode()) + 1)
    assert len(row.pieces) == row.tokens


def test_the_cut_is_marked_and_carries_no_loss() -> None:
    (whole,) = _previews(PAIR, fake_tokenizer())
    (row,) = _previews(PAIR, fake_tokenizer(), max_length=whole.tokens - 4)
    assert "".join(piece.text for piece in row.pieces) == "".join(piece.text for piece in whole.pieces)
    assert [piece.cut for piece in row.pieces] == [False] * (whole.tokens - 4) + [True] * 4
    assert not any(piece.loss for piece in row.pieces if piece.cut)
    assert (row.tokens, row.kept, row.loss_tokens) == (whole.tokens, whole.tokens - 4, whole.loss_tokens - 3)


def test_a_row_that_is_left_out_is_shown_with_the_reason() -> None:
    (row,) = _previews({"prompt": "ask " * 20, "completion": "b"}, fake_tokenizer(), max_length=16)
    assert "prompt alone" in row.problem
    assert row.loss_tokens == 0
    assert row.pieces


def test_each_example_of_a_row_has_its_preview() -> None:
    rows = _previews({"question": "a", "human_answers": ["b", "c"]}, fake_tokenizer())
    assert [row.part for row in rows] == ["answer 1", "answer 2"]
    rows = _previews({"prompt": "a", "chosen": "b", "rejected": "c"}, fake_tokenizer())
    assert [row.part for row in rows] == ["chosen", "rejected"]
    assert [next(p.text for p in row.runs() if p.loss) for row in rows] == ["b", "c"]


@pytest.mark.parametrize("tokenizer", [None, fake_tokenizer()])
def test_a_bad_row_is_shown_as_it_stands(tokenizer: Tokenizer | None) -> None:
    (row,) = _previews({"prompt": "a\ud800", "completion": 3}, tokenizer, like=PAIR)
    assert "text" in row.problem or "surrogate" in row.problem
    assert '"completion": 3' in row.pieces[0].text
    row.pieces[0].text.encode("utf-8")


def test_without_a_mapping_the_columns_are_shown() -> None:
    (row,) = row_previews(Row("f", 1, {"a": 1, "b": "x"}), 0, "", None, DataSettings.model_validate({}), None)
    assert row.pieces[0].text == '{"a": 1, "b": "x"}'


def test_without_a_tokenizer_roles_and_loss_are_shown() -> None:
    (row,) = _previews(PAIR, None)
    assert [(piece.text, piece.loss) for piece in row.pieces if not piece.control] == [
        ("ask\n", False),
        ("grüße\n", True),
    ]
    assert row.tokens > row.loss_tokens > 0
    sides = _previews({"prompt": "a", "chosen": "b", "rejected": "c"}, None)
    assert [side.part for side in sides] == ["chosen", "rejected"]


def test_a_book_does_not_fill_the_window() -> None:
    for tokenizer in (None, fake_tokenizer()):
        (row,) = _previews({"text": "word " * 400_000}, tokenizer)
        assert sum(len(piece.text) for piece in row.pieces) <= 20_000
        assert row.tokens > 20_000


def test_estimates_know_scripts() -> None:
    assert estimated_tokens("a" * 400) == 100
    assert estimated_tokens("这是一个测试") == 3
    assert estimated_tokens("") == 0
