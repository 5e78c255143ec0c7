"""tokenizer.model through sentencepiece, with the markers taken out of the reach of text.

Gemma's file declares `<start_of_turn>` and the like as user-defined symbols, which sentencepiece matches in
any text. Before the file is handed over, those pieces become control pieces: they keep their ids, and their
spelling in a text is encoded from ordinary pieces, exactly as sentencepiece treats a typed `<bos>`.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.markers import TURN_MARKERS, is_control

SPACE = "▁"
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4


class SentencePieceBackend:
    """A SentencePiece vocabulary. `control` maps the spelling of each control token to its id."""

    def __init__(self, data: bytes, where: str, declared: Collection[str] = ()) -> None:
        """
        Args:
            data: the bytes of a tokenizer.model.
            where: the file's name in errors.
            declared: pieces that are control tokens because the folder says so, whatever the file says.

        Raises:
            TokenizerError: the bytes are no SentencePiece model, or a damaged one.
        """
        try:
            blocked = _block_markers(data, {name.encode() for name in (*TURN_MARKERS, *declared)})
            self._processor = SentencePieceProcessor(model_proto=blocked)
            self.size = int(self._processor.get_piece_size())
            if not self.size:
                raise ValueError("it has no pieces")
            self._processor.encode(
                "a"
            )  # a damaged vocabulary shows here rather than in the user's first chat
            ids = list(range(self.size))
            pieces = self._processor.id_to_piece(ids)
            controls = [
                index
                for index in ids
                if self._processor.is_control(index) or self._processor.is_unknown(index)
            ]
        except (
            RuntimeError,
            ValueError,
            IndexError,
            OverflowError,
            struct.error,
            UnicodeDecodeError,
        ) as problem:
            raise TokenizerError(
                "unreadable-tokenizer",
                f"{Path(where).name} is no SentencePiece model, or it is damaged: {_first_line(problem)}",
                where=where,
                fix="Download this file again.",
            ) from None
        self.unknown_id: int | None = self._processor.unk_id() if self._processor.unk_id() >= 0 else None
        self.control = {pieces[index]: index for index in controls}
        self._pieces = pieces
        self.bos_id = _or_none(self._processor.bos_id())
        self.eos_id = _or_none(self._processor.eos_id())
        self.pad_id = _or_none(self._processor.pad_id())
        # With a dummy prefix every text starts with an invisible space, which decoding takes away again.
        self.strips_first_space = self._processor.encode("a", out_type=str)[0].startswith(SPACE)

    def encode(self, text: str) -> list[int]:
        """Text without lone surrogates to ids; never a control id."""
        ids: list[int] = self._processor.encode(text)
        return ids

    def piece_id(self, spelling: str) -> int | None:
        index = int(self._processor.piece_to_id(spelling))
        return index if 0 <= index < self.size and self._pieces[index] == spelling else None

    def piece_bytes(self, index: int) -> bytes:
        """The bytes that an ordinary id stands for."""
        if self._processor.is_byte(index):
            return bytes([int(self._pieces[index][3:5], 16)])
        return self._pieces[index].replace(SPACE, " ").encode()


def _or_none(index: int) -> int | None:
    return index if index >= 0 else None


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:200]


def _block_markers(data: bytes, names: Collection[bytes]) -> bytes:
    """The model file with the type of its markers and of `names` changed to control; all else is untouched.

    Only the outline of the protocol buffer is read: field 1 of the model is a piece, whose field 1 is the
    spelling and field 3 the type (sentencepiece_model.proto).

    Raises:
        ValueError, IndexError: the bytes are no protocol buffer.
    """
    parts: list[bytes] = []
    copied = 0
    for tag, start, end in _fields(data, 0, len(data)):
        if tag != 0x0A:
            continue
        record = data[start:end]
        # The cheap test first: of 256,000 pieces some 250 are user-defined.
        if b"\x18\x04" not in record and record[2 : 2 + record[1]] not in names:
            continue
        spelling, kind = "", _NORMAL
        kept = b""
        for inner, inner_start, inner_end in _fields(record, 0, len(record)):
            if inner == 0x18:
                kind = record[inner_start]
                continue
            if inner == 0x0A:
                spelling = record[inner_start:inner_end].decode()
            kept += _field(inner, record[inner_start:inner_end])
        marker = kind == _USER_DEFINED and is_control(spelling, declared=False)
        if marker or (kind in (_NORMAL, _USER_DEFINED) and spelling.encode() in names):
            replaced = kept + bytes([0x18, _CONTROL])
            header = start - len(_varint(end - start))
            parts += [data[copied:header], _varint(len(replaced)), replaced]
            copied = end
    return b"".join([*parts, data[copied:]])


def _fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Each field of a protocol buffer message: its tag, and where its payload starts and ends."""
    position = start
    while position < end:
        tag, position = _read_varint(data, position)
        wire = tag & 7
        if wire == 0:
            _, after = _read_varint(data, position)
        elif wire == 1:
            after = position + 8
        elif wire == 2:
            length, position = _read_varint(data, position)
            after = position + length
        elif wire == 5:
            after = position + 4
        else:
            raise ValueError("it is not in SentencePiece's format")
        if after > end:
            raise ValueError("it ends too early")
        yield tag, position, after
        position = after


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = data[position]
    position += 1
    if value < 0x80:
        return value, position
    value &= 0x7F
    for shift in range(7, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("it is not in SentencePiece's format")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(tag: int, payload: bytes) -> bytes:
    return _varint(tag) + (_varint(len(payload)) if tag & 7 == 2 else b"") + payload
