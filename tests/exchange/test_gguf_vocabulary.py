"""Pieces from both files of the tokenizer: the same ids and kinds, and damaged files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sentencepiece import SentencePieceProcessor

from gemma_mlx.errors import TokenizerError
from gemma_mlx.exchange.gguf_vocabulary import (
    BYTE,
    CONTROL,
    GEMMA_TEMPLATE,
    NORMAL,
    UNUSED,
    read_vocabulary,
    sentencepiece_pieces,
)
from gemma_mlx.models.config import read_config
from gemma_mlx.text.chat_template import Message, render_chat
from gemma_mlx.text.tokenizer import load_tokenizer
from tests.tiny import write_tiny_model


def test_pieces_are_those_that_sentencepiece_reads(tiny_model: Path) -> None:
    data = (tiny_model / "tokenizer.model").read_bytes()
    processor = SentencePieceProcessor(model_proto=data)
    pieces = list(sentencepiece_pieces(data))
    assert len(pieces) == processor.get_piece_size()
    for index, (text, score, kind) in enumerate(pieces):
        assert text == processor.id_to_piece(index)
        assert score == pytest.approx(processor.get_score(index))
        assert (kind == BYTE) == processor.is_byte(index)
        assert (kind == CONTROL) == processor.is_control(index)


def test_markers_are_control_tokens_and_rows_without_a_piece_are_unused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model", "gemma2", tokenizer=True, vocab_size=520)
    vocabulary = read_vocabulary(folder, read_config(folder))
    assert len(vocabulary.tokens) == len(vocabulary.scores) == len(vocabulary.kinds) == 520
    assert vocabulary.kinds[vocabulary.tokens.index("<start_of_turn>")] == CONTROL
    assert vocabulary.kinds[512:] == [UNUSED] * 8
    assert NORMAL in vocabulary.kinds
    assert vocabulary.chat_template and "<start_of_turn>" in vocabulary.chat_template


def test_the_template_says_what_a_chat_says_here(tiny_model: Path) -> None:
    turns = [("user", "What is it?"), ("assistant", "A ship."), ("user", "Whose?")]
    tokenizer = load_tokenizer(tiny_model)
    ids = render_chat(tokenizer, [Message(*turn) for turn in turns], add_generation_prompt=True).ids
    messages = [{"role": role, "content": content} for role, content in turns]
    template = ImmutableSandboxedEnvironment().from_string(GEMMA_TEMPLATE)
    text = template.render(messages=messages, bos_token="<bos>", add_generation_prompt=True)
    assert text == tokenizer.decode(ids, keep_control=True)


def test_a_damaged_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model", "gemma2", tokenizer=True)
    data = (folder / "tokenizer.model").read_bytes()
    (folder / "tokenizer.model").write_bytes(data[: len(data) // 2])
    with pytest.raises(TokenizerError):
        read_vocabulary(folder, read_config(folder))
    (folder / "tokenizer.model").unlink()
    with pytest.raises(TokenizerError):
        read_vocabulary(folder, read_config(folder))
