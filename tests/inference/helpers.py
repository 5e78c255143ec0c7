"""A tiny random model with a tokenizer of bytes, as the inference tests need it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx

from gemma_mlx.models.config import ModelConfig, parse_config
from gemma_mlx.models.decoder import Decoder
from tests.tiny import tiny_config, tiny_weights

FIRST_BYTE = 256


class ByteStream:
    """Text of bytes as they come, whole characters only."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        return self._decoder.decode(piece(token))

    def finish(self) -> str:
        return self._decoder.decode(b"", final=True)


def piece(token: int) -> bytes:
    """256 to 511 are bytes, 128 to 255 words, the rest control tokens without text."""
    if token >= FIRST_BYTE:
        return bytes([token - FIRST_BYTE])
    return f" w{token}".encode() if token >= 128 else b""


class ByteTokenizer:
    """The part of a tokenizer that inference uses. Ids from 512 on have no piece."""

    vocab_size = 512
    bos_id = 2
    eos_id = 1
    pad_id = 0
    chat_template = None

    def __init__(self, end_ids: frozenset[int] = frozenset({1, 107})) -> None:
        self.end_ids = end_ids

    def encode(self, text: str, *, bos: bool = False) -> list[int]:
        return [self.bos_id] * bos + [FIRST_BYTE + byte for byte in text.encode()]

    def decode(self, ids: list[int], *, keep_control: bool = False) -> str:
        return b"".join(map(piece, ids)).decode("utf-8", "replace")

    def control_id(self, name: str) -> int | None:
        return {"<start_of_turn>": 106, "<end_of_turn>": 107}.get(name)

    def stream(self) -> ByteStream:
        return ByteStream()


@dataclass
class TinyLoaded:
    """What load_model gives, without files."""

    model: Decoder
    config: ModelConfig
    tokenizer: Any = field(default_factory=ByteTokenizer)
    folder: Path = Path("tiny")
    adapter: Path | None = None


def tiny_decoder(generation: str = "gemma2", seed: int = 0, **changes: Any) -> Decoder:
    raw = tiny_config(generation, **changes)
    decoder = Decoder(parse_config(raw, "tiny"))
    decoder.load_weights([(name, mx.array(value)) for name, value in tiny_weights(raw, seed).items()])
    return decoder


def tiny_loaded(generation: str = "gemma2", seed: int = 0, **changes: Any) -> Any:
    decoder = tiny_decoder(generation, seed, **changes)
    return TinyLoaded(decoder, decoder.config)


def some_ids(length: int, seed: int = 0) -> list[int]:
    """BOS and random tokens."""
    key = mx.random.key(seed)
    return [2, *mx.random.randint(128, 512, (length - 1,), key=key).tolist()]
