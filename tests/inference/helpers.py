"""A tiny random model with a tokenizer of bytes, as the inference tests need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import mlx.core as mx

from gemma_mlx.models.config import ModelConfig, parse_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.text.tokenizer import Tokenizer
from tests.tiny import tiny_config, tiny_weights

FIRST_BYTE = 256


class ByteBackend:
    """A vocabulary of 512: from 256 bytes, from 128 words that encoding never gives, the rest control."""

    size = 512
    control: ClassVar[dict[str, int]] = {
        **{f"<unused{index}>": index for index in range(3, 128)},
        "<pad>": 0, "<eos>": 1, "<bos>": 2, "<start_of_turn>": 106, "<end_of_turn>": 107,
    }  # fmt: skip
    unknown_id = None
    pad_id, eos_id, bos_id = 0, 1, 2
    strips_first_space = False

    def encode(self, text: str) -> list[int]:
        return [FIRST_BYTE + byte for byte in text.encode()]

    def piece_id(self, spelling: str) -> int | None:
        return self.control.get(spelling)

    def piece_bytes(self, index: int) -> bytes:
        if index >= FIRST_BYTE:
            return bytes([index - FIRST_BYTE])
        return f"w{index},".encode() if index >= 128 else b""


def byte_tokenizer() -> Tokenizer:
    """A tokenizer of bytes. Ids from 512 on have no piece."""
    return Tokenizer(ByteBackend())


@dataclass
class TinyLoaded:
    """What load_model gives, without files."""

    model: Decoder
    config: ModelConfig
    tokenizer: Any = field(default_factory=byte_tokenizer)
    folder: Path = Path("tiny")
    adapter: Path | None = None
    fingerprint: str = ""


def tiny_decoder(generation: str = "gemma2", seed: int = 0, **changes: Any) -> Decoder:
    raw = tiny_config(generation, **changes)
    decoder = Decoder(parse_config(raw, "tiny"))
    decoder.load_weights([(name, mx.array(value)) for name, value in tiny_weights(raw, seed).items()])
    return decoder


def tiny_loaded(generation: str = "gemma2", seed: int = 0, **changes: Any) -> Any:
    decoder = tiny_decoder(generation, seed, **changes)
    return TinyLoaded(decoder, decoder.config)


def small_loaded(generation: str = "gemma2", **changes: Any) -> Any:
    """Two layers, where they differ one sliding and one full; untied, so that it does not repeat itself."""
    pattern = {"sliding_window_pattern": 2} if generation == "gemma3_text" else {}
    return tiny_loaded(generation, num_hidden_layers=2, tie_word_embeddings=False, **pattern, **changes)


def talkative(generation: str = "gemma2") -> Any:
    """A small model that says only whole characters, none of them blank, and never ends by itself."""
    loaded = small_loaded(generation)
    head = loaded.model.head
    ids = mx.arange(loaded.config.vocab_size)
    silent = (ids < 128) | (ids >= FIRST_BYTE + 127) | ((ids >= FIRST_BYTE) & (ids <= FIRST_BYTE + 32))
    loaded.model.head = lambda hidden: mx.where(silent, -9.0, head(hidden))
    return loaded


def some_ids(length: int, seed: int = 0) -> list[int]:
    """BOS and random tokens."""
    key = mx.random.key(seed)
    return [2, *mx.random.randint(128, 512, (length - 1,), key=key).tolist()]
