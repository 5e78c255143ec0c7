"""Markers are control tokens; blanks, HTML tags and words are text."""

from __future__ import annotations

import pytest

from gemma_mlx.text.markers import is_control


@pytest.mark.parametrize(
    "spelling",
    ["<start_of_turn>", "<end_of_turn>", "<mask>", "<2mass>", "[@BOS@]", "<unused7>", "[toxicity=0]",
     "[multimodal]", "<start_of_image>", "<image_soft_token>", "<|im_start|>", "<tool_call>",
     "<｜begin▁of▁sentence｜>"],
)  # fmt: skip
def test_a_marker_is_control_even_if_the_file_does_not_say_so(spelling: str) -> None:
    assert is_control(spelling, declared=False)


@pytest.mark.parametrize(
    "spelling",
    ["\n\n", "▁▁▁", "\t\t", "<table>", "</h6>", "<b>", "</blockquote>", "dog", "é", "<", ">", "a<b>c"],
)
def test_harmless_symbols_are_text(spelling: str) -> None:
    assert not is_control(spelling, declared=False)


def test_what_the_vocabulary_declares_is_control() -> None:
    assert is_control("dog", declared=True)
