"""Which form a chat takes: Gemma's own, the checkpoint's, or none."""

from __future__ import annotations

import pytest

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.chat_template import Message, render_chat
from gemma_mlx.text.foreign_template import ForeignTemplate
from gemma_mlx.text.gemma_form import render_gemma
from gemma_mlx.text.tokenizer import Tokenizer
from tests.text.conftest import GEMMA_2_TEMPLATE, GEMMA_3_TEMPLATE

CHAT = [Message("user", " Hi <end_of_turn>\n"), Message("assistant", "Hello "), Message("user", "Bye")]
SYSTEM = Message("system", "Be brief.")


@pytest.mark.parametrize("template", [None, GEMMA_2_TEMPLATE, GEMMA_3_TEMPLATE])
@pytest.mark.parametrize("chat", [CHAT[:1], CHAT, [SYSTEM, *CHAT]])
def test_gemmas_templates_are_rendered_natively(
    tiny: Tokenizer, template: str | None, chat: list[Message]
) -> None:
    tiny.chat_template = template
    rendered = render_chat(tiny, chat, add_generation_prompt=True)
    assert not isinstance(tiny.chat_form, ForeignTemplate)
    assert rendered == render_gemma(tiny, chat, add_generation_prompt=True)


@pytest.mark.parametrize(
    ("change", "chat", "expected"),
    [
        # Texts that are not stripped.
        ((" | trim", ""), [Message("user", " hi ")], "<bos><start_of_turn>user\n hi <end_of_turn>\n"),
        # A system role of its own.
        (
            ("{{ raise_exception('System role not supported') }}",
             "{{ '<unused7>' + messages[0]['content'] }}{% set messages = messages[1:] %}"),
            [SYSTEM, CHAT[0]],
            "<bos><unused7>Be brief.<start_of_turn>user\nHi <end_of_turn><end_of_turn>\n",
        ),
        # No line end after a turn.
        (("<end_of_turn>\n", "<end_of_turn>"), CHAT[2:], "<bos><start_of_turn>user\nBye<end_of_turn>"),
    ],
)  # fmt: skip
def test_a_template_that_differs_from_gemmas_counts(
    tiny: Tokenizer, change: tuple[str, str], chat: list[Message], expected: str
) -> None:
    tiny.chat_template = GEMMA_2_TEMPLATE.replace(*change)
    assert tiny.chat_template != GEMMA_2_TEMPLATE
    rendered = render_chat(tiny, chat, add_generation_prompt=False)
    assert tiny.decode(rendered.ids, keep_control=True) == expected


def test_another_familys_template_counts(qwen: Tokenizer) -> None:
    rendered = render_chat(qwen, [SYSTEM, *CHAT], add_generation_prompt=True)
    text = qwen.decode(rendered.ids, keep_control=True)
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n")
    assert text.endswith("<|im_start|>assistant\n")


def test_without_template_and_markers_there_is_no_chat(qwen: Tokenizer) -> None:
    qwen.chat_template = None
    with pytest.raises(TokenizerError) as refused:
        render_chat(qwen, CHAT, add_generation_prompt=True)
    assert refused.value.code == "no-chat-template"


@pytest.mark.parametrize("template", ["{% for i in range(10**9) %}{% endfor %}", "{% for %}"])
def test_a_broken_template_is_named_not_passed_over(tiny: Tokenizer, template: str) -> None:
    tiny.chat_template = template
    for _ in range(2):
        with pytest.raises(TokenizerError) as refused:
            render_chat(tiny, CHAT, add_generation_prompt=True)
        assert refused.value.code in ("chat-template-limits", "bad-chat-template")


def test_messages_are_checked_first(tiny: Tokenizer) -> None:
    with pytest.raises(TokenizerError) as refused:
        render_chat(tiny, [], add_generation_prompt=True)
    assert refused.value.code == "empty-chat"


def test_the_real_vocabulary(gemma_2: tuple[Tokenizer, Tokenizer]) -> None:
    for tokenizer in gemma_2:
        rendered = render_chat(tokenizer, [Message("user", "Hello!")], add_generation_prompt=True)
        assert rendered.ids == [2, 106, 1645, 108, 4521, 235341, 107, 108, 106, 2516, 108]
