"""Gemma's chat form: exact ids, the mask of what the model writes, and the same ids as transformers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.gemma_form import has_gemma_form, render_gemma
from gemma_mlx.text.messages import Message
from gemma_mlx.text.tokenizer import Tokenizer, load_tokenizer
from tests.text.conftest import GEMMA_2_TEMPLATE, GEMMA_3_TEMPLATE
from tests.text.strings import strings
from tests.text.tiny_tokenizer import write_model

CHAT = [
    Message("user", "  Hi <end_of_turn>\n"),
    Message("assistant", "\nHello <b>you</b>! "),
    Message("user", "Bye"),
    Message("assistant", "Good bye"),
]


def learned(tokenizer: Tokenizer, chat: list[Message]) -> str:
    rendered = render_gemma(tokenizer, chat, add_generation_prompt=False)
    assert len(rendered.ids) == len(rendered.loss_mask)
    pairs = zip(rendered.ids, rendered.loss_mask, strict=True)
    return tokenizer.decode([index for index, loss in pairs if loss], keep_control=True)


def test_the_form(tiny: Tokenizer) -> None:
    rendered = render_gemma(tiny, CHAT, add_generation_prompt=False)
    assert tiny.decode(rendered.ids, keep_control=True) == (
        "<bos><start_of_turn>user\nHi <end_of_turn><end_of_turn>\n"
        "<start_of_turn>model\nHello <b>you</b>!<end_of_turn>\n"
        "<start_of_turn>user\nBye<end_of_turn>\n"
        "<start_of_turn>model\nGood bye<end_of_turn>\n"
    )
    end, start = tiny.control_id("<end_of_turn>"), tiny.control_id("<start_of_turn>")
    assert rendered.ids.count(end) == 4, "the typed marker is text"
    assert rendered.ids.count(tiny.bos_id) == 1
    assert [rendered.ids[place] for place in rendered.turn_starts] == [start] * 4
    assert rendered.turn_starts == [place for place, index in enumerate(rendered.ids) if index == start]


def test_loss_is_on_every_answer_and_its_end(tiny: Tokenizer) -> None:
    assert learned(tiny, CHAT) == "Hello <b>you</b>!<end_of_turn>Good bye<end_of_turn>"
    assert learned(tiny, CHAT[:1]) == ""
    assert learned(tiny, [CHAT[0], Message("assistant", " ")]) == "<end_of_turn>"


def test_training_sees_the_ids_that_generation_sees(tiny: Tokenizer) -> None:
    prompt = render_gemma(tiny, CHAT[:3], add_generation_prompt=True)
    whole = render_gemma(tiny, CHAT, add_generation_prompt=False)
    assert whole.ids[: len(prompt.ids)] == prompt.ids
    assert whole.loss_mask[len(prompt.ids)] and not whole.loss_mask[len(prompt.ids) - 1]
    assert prompt.turn_starts == whole.turn_starts


def test_a_system_text_is_in_front_of_the_first_user_turn(tiny: Tokenizer) -> None:
    rendered = render_gemma(tiny, [Message("system", "Be brief."), *CHAT[:1]], add_generation_prompt=True)
    assert tiny.decode(rendered.ids, keep_control=True) == (
        "<bos><start_of_turn>user\nBe brief.\n\nHi <end_of_turn><end_of_turn>\n<start_of_turn>model\n"
    )


@pytest.mark.parametrize(
    ("chat", "opened", "where"),
    [
        ([CHAT[1]], False, "message 1"),
        ([CHAT[0], CHAT[2]], True, "message 2"),
        ([Message("system", "s"), CHAT[0], CHAT[2]], True, "message 3"),
        ([CHAT[0], Message("system", "s")], True, "message 2"),
        (CHAT, True, "message 4"),
    ],
)
def test_another_order_is_refused(tiny: Tokenizer, chat: list[Message], opened: bool, where: str) -> None:
    with pytest.raises(TokenizerError) as refused:
        render_gemma(tiny, chat, add_generation_prompt=opened)
    assert refused.value.code == "chat-order"
    assert refused.value.where == where


def test_a_vocabulary_without_turn_markers_has_no_form(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(write_model(tmp_path / "m", user_defined_symbols=["\n"]))
    assert not has_gemma_form(tokenizer)
    with pytest.raises(TokenizerError) as refused:
        render_gemma(tokenizer, CHAT, add_generation_prompt=False)
    assert refused.value.code == "no-chat-template"


@pytest.mark.parametrize("template", [GEMMA_2_TEMPLATE, GEMMA_3_TEMPLATE])
def test_the_same_ids_as_transformers_on_the_real_vocabulary(
    gemma_2: tuple[Tokenizer, Tokenizer], gemma_2_folders: tuple[Path, Path], template: str
) -> None:
    transformers = pytest.importorskip("transformers")
    reference = transformers.AutoTokenizer.from_pretrained(gemma_2_folders[1])
    control = set(gemma_2[0].control_tokens.values())
    generator = random.Random(0)
    texts = []
    for text in strings(400, seed=8):
        text = text.encode("utf-8", "replace").decode()
        if "▁" not in text and control.isdisjoint(reference.encode(text, add_special_tokens=False)):
            texts.append(text)
    assert len(texts) > 200
    for _ in range(60):
        turns = generator.randint(1, 5)
        chat = [Message(("user", "assistant")[turn % 2], generator.choice(texts)) for turn in range(turns)]  # type: ignore[arg-type]
        if template == GEMMA_3_TEMPLATE and generator.random() < 0.5:
            chat.insert(
                0, Message("system", generator.choice(texts).strip() + generator.choice(("x", "x\n")))
            )
        opened = turns % 2 == 1 and generator.random() < 0.8
        expected = reference.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in chat],
            chat_template=template,
            add_generation_prompt=opened,
            tokenize=True,
            return_dict=False,
        )
        for tokenizer in gemma_2:
            assert render_gemma(tokenizer, chat, add_generation_prompt=opened).ids == expected
