"""Gemma 1 to 3's chat form, from ids: `<bos>`, and `<start_of_turn>ROLE\\nTEXT<end_of_turn>\\n` a turn."""

from __future__ import annotations

from collections.abc import Sequence

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.messages import Message, RenderedChat, fold_system, order_error
from gemma_mlx.text.tokenizer import Tokenizer


def has_gemma_form(tokenizer: Tokenizer) -> bool:
    """Whether the vocabulary has Gemma's turn markers."""
    return None not in map(tokenizer.control_id, ("<start_of_turn>", "<end_of_turn>"))


def render_gemma(
    tokenizer: Tokenizer, messages: Sequence[Message], *, add_generation_prompt: bool
) -> RenderedChat:
    """The chat in Gemma's form, with the ids that transformers gives with Gemma's published templates.

    Texts are stripped, as there (`| trim`). An assistant's text is encoded apart from the line with its role,
    as it is when the model answers, so that training and generation see the same ids.

    Raises:
        TokenizerError: user and assistant do not alternate, or the vocabulary lacks the turn markers.
    """
    start, end = tokenizer.control_id("<start_of_turn>"), tokenizer.control_id("<end_of_turn>")
    if start is None or end is None:
        raise TokenizerError(
            "no-chat-template",
            "This model has no chat template, and its vocabulary lacks Gemma's turn markers.",
            where=", ".join(map(str, tokenizer.files)),
            fix="Use it with plain text, or put the model's chat_template.jinja into its folder.",
        )
    prefix, turns = fold_system(messages)
    rendered = RenderedChat()
    if tokenizer.bos_id is not None:
        rendered.add([tokenizer.bos_id])
    line_end = tokenizer.encode("\n")
    model_line = [start, *tokenizer.encode("model\n")]
    for index, message in enumerate(turns):
        if message.role != ("user", "assistant")[index % 2]:
            raise order_error(
                "User and assistant do not alternate, starting with the user.",
                index + 1 + len(messages) - len(turns),
            )
        rendered.start_turn()
        if message.role == "assistant":
            rendered.add(model_line)
            rendered.add([*tokenizer.encode(message.content.strip()), end], loss=True)
        else:
            text = (prefix if index == 0 else "") + message.content.strip()
            rendered.add([start, *tokenizer.encode(f"user\n{text}"), end])
        rendered.add(line_end)
    if add_generation_prompt:
        if turns[-1].role == "assistant":
            raise order_error(
                "The last message is the assistant's: there is nothing to answer.", len(messages)
            )
        rendered.start_turn()
        rendered.add(model_line)
    return rendered
