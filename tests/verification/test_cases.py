"""The tiny cases cover what is mandatory, and their two dialects are one model."""

from __future__ import annotations

import pytest

from gemma_mlx.models.config import parse_config
from gemma_mlx.verification import cases


def test_every_mandatory_case_is_there() -> None:
    assert cases.LENGTHS == (15, 16, 17, 40), "around the window of 16, and 2.5 windows"
    assert all(cases.WINDOW % size for size in (7, 5, 11)), "chunks that do not divide it"
    changes = [case.changes for case in cases.CASES]
    assert any(change.get("hidden_size") == 72 for change in changes)
    assert any(change.get("tie_word_embeddings") is False for change in changes)
    assert any("attn_logit_softcapping" in change for change in changes)
    assert any(change.get("vocab_size") == 263 for change in changes)
    assert {case.dialect for case in cases.CASES} == {"hub", "transformers"}
    assert {case.generation for case in cases.CASES} == {"gemma", "gemma2", "gemma3_text"}


# The hub's dialect has no word for another pattern of Gemma 2's.
IN_BOTH = [case for case in cases.CASES if case.name != "gemma2-modern"]


@pytest.mark.parametrize("case", IN_BOTH, ids=lambda case: case.name)
def test_both_dialects_are_read_as_one_model(case: cases.Case) -> None:
    first, second = (parse_config(case.config_json(way), "case") for way in ("hub", "transformers"))
    assert first == second


def test_batches_have_rows_of_unequal_lengths_beyond_the_window() -> None:
    for rows in cases.make_batches(0, 256):
        assert all(any(row.loss_mask) and len(row.ids) == len(row.loss_mask) for row in rows)
    lengths = [[len(row.ids) for row in rows] for rows in cases.make_batches(0, 256)]
    assert any(len(set(pair)) > 1 for pair in lengths) and max(map(max, lengths)) > cases.WINDOW
