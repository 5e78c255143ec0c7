"""A tokenizer whose every token is one byte, so that tests can count by hand; control tokens as Gemma's."""

from __future__ import annotations

from gemma_mlx.text.tokenizer import Tokenizer

PAD, EOS, BOS, UNKNOWN = 0, 1, 2, 3
FIRST_BYTE = 4
START_OF_TURN, END_OF_TURN = 260, 261


class ByteBackend:
    """Bytes as ids, behind the tokenizer's own interface."""

    size = 262
    control: dict[str, int] = {  # noqa: RUF012 - the tokenizer asks for an attribute
        "<pad>": PAD,
        "<eos>": EOS,
        "<bos>": BOS,
        "<unk>": UNKNOWN,
        "<start_of_turn>": START_OF_TURN,
        "<end_of_turn>": END_OF_TURN,
    }
    unknown_id: int | None = UNKNOWN
    bos_id: int | None = BOS
    eos_id: int | None = EOS
    pad_id: int | None = PAD
    strips_first_space = False

    def encode(self, text: str) -> list[int]:
        return [byte + FIRST_BYTE for byte in text.encode("utf-8")]

    def piece_id(self, spelling: str) -> int | None:
        return self.control.get(spelling)

    def piece_bytes(self, index: int) -> bytes:
        return bytes([index - FIRST_BYTE])


def fake_tokenizer() -> Tokenizer:
    """One byte a token; ids as `FIRST_BYTE` and its neighbours say."""
    return Tokenizer(ByteBackend())
