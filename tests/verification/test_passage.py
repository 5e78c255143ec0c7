"""The built-in text: enough of it for a window, lines that a reader can read."""

from __future__ import annotations

from gemma_mlx.verification.passage import PASSAGE


def test_it_holds_words_numbers_code_and_other_letters() -> None:
    assert len(PASSAGE.split()) > 250
    assert "def warn(" in PASSAGE and "1,200" in PASSAGE and "schön" in PASSAGE
    assert max(map(len, PASSAGE.splitlines())) <= 110
