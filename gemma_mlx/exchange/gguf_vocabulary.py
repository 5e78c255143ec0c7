"""A model folder's vocabulary as llama.cpp's SentencePiece form: pieces, scores and kinds by id."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemma_mlx.errors import TokenizerError
from gemma_mlx.library.store import read_regular
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.text.tokenizer import Tokenizer, load_tokenizer

# The numbers are those of sentencepiece_model.proto and of GGUF.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
_BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")
_SPACE = "▁"

GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{% set role = 'model' %}{% else %}{% set role = 'user' %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
"""Gemma's own form, for folders that bring no template but have the markers."""


@dataclass(frozen=True)
class Vocabulary:
    """`tokens`, `scores` and `kinds` by id, as many as the model has rows."""

    tokens: list[str]
    scores: list[float]
    kinds: list[int]
    tokenizer: Tokenizer
    unknown_id: int | None

    @property
    def chat_template(self) -> str | None:
        own = self.tokenizer.chat_template
        has_turns = self.tokenizer.control_id("<end_of_turn>") is not None
        return own or (GEMMA_TEMPLATE if has_turns else None)

    def write(self, writer: Any) -> None:
        """The tokenizer's fields of a GGUF file."""
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(self.tokens)
        writer.add_token_scores(self.scores)
        writer.add_token_types(self.kinds)
        turn_end = self.tokenizer.control_id("<end_of_turn>")
        for add, index in (
            (writer.add_bos_token_id, self.tokenizer.bos_id),
            (writer.add_eos_token_id, self.tokenizer.eos_id),
            (writer.add_pad_token_id, self.tokenizer.pad_id),
            (writer.add_unk_token_id, self.unknown_id),
            (writer.add_eot_token_id, turn_end),
        ):
            if index is not None:
                add(index)
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(False)
        writer.add_add_space_prefix(False)
        if self.chat_template is not None:
            writer.add_chat_template(self.chat_template)


def read_vocabulary(folder: Path, config: ModelConfig) -> Vocabulary:
    """The vocabulary of a model folder, from tokenizer.model or else from tokenizer.json.

    Raises:
        TokenizerError: there is none, it cannot be read, or it is not in SentencePiece's form.
    """
    tokenizer = load_tokenizer(folder, config)
    pieces = dict(_pieces(folder))
    for name, index in tokenizer.control_tokens.items():
        kind = UNKNOWN if pieces.get(index, ("", 0.0, NORMAL))[2] == UNKNOWN else CONTROL
        pieces[index] = (name, 0.0, kind)
    tokens, scores, kinds = [], [], []
    for index in range(config.vocab_size):
        # Rows without a piece: published models round the vocabulary up.
        text, score, kind = pieces.get(index, (f"[PAD{index}]", -1e9, UNUSED))
        tokens.append(text.replace(_SPACE, " ") if kind == USER_DEFINED else text)
        scores.append(score)
        kinds.append(kind)
    return Vocabulary(tokens, scores, kinds, tokenizer, kinds.index(UNKNOWN) if UNKNOWN in kinds else None)


def _pieces(folder: Path) -> Iterator[tuple[int, tuple[str, float, int]]]:
    """(id, (spelling, score, kind)) of every piece."""
    binary, text = folder / "tokenizer.model", folder / "tokenizer.json"
    try:
        if binary.exists():
            yield from enumerate(sentencepiece_pieces(read_regular(binary)))
        else:
            yield from _json_pieces(json.loads(read_regular(text)))
    except (OSError, ValueError, struct.error, IndexError, KeyError, TypeError, AttributeError) as problem:
        raise TokenizerError(
            "unreadable-tokenizer", f"The vocabulary cannot be read: {problem}", where=str(folder),
            fix="Download the tokenizer's files again.",
        ) from None  # fmt: skip


def sentencepiece_pieces(data: bytes) -> Iterator[tuple[str, float, int]]:
    """The pieces of a tokenizer.model in the order of their ids (ModelProto, field 1)."""
    for number, value in _fields(data):
        if number != 1 or not isinstance(value, bytes):
            continue
        text, score, kind = "", 0.0, NORMAL
        for inner, content in _fields(value):
            if inner == 1 and isinstance(content, bytes):
                text = content.decode("utf-8")
            elif inner == 2 and isinstance(content, bytes):
                score = struct.unpack("<f", content)[0]
            elif inner == 3 and isinstance(content, int):
                kind = content
        yield text, score, kind


def _json_pieces(whole: dict[str, Any]) -> Iterator[tuple[int, tuple[str, float, int]]]:
    """A tokenizer.json of Gemma was made from a tokenizer.model, whose better pieces have lower ids."""
    model = whole["model"]
    if model["type"] != "BPE" or not model.get("byte_fallback"):
        raise ValueError("tokenizer.json is not in SentencePiece's form")
    unknown = model.get("unk_token")
    for text, index in model["vocab"].items():
        kind = BYTE if _BYTE_PIECE.fullmatch(text) else UNKNOWN if text == unknown else NORMAL
        yield index, (text, -float(index) if kind == NORMAL else 0.0, kind)
    for token in whole.get("added_tokens") or []:
        if token["content"] != unknown:
            yield token["id"], (token["content"], 0.0, CONTROL if token.get("special") else USER_DEFINED)


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a protobuf message: their number, and their bytes or whole number."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            number, place = _varint(data, place)
            yield key >> 3, number
            continue
        if wire == 2:
            length, place = _varint(data, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("no protobuf message")
        if place + length > len(data):
            raise ValueError("cut short")
        yield key >> 3, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("no protobuf message")
