"""Streaming: whole characters only, and the parts joined equal the whole."""

from __future__ import annotations

import random

from gemma_mlx.text.stream import TokenStream
from gemma_mlx.text.tokenizer import Tokenizer
from tests.text.strings import strings


def test_a_character_of_several_tokens_comes_when_it_is_whole(tiny: Tokenizer) -> None:
    ids = tiny.encode("a🫠b")
    stream = tiny.stream()
    parts = [stream.push(index) for index in ids]
    assert parts == ["a", "", "", "", "🫠", "b"]
    assert stream.finish() == ""


def test_a_broken_character_is_replaced_not_lost(tiny: Tokenizer) -> None:
    stream = tiny.stream()
    parts = [stream.push(index) for index in [*tiny.encode("🫠")[:2], *tiny.encode("b🫠")[:-1]]]
    assert parts == ["", "", "\ufffdb", "", "", ""]
    assert stream.finish() == "\ufffd"
    assert stream.finish() == "", "what was left is given once"


def test_the_parts_equal_the_whole_for_any_ids(tiny: Tokenizer, tiny_json: Tokenizer) -> None:
    generator = random.Random(1)
    for text in strings(300, seed=9):
        ids = tiny.encode(text)
        if generator.random() < 0.5:  # nonsense as a model in training writes it
            ids = [generator.randrange(-1, tiny.vocab_size + 3) for _ in ids]
        for tokenizer in (tiny, tiny_json):
            stream = tokenizer.stream()
            joined = "".join([*(stream.push(index) for index in ids), stream.finish()])
            assert joined == tokenizer.decode(ids) == tiny.decode(ids)


def test_pushed_text_is_encodable(tiny: Tokenizer) -> None:
    stream = tiny.stream()
    for index in range(tiny.vocab_size):
        stream.push(index).encode()  # raises on half a character


def test_only_the_tokenizers_own_first_space_goes() -> None:
    pieces = [b" a", b" b", b"  c"]
    stream = TokenStream(lambda index: pieces[index], strips_first_space=True)
    assert [stream.push(index) for index in (0, 1, 2)] == ["a", " b", "  c"]
    stream = TokenStream(lambda index: pieces[index], strips_first_space=False)
    assert stream.push(0) == " a"
