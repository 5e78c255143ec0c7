"""Examples: what a row says, as token ids with a mark on each token that carries loss."""

from __future__ import annotations

from dataclasses import dataclass

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
from gemma_mlx.data.rows import Row
from gemma_mlx.errors import TokenizerError
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.chat_template import Message, render_chat
from gemma_mlx.text.tokenizer import Tokenizer

SHOWN_CHARACTERS = 200
"""How much of a row's text an example keeps, to name it by."""

_OF_THE_ROW = ("chat-order", "chat-refused", "chat-template-drops-text")
"""Errors of a chat template that are a matter of this chat's roles."""

_CHARACTERS_PER_TOKEN = 256
"""More than any token of Gemma stands for: text beyond max_length times this cannot be reached."""


@dataclass(frozen=True)
class Example:
    """One sequence to learn: `loss_mask[i]` says that `ids[i]` is to be predicted (never so for the first).

    `source` and `row` name the file and the line or row it is from, `text` is how its text begins.
    `cut` is how many tokens were cut off to keep to the longest row.
    """

    ids: list[int]
    loss_mask: list[bool]
    source: str
    row: int
    text: str
    cut: int = 0

    @property
    def targets(self) -> int:
        """How many tokens carry loss."""
        return sum(self.loss_mask)


@dataclass(frozen=True)
class PreferenceExample:
    """A pair of sequences with one prompt; only the answers carry loss. `chosen` is the preferred one."""

    chosen: Example
    rejected: Example

    @property
    def source(self) -> str:
        return self.chosen.source

    @property
    def row(self) -> int:
        return self.chosen.row

    @property
    def text(self) -> str:
        return self.chosen.text

    @property
    def targets(self) -> int:
        """How many tokens carry loss, in both answers."""
        return self.chosen.targets + self.rejected.targets

    @property
    def cut(self) -> int:
        return self.chosen.cut + self.rejected.cut


def row_examples(
    row: Row, mapping: Mapping, settings: DataSettings, tokenizer: Tokenizer
) -> tuple[list[Example | PreferenceExample], list[str]]:
    """The examples of one row, cut to `settings.max_length` tokens, and why others of it are left out.

    Raises:
        BadRow: the row cannot be used.
    """
    examples: list[Example | PreferenceExample] = []
    reasons: list[str] = []
    try:
        for content in row_contents(row, mapping, answers_needed=settings.loss_on == "completions"):
            try:
                examples.append(content_example(content, row, settings, tokenizer))
            except LeftOutRow as problem:
                reasons.append(str(problem))
    except LeftOutRow as problem:
        reasons.append(str(problem))
    return examples, reasons


def content_example(
    content: Content, row: Row, settings: DataSettings, tokenizer: Tokenizer
) -> Example | PreferenceExample:
    """One content as an example.

    Raises:
        BadRow: the model's chat template has no place for one of its roles.
        LeftOutRow: nothing to learn is left of it once it is cut.
    """
    if isinstance(content, Preference):
        # DPO and ORPO compare answers: the prompt never carries loss, whatever loss_on says.
        answers = settings.model_copy(update={"loss_on": "completions"})
        chosen = _kept(_conversation_example(content.chosen, row, answers, tokenizer), answers)
        return PreferenceExample(
            chosen, _kept(_conversation_example(content.rejected, row, answers, tokenizer), answers)
        )
    if isinstance(content, RawText):
        return _kept(_text_example(content, row, settings, tokenizer), settings)
    return _kept(_conversation_example(content, row, settings, tokenizer), settings)


def _text_example(content: RawText, row: Row, settings: DataSettings, tokenizer: Tokenizer) -> Example:
    """BOS, the text, EOS; every token but BOS carries loss."""
    text = content.text[: settings.max_length * _CHARACTERS_PER_TOKEN]
    ids = tokenizer.encode(text, bos=True)
    if tokenizer.eos_id is not None:
        ids = [*ids, tokenizer.eos_id]
    return _example(ids, [False] + [True] * (len(ids) - 1), row, content.text, settings)


def _conversation_example(
    content: Conversation, row: Row, settings: DataSettings, tokenizer: Tokenizer
) -> Example:
    """The chat as the model's template lays it out; answers behind the given messages carry loss, or all."""
    longest = settings.max_length * _CHARACTERS_PER_TOKEN
    messages = [
        message if len(message.content) <= longest else Message(message.role, message.content[:longest])
        for message in content.messages
    ]
    try:
        rendered = render_chat(tokenizer, messages, add_generation_prompt=False)
    except TokenizerError as problem:
        if problem.code in _OF_THE_ROW:
            raise BadRow(problem.what) from None
        raise
    ids, mask = list(rendered.ids), list(rendered.loss_mask)
    if settings.loss_on == "all":
        mask = [False] + [True] * (len(ids) - 1)
    elif content.given:
        # Counted from the end, because a system text is folded into the first turn.
        answers_from = rendered.turn_starts[-(len(messages) - content.given)]
        mask[:answers_from] = [False] * answers_from
    shown = content.messages[-1].content if content.given else content.messages[0].content
    if content.given and len(content.messages) > 1:
        shown = f"{content.messages[content.given - 1].content[: SHOWN_CHARACTERS // 2]} → {shown}"
    return _example(ids, mask, row, shown, settings)


def _example(ids: list[int], mask: list[bool], row: Row, text: str, settings: DataSettings) -> Example:
    kept = settings.max_length
    # The first token is never predicted, whatever a template marks.
    mask = [False, *mask[1:kept]]
    shown = text[:SHOWN_CHARACTERS]
    return Example(ids[:kept], mask, row.file, row.line, shown, cut=max(0, len(ids) - kept))


def _kept(example: Example, settings: DataSettings) -> Example:
    """The example, if something to learn is left of it.

    Raises:
        LeftOutRow: the prompt alone fills the longest row (or nothing carries loss).
    """
    if any(example.loss_mask):
        return example
    if example.cut:
        raise LeftOutRow(
            f"of its {len(example.ids) + example.cut} tokens the first {settings.max_length} carry no loss: "
            "the prompt alone fills the longest row"
        )
    raise LeftOutRow("none of its tokens carries loss")


def as_pair(example: Example | PreferenceExample) -> tuple[Example, ...]:
    """The sequences of an example: one, or chosen and rejected."""
    return (example.chosen, example.rejected) if isinstance(example, PreferenceExample) else (example,)
