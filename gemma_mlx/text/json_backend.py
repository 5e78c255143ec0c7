"""tokenizer.json through the tokenizers package, with the markers taken out of the reach of text.

The package matches every added token in any text. Here only the harmless ones (runs of blanks, HTML tags)
stay added; a marker's spelling is then encoded from ordinary pieces, as sentencepiece does with a control
piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as JsonTokenizer

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.markers import TURN_MARKERS, is_control

SPACE = "▁"
_BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")


class JsonBackend:
    """A tokenizer.json. `control` maps the spelling of each control token to its id."""

    # This file names no beginning or end of text; tokenizer_config.json does.
    bos_id: int | None = None
    eos_id: int | None = None
    pad_id: int | None = None

    def __init__(self, text: str, where: str, declared: Collection[str] = ()) -> None:
        """
        Args:
            text: the content of a tokenizer.json.
            where: the file's name in errors.
            declared: tokens that are control tokens because the folder says so, whatever the file says.

        Raises:
            TokenizerError: the text is no tokenizer.json, a damaged one, or of a kind that is not known here.
        """
        whole = _parse(text, where)
        added = whole.get_added_tokens_decoder()
        self._whole = whole
        self.size = max([whole.get_vocab_size(with_added_tokens=True), *(index + 1 for index in added)])
        if not self.size:
            raise _unreadable(where, "it has no pieces")
        self.control = {
            token.content: index
            for index, token in added.items()
            if is_control(token.content, declared=token.special)
        }
        self.control |= {
            name: index
            for name in (*TURN_MARKERS, *declared)
            if (index := whole.token_to_id(name)) is not None
        }
        unknown = str(getattr(whole.model, "unk_token", None) or "")
        self.unknown_id: int | None = whole.token_to_id(unknown) if unknown else None
        if self.unknown_id is not None:
            self.control[unknown] = self.unknown_id

        harmless = {index: token for index, token in added.items() if token.content not in self.control}
        harmless = _without_typed_blanks(whole, harmless)
        plain = _without_control(whole, list(harmless.values()))
        reachable = {name for name, index in self.control.items() if index in _ids(plain, name)}
        if reachable - {unknown}:
            # Ordinary pieces can be merged into a marker: the merges that do so are left out.
            plain = _without_control(
                _parse(_drop_merges(text, reachable, where), where), list(harmless.values())
            )
        self._plain = plain
        # Added tokens that are not in the model's own vocabulary may get another id when added anew.
        self._true_ids = {
            now: index
            for index, token in harmless.items()
            if (now := plain.token_to_id(token.content)) is not None and now != index
        }
        self._added_text = {
            index: token.content
            for index, token in harmless.items()
            if whole.model.id_to_token(index) is None
        }
        self._read_decoder(where)

    def encode(self, text: str) -> list[int]:
        """Text without lone surrogates to ids; never a control id, but for the unknown id."""
        ids: list[int] = _ids(self._plain, text)
        return [self._true_ids.get(index, index) for index in ids] if self._true_ids else ids

    def piece_id(self, spelling: str) -> int | None:
        index: int | None = self._whole.token_to_id(spelling)
        return index

    def piece_bytes(self, index: int) -> bytes:
        """The bytes that an ordinary id stands for."""
        if index in self._added_text:
            return self._added_text[index].encode()
        piece = self._whole.id_to_token(index)
        if piece is None:
            return b""
        if self._byte_level:
            return bytes(byte for letter in piece for byte in _BYTE_OF_LETTER.get(letter, letter.encode()))
        if self._byte_pieces and _BYTE_PIECE.fullmatch(piece):
            return bytes([int(piece[3:5], 16)])
        return str(piece).replace(SPACE, " ").encode()

    def _read_decoder(self, where: str) -> None:
        """How pieces become text: SentencePiece's way or GPT-2's byte alphabet; others are refused."""
        state = {} if self._whole.decoder is None else json.loads(self._whole.decoder.__getstate__())
        steps = state.get("decoders", [state] if state else [])
        kinds = [step.get("type") for step in steps]
        if not set(kinds) <= {"ByteLevel", "ByteFallback", "Replace", "Fuse", "Strip", "Metaspace"}:
            raise TokenizerError(
                "unsupported-tokenizer",
                f"Tokenizers that are decoded by {', '.join(map(str, kinds))} are not known to this program.",
                where=f"{where}, field decoder",
                fix="Choose a model whose tokenizer is of SentencePiece's or of the byte-level kind.",
            )
        self._byte_level = "ByteLevel" in kinds
        self._byte_pieces = "ByteFallback" in kinds
        self.strips_first_space = any(
            (step["type"] == "Strip" and step.get("start", 0) > 0)
            or (step["type"] == "Metaspace" and step.get("prepend_scheme", "always") != "never")
            for step in steps
        )


def _ids(tokenizer: JsonTokenizer, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def _unreadable(where: str, why: str) -> TokenizerError:
    return TokenizerError(
        "unreadable-tokenizer",
        f"{Path(where).name} is no tokenizer, or it is damaged: {why}",
        where=where,
        fix="Download this file again.",
    )


def _parse(text: str, where: str) -> JsonTokenizer:
    try:
        return JsonTokenizer.from_str(text)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as problem:  # a panic of the Rust library is no Exception
        raise _unreadable(where, str(problem)[:200]) from None


def _without_control(whole: JsonTokenizer, harmless: list[Any]) -> JsonTokenizer:
    """The same model and steps, with the harmless added tokens alone and without truncation or template."""
    plain = JsonTokenizer(whole.model)
    if whole.normalizer is not None:
        plain.normalizer = whole.normalizer
    if whole.pre_tokenizer is not None:
        plain.pre_tokenizer = whole.pre_tokenizer
    plain.add_tokens(harmless)
    return plain


def _without_typed_blanks(whole: JsonTokenizer, harmless: dict[int, Any]) -> dict[int, Any]:
    """`harmless` without the runs of U+2581 that merges make anyway.

    The package would match them in a text that holds U+2581 itself, before spaces become U+2581.
    sentencepiece takes that letter for a space from the start, and so does this program.
    """
    bare = _without_control(whole, [])
    return {
        index: token
        for index, token in harmless.items()
        if set(token.content) != {SPACE} or _ids(bare, token.content) != [index]
    }


def _drop_merges(text: str, products: set[str], where: str) -> str:
    """tokenizer.json without the merges that make one of `products`."""
    try:
        raw = json.loads(text)
        merges = raw["model"]["merges"]
        raw["model"]["merges"] = [
            merge
            for merge in merges
            if (merge.replace(" ", "", 1) if isinstance(merge, str) else "".join(merge)) not in products
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise _unreadable(where, f"its markers are ordinary pieces ({problem})") from None
    return json.dumps(raw, ensure_ascii=False)


def _byte_alphabet() -> dict[str, bytes]:
    """GPT-2's letters for bytes: printable Latin-1 stands for itself, the others for U+0100 onwards."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): bytes([byte]) for byte in printable}
    return letters | {chr(0x100 + index): bytes([byte]) for index, byte in enumerate(others)}


_BYTE_OF_LETTER = _byte_alphabet()
