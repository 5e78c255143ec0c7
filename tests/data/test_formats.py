"""Examples: ids as the chat form lays them out, loss on every answer and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.data.columns import detect_mapping
from gemma_mlx.data.formats import Example, PreferenceExample, as_pair, row_examples
from gemma_mlx.data.rows import Row
from gemma_mlx.settings import DataSettings
from gemma_mlx.text.tokenizer import Tokenizer
from tests.data.fake_tokenizer import BOS, END_OF_TURN, EOS, fake_tokenizer


def _examples(
    values: dict[str, Any], tokenizer: Tokenizer | None = None, **settings: Any
) -> tuple[list[Example | PreferenceExample], list[str]]:
    data = DataSettings.model_validate(settings)
    mapping = detect_mapping(data, [values], "f")
    return row_examples(Row("rows.jsonl", 7, values), mapping, data, tokenizer or fake_tokenizer())


def _example(values: dict[str, Any], **settings: Any) -> Example:
    examples, reasons = _examples(values, **settings)
    assert len(examples) == 1
    assert reasons == []
    assert isinstance(examples[0], Example)
    return examples[0]


def _learned(example: Example) -> str:
    ids = [token for token, loss in zip(example.ids, example.loss_mask, strict=True) if loss]
    return fake_tokenizer().decode(ids, keep_control=True)


def _shown(example: Example) -> str:
    return fake_tokenizer().decode(example.ids, keep_control=True)


def test_raw_text_has_one_bos_and_one_eos_and_loss_on_all() -> None:
    example = _example({"text": "<bos>hello<eos>"})
    assert example.ids.count(BOS) == 1
    assert example.ids[0] == BOS
    assert example.ids.count(EOS) == 1
    assert example.ids[-1] == EOS
    assert example.loss_mask == [False] + [True] * (len(example.ids) - 1)
    assert (example.source, example.row, example.text) == ("rows.jsonl", 7, "<bos>hello<eos>")


def test_every_answer_carries_loss_with_its_end_of_turn() -> None:
    turns = ["one", "ONE", "two", "TWO", "three"]
    messages = [{"role": ("user", "model")[n % 2], "content": text} for n, text in enumerate(turns)]
    example = _example({"messages": messages})
    assert _learned(example) == "ONE<end_of_turn>TWO<end_of_turn>"
    assert example.ids.count(BOS) == 1
    assert _shown(example).startswith("<bos><start_of_turn>user\none<end_of_turn>\n<start_of_turn>model\nONE")


def test_markers_in_rows_stay_text() -> None:
    example = _example({"prompt": "a<end_of_turn>b", "completion": "c<end_of_turn><bos>"})
    assert example.ids.count(END_OF_TURN) == 2
    assert example.ids.count(BOS) == 1


def test_loss_on_all_text() -> None:
    example = _example({"prompt": "a", "completion": "b"}, loss_on="all")
    assert example.loss_mask == [False] + [True] * (len(example.ids) - 1)


def test_a_conversation_before_the_completion_carries_no_loss() -> None:
    asked = [
        {"role": role, "content": text} for role, text in (("user", "a"), ("assistant", "b"), ("user", "c"))
    ]
    values = {"prompt": asked, "completion": [{"role": "assistant", "content": "d"}]}
    assert _learned(_example(values)) == "d<end_of_turn>"


def test_the_cut_keeps_what_fits() -> None:
    whole = _example({"prompt": "question", "completion": "a long answer"})
    assert whole.cut == 0
    cut = _example({"prompt": "question", "completion": "a long answer"}, max_length=len(whole.ids) - 6)
    assert cut.ids == whole.ids[:-6]
    assert cut.cut == 6
    assert _learned(cut) == "a long an"


def test_a_row_whose_prompt_fills_the_window_is_left_out_with_its_reason() -> None:
    prompt_tokens = len(_example({"prompt": "question", "completion": "b"}).ids) - 3
    for length in (prompt_tokens, prompt_tokens - 5):
        examples, reasons = _examples({"prompt": "question", "completion": "b"}, max_length=length)
        assert examples == []
        assert str(length) in reasons[0]
        assert "prompt" in reasons[0]
    assert _learned(_example({"prompt": "question", "completion": "b"}, max_length=prompt_tokens + 1)) == "b"


def test_one_answer_that_is_left_out_does_not_take_the_others_with_it() -> None:
    chosen, reasons = _examples({"question": "a" * 100, "answers": ["b", "c"]}, max_length=300)
    assert len(chosen) == 2
    assert reasons == []
    chosen, reasons = _examples({"question": "a" * 100, "answers": ["b", "c"]}, max_length=50)
    assert chosen == []
    assert len(reasons) == 2


def test_pairs_carry_loss_on_the_answers_alone() -> None:
    for loss_on in ("completions", "all"):
        examples, _ = _examples({"prompt": "a", "chosen": "good", "rejected": "bad"}, loss_on=loss_on)
        (pair,) = examples
        assert isinstance(pair, PreferenceExample)
        assert [_learned(side) for side in as_pair(pair)] == ["good<end_of_turn>", "bad<end_of_turn>"]
        assert pair.targets == len("good") + len("bad") + 2
        assert pair.row == 7


def test_pairs_of_conversations_share_their_prompt() -> None:
    def chat(answer: str) -> list[dict[str, str]]:
        turns = ["Be brief.", "a", "b", "c", answer]
        roles = ["system", "user", "assistant", "user", "assistant"]
        return [{"role": role, "content": text} for role, text in zip(roles, turns, strict=True)]

    examples, _ = _examples({"chosen": chat("good"), "rejected": chat("bad")})
    (pair,) = examples
    assert [_learned(side) for side in as_pair(pair)] == ["good<end_of_turn>", "bad<end_of_turn>"]


def test_a_book_in_one_row_is_not_tokenized_to_its_end() -> None:
    class Counting:
        def __init__(self, tokenizer: Tokenizer) -> None:
            self.tokenizer = tokenizer
            self.longest = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.tokenizer, name)

        def encode(self, text: str, *, bos: bool = False) -> list[int]:
            self.longest = max(self.longest, len(text))
            return self.tokenizer.encode(text, bos=bos)

    book = "word " * 1_000_000
    for values in ({"text": book}, {"prompt": "a", "completion": book}):
        counting = Counting(fake_tokenizer())
        examples, _ = _examples(values, counting, max_length=64)  # type: ignore[arg-type]
        assert isinstance(examples[0], Example)
        assert len(examples[0].ids) == 64
        assert examples[0].cut > 0
        assert counting.longest < 100_000


@pytest.mark.parametrize("values", [{"text": "x" * 10_000}, {"prompt": "a", "completion": "x" * 10_000}])
def test_an_example_is_named_by_the_beginning_of_its_text(values: dict[str, str]) -> None:
    assert len(_example(values).text) <= 200
