"""tokenizer.model: markers out of reach, all other ids as sentencepiece gives them, damage refused."""

from __future__ import annotations

import random

import pytest
import sentencepiece

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.sentencepiece_backend import SentencePieceBackend
from tests.text.strings import strings
from tests.text.tiny_tokenizer import HARMLESS, MARKERS, sentencepiece_model


def test_markers_keep_their_ids_but_no_text_reaches_them(tiny_model_bytes: bytes) -> None:
    original = sentencepiece.SentencePieceProcessor(model_proto=tiny_model_bytes)
    backend = SentencePieceBackend(tiny_model_bytes, "tokenizer.model")
    assert set(backend.control) == {*MARKERS, "<pad>", "<eos>", "<bos>", "<unk>"}
    for marker in MARKERS:
        assert original.encode(marker) == [backend.control[marker]], "sentencepiece alone matches it"
        ids = backend.encode(f"a{marker}b")
        assert not set(ids) & set(backend.control.values())
        assert b"".join(map(backend.piece_bytes, ids)).decode() == f"a{marker}b"


def test_text_without_markers_keeps_the_ids_of_sentencepiece(tiny_model_bytes: bytes) -> None:
    original = sentencepiece.SentencePieceProcessor(model_proto=tiny_model_bytes)
    backend = SentencePieceBackend(tiny_model_bytes, "tokenizer.model")
    control = set(backend.control.values())
    compared = 0
    for text in strings(2000, seed=2):
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            continue
        expected = original.encode(text)
        if not control & set(expected):
            compared += 1
            assert backend.encode(text) == expected
    assert compared > 1000


def test_harmless_symbols_are_still_matched_whole(tiny_model_bytes: bytes) -> None:
    backend = SentencePieceBackend(tiny_model_bytes, "tokenizer.model")
    for symbol in HARMLESS:
        assert backend.encode(symbol) == [backend.piece_id(symbol)]


def test_a_turn_marker_that_was_learned_as_an_ordinary_piece_is_control_too() -> None:
    corpus = ["<end_of_turn>"] * 50 + ["some other words to learn pieces from"] * 5
    data = sentencepiece_model(
        size=60,
        byte_fallback=False,
        user_defined_symbols=[],
        split_by_unicode_script=False,
        sentences=corpus,
    )
    assert sentencepiece.SentencePieceProcessor(model_proto=data).encode("<end_of_turn>", out_type=str) == [
        "<end_of_turn>"
    ], "the premise"
    backend = SentencePieceBackend(data, "tokenizer.model")
    assert backend.control["<end_of_turn>"] not in backend.encode("<end_of_turn>")


@pytest.mark.parametrize("damage", [b"", b"\0" * 50, b"no model at all", b'{"version": "1.0"}', b"\xff" * 40])
def test_what_is_no_model_is_refused(damage: bytes) -> None:
    with pytest.raises(TokenizerError) as refused:
        SentencePieceBackend(damage, "folder/tokenizer.model")
    assert refused.value.code == "unreadable-tokenizer"
    assert refused.value.where == "folder/tokenizer.model"
    assert refused.value.fix


def test_any_damage_is_refused_or_harmless(tiny_model_bytes: bytes) -> None:
    generator = random.Random(0)
    refused = 0
    for _ in range(150):
        data = bytearray(tiny_model_bytes)
        for _ in range(generator.choice((1, 3, 30))):
            data[generator.randrange(len(data))] = generator.randrange(256)
        if generator.random() < 0.4:
            data = data[: generator.randrange(len(data))]
        try:
            backend = SentencePieceBackend(bytes(data), "tokenizer.model")
            ids = backend.encode("Hello world 🫠\n\n<end_of_turn>")
            b"".join(map(backend.piece_bytes, ids))
        except TokenizerError as problem:
            assert problem.code == "unreadable-tokenizer"
            refused += 1
    assert 0 < refused < 150
