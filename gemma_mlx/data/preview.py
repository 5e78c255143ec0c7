"""Rows as the model will see them: token by token, with the loss marked and what is cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gemma_mlx.data.columns import Mapping
from gemma_mlx.data.content import (
    BadRow,
    Content,
    Conversation,
    LeftOutRow,
    Preference,
    RawText,
    row_contents,
)
from gemma_mlx.data.formats import Example, as_pair, content_example
from gemma_mlx.data.rows import Row, printable
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer

SHOWN_TOKENS = 4096
"""Tokens of an example that a preview shows at the most: a book in one row must not fill the window."""

_SHOWN_CHARACTERS = 20_000


@dataclass(frozen=True)
class Piece:
    """A stretch of text: whether it carries loss, lies behind the cut, or is a control token."""

    text: str
    loss: bool = False
    cut: bool = False
    control: bool = False


@dataclass(frozen=True)
class RowPreview:
    """One example of a row, or what is wrong with the row.

    `index` counts the dataset's rows from 0. `part` tells a row's examples apart ("chosen", "answer 2").
    `tokens` counts the whole example, `kept` what is left after the cut, `loss_tokens` what of that carries
    loss; without a tokenizer they are estimates.
    """

    index: int
    source: str
    line: int
    split: str = ""
    part: str = ""
    pieces: tuple[Piece, ...] = ()
    tokens: int = 0
    kept: int = 0
    loss_tokens: int = 0
    problem: str = ""

    def runs(self) -> tuple[Piece, ...]:
        """The pieces with neighbours of one kind joined."""
        joined: list[Piece] = []
        for piece in self.pieces:
            if joined and replace(joined[-1], text="") == replace(piece, text=""):
                joined[-1] = replace(piece, text=joined[-1].text + piece.text)
            else:
                joined.append(piece)
        return tuple(joined)


def row_previews(
    row: Row,
    index: int,
    split: str,
    mapping: Mapping | None,
    settings: DataSettings,
    tokenizer: Tokenizer | None,
) -> Iterator[RowPreview]:
    """The examples of a row for people. Without a mapping its columns as they stand."""
    place = RowPreview(index, row.file, row.line, split)
    if mapping is None:
        text = json.dumps(row.values, ensure_ascii=False, default=str)
        yield replace(place, pieces=(Piece(printable(text[:_SHOWN_CHARACTERS])),))
        return
    try:
        contents = row_contents(row, mapping, answers_needed=settings.loss_on == "completions")
    except (BadRow, LeftOutRow) as problem:
        text = json.dumps(row.values, ensure_ascii=False, default=str)
        pieces = (Piece(printable(text[:_SHOWN_CHARACTERS])),)
        yield replace(place, pieces=pieces, problem=str(problem))
        return
    for number, content in enumerate(contents, 1):
        part = f"answer {number}" if len(contents) > 1 else ""
        if tokenizer is None:
            yield from _untokenized(content, replace(place, part=part), settings)
        else:
            yield from _tokenized(content, row, replace(place, part=part), settings, tokenizer)


def _tokenized(
    content: Content, row: Row, place: RowPreview, settings: DataSettings, tokenizer: Tokenizer
) -> Iterator[RowPreview]:
    shown = max(settings.max_length, SHOWN_TOKENS)
    problem = ""
    try:
        content_example(content, row, settings, tokenizer)
    except (BadRow, LeftOutRow) as found:
        problem = str(found)
    try:
        # Once more without the cut, to show what is cut off.
        whole = as_pair(
            content_example(content, row, settings.model_copy(update={"max_length": shown}), tokenizer)
        )
    except (BadRow, LeftOutRow):
        yield replace(place, problem=problem)
        return
    for example, side in zip(whole, ("chosen", "rejected"), strict=False):
        kept = min(len(example.ids), settings.max_length)
        yield replace(
            place,
            part=side if len(whole) == 2 else place.part,
            pieces=tuple(_pieces(example, settings.max_length, tokenizer)),
            tokens=len(example.ids) + example.cut,
            kept=kept,
            loss_tokens=sum(example.loss_mask[:kept]),
            problem=problem,
        )


def _pieces(example: Example, max_length: int, tokenizer: Tokenizer) -> Iterator[Piece]:
    """One piece a token; bytes of one character are shown with the token that completes it."""
    control = set(tokenizer.control_tokens.values())
    stream = tokenizer.stream(keep_control=True)
    for position, (token, loss) in enumerate(
        zip(example.ids[:SHOWN_TOKENS], example.loss_mask[:SHOWN_TOKENS], strict=True)
    ):
        cut = position >= max_length
        yield Piece(stream.push(token), loss and not cut, cut, token in control)
    if rest := stream.finish():
        yield Piece(rest)


def _untokenized(content: Content, place: RowPreview, settings: DataSettings) -> Iterator[RowPreview]:
    sides: Sequence[tuple[str, Content]]
    if isinstance(content, Preference):
        sides = (("chosen", content.chosen), ("rejected", content.rejected))
    else:
        sides = ((place.part, content),)
    for part, side in sides:
        pieces, tokens, loss_tokens = _estimated(side, settings)
        kept = min(tokens, settings.max_length)
        yield replace(
            place, part=part, pieces=pieces, tokens=tokens, kept=kept, loss_tokens=min(loss_tokens, kept)
        )


def _estimated(content: Content, settings: DataSettings) -> tuple[tuple[Piece, ...], int, int]:
    """Pieces, tokens and tokens with loss of a content, without a tokenizer."""
    if isinstance(content, RawText):
        count = estimated_tokens(content.text) + 2
        return (Piece(content.text[:_SHOWN_CHARACTERS], loss=True),), count, count - 1
    assert isinstance(content, Conversation)
    pieces: list[Piece] = []
    tokens, loss_tokens = 1, 0
    for index, message in enumerate(content.messages):
        loss = settings.loss_on == "all" or (message.role == "assistant" and index >= content.given)
        count = estimated_tokens(message.content) + 1
        pieces.append(Piece(f"{message.role}\n", loss=settings.loss_on == "all", control=True))
        pieces.append(Piece(message.content[:_SHOWN_CHARACTERS] + "\n", loss=loss))
        tokens += count + 4
        loss_tokens += count if loss else 0
    return tuple(pieces), tokens, loss_tokens


def estimated_content_tokens(content: Content, settings: DataSettings) -> tuple[int, int]:
    """Tokens and tokens with loss of a content as estimates; a pair counts twice its longer side."""
    if isinstance(content, Preference):
        sides = [_estimated(side, settings)[1:] for side in (content.chosen, content.rejected)]
        return 2 * max(side[0] for side in sides), sum(side[1] for side in sides)
    return _estimated(content, settings)[1:]


def estimated_tokens(text: str) -> int:
    """A rough count of tokens without a tokenizer: some 4 letters of ASCII, 2 of other scripts make one."""
    ascii_bytes = len(text.encode("ascii", errors="ignore"))
    return -(-ascii_bytes // 4) + -(-(len(text) - ascii_bytes) // 2)
