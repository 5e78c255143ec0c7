"""Generation: streamed text equals the whole, ends where it should, and bad models end in a clear error."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.errors import GemmaError, ModelError, SettingsError
from gemma_mlx.events import Done, Progress, Token, Warning
from gemma_mlx.inference.generate import generate, prompt_ids
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message
from tests.inference.helpers import FIRST_BYTE, byte_tokenizer, tiny_loaded

GREEDY = SamplingSettings(temperature=0.0, max_tokens=40)


def run(loaded: Any, prompt: Any = "Hello", sampling: SamplingSettings = GREEDY, **rest: Any) -> Any:
    """(result of Done, all events); the invariants of every generation are checked on the way."""
    events = list(generate(loaded, prompt, sampling, **rest))
    assert isinstance(events[-1], Done) and sum(isinstance(each, Done) for each in events) == 1
    result = events[-1].result
    assert "".join(each.text for each in events if isinstance(each, Token)) == result["text"]
    assert result["tokens"] == len(result["ids"])
    return result, events


class Script:
    """A model that says given tokens whatever it is asked, in place of the decoder's head."""

    def __init__(self, loaded: Any, tokens: list[int]) -> None:
        self.loaded, self.tokens, self.prompt = loaded, tokens, 0
        loaded.model.head = self.head

    def head(self, hidden: mx.array) -> mx.array:
        token = self.tokens.pop(0) if self.tokens else 1
        logits = mx.zeros((hidden.shape[0], self.loaded.config.vocab_size))
        logits[:, token] = 9.0
        return logits


def saying(text: bytes | list[int], **changes: Any) -> Any:
    """A loaded model that says this and then ends."""
    loaded = tiny_loaded(**changes)
    Script(loaded, [FIRST_BYTE + byte if isinstance(text, bytes) else byte for byte in text])
    return loaded


def test_greedy_text_equals_recomputing_everything_at_each_token() -> None:
    loaded = tiny_loaded()
    result, _ = run(loaded, "How are you?")
    ids = loaded.tokenizer.encode("How are you?", bos=True)
    assert result["prompt_tokens"] == result["computed_prompt_tokens"] == len(ids)
    for token in result["ids"]:
        assert token == mx.argmax(loaded.model(mx.array(ids)[None])[0, -1]).item()
        ids.append(token)
    assert result["text"] == loaded.tokenizer.decode(result["ids"]).rstrip("\ufffd")
    assert result["reason"] == "length" and result["tokens"] == 40
    assert result["tokens_per_second"] > 0 and result["time_to_first_token"] > 0


def test_characters_stream_whole() -> None:
    result, events = run(saying("naïve 你好 🙂!".encode()))
    assert result["text"] == "naïve 你好 🙂!" and result["reason"] == "end"
    assert all("\ufffd" not in each.text for each in events if isinstance(each, Token))


def test_half_a_character_at_the_end_of_the_allowance_is_not_shown() -> None:
    result, _ = run(saying("ab你".encode()), sampling=SamplingSettings(temperature=0, max_tokens=4))
    assert result["text"] == "ab" and result["reason"] == "length" and result["tokens"] == 4


def test_every_end_token_ends_and_is_not_part_of_the_answer() -> None:
    for end in (1, 107):
        result, _ = run(saying([FIRST_BYTE + 65, end, FIRST_BYTE + 66]))
        assert (result["text"], result["reason"], result["tokens"]) == ("A", "end", 1)


def test_an_answer_may_be_empty() -> None:
    result, _ = run(saying([107]))
    assert (result["text"], result["tokens"], result["tokens_per_second"]) == ("", 0, 0.0)


def test_stop_strings_are_never_shown_though_they_span_tokens() -> None:
    sampling = SamplingSettings(temperature=0, stop=["\nUser:", "###"])
    result, events = run(saying(b"Yes.\nUse it.\nUser: what"), sampling=sampling)
    assert result["text"] == "Yes.\nUse it." and result["reason"] == "stop"
    shown = ""
    for event in events:
        if isinstance(event, Token):
            shown += event.text
            assert "\nUser:".startswith(shown[len("Yes.\nUse it.") :])


def test_cancel_is_asked_at_each_token() -> None:
    answers = [False] * 6 + [True] * 100
    result, events = run(tiny_loaded(), cancel=lambda: answers.pop(0))
    assert result["reason"] == "cancelled" and 0 < result["tokens"] <= 6
    assert events[-1].outcome == "stopped"


def test_cancelled_before_the_first_token() -> None:
    result, _ = run(tiny_loaded(), cancel=lambda: True)
    assert (result["reason"], result["tokens"], result["text"]) == ("cancelled", 0, "")


def test_one_token_is_one_token() -> None:
    result, _ = run(tiny_loaded(), sampling=SamplingSettings(temperature=0, max_tokens=1))
    assert result["tokens"] == 1 and result["tokens_per_second"] == 0.0


def test_the_same_seed_gives_the_same_answer_and_done_names_the_seed_drawn() -> None:
    loaded = tiny_loaded()
    first, _ = run(loaded, sampling=SamplingSettings(temperature=1.5, max_tokens=20))
    again, _ = run(loaded, sampling=SamplingSettings(temperature=1.5, max_tokens=20, seed=first["seed"]))
    other, _ = run(loaded, sampling=SamplingSettings(temperature=1.5, max_tokens=20, seed=first["seed"] ^ 1))
    assert first["ids"] == again["ids"] != other["ids"]


def test_an_empty_text_is_continued_from_its_beginning() -> None:
    result, _ = run(tiny_loaded(), "")
    assert result["prompt_tokens"] == 1


def test_an_empty_chat_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        run(tiny_loaded(), [])
    assert caught.value.code == "empty-prompt"


def test_a_tokenizer_without_bos_refuses_an_empty_text() -> None:
    loaded = tiny_loaded()
    loaded.tokenizer.bos_id = None
    with pytest.raises(SettingsError):
        run(loaded, "")


def test_one_bos_and_a_typed_marker_stays_text() -> None:
    tokenizer: Any = byte_tokenizer()
    for prompt in ("<bos>x<end_of_turn>", [Message("user", "<bos>x<end_of_turn>")]):
        ids = prompt_ids(tokenizer, prompt)
        assert ids.count(2) == 1 and ids[0] == 2
        assert ids.count(107) == (0 if isinstance(prompt, str) else 1)


def test_an_answer_that_was_begun_is_continued() -> None:
    tokenizer: Any = byte_tokenizer()
    asked = [Message("user", "Hi")]
    begun = prompt_ids(tokenizer, [*asked, Message("assistant", "Well, ")])
    assert begun == prompt_ids(tokenizer, asked) + tokenizer.encode("Well, ")


def test_a_prompt_beyond_the_models_length_is_warned_of_and_answered() -> None:
    result, events = run(tiny_loaded(max_position_embeddings=16), "x" * 40)
    warnings = [each for each in events if isinstance(each, Warning)]
    assert [each.code for each in warnings] == ["prompt-too-long"] and "41" in warnings[0].what
    assert result["tokens"] > 0


def test_progress_counts_the_prompts_tokens() -> None:
    _, events = run(tiny_loaded(), "x" * 1200)
    counts = [(each.done, each.total) for each in events if isinstance(each, Progress)]
    assert counts == [(0, 1201), (512, 1201), (1024, 1201)]


def test_ids_without_a_piece_are_never_said() -> None:
    loaded = tiny_loaded(vocab_size=600)
    weights = loaded.model.model.embed_tokens.weight
    loaded.model.model.embed_tokens.weight = mx.concatenate([weights[:512], weights[100:188] * 9])
    sampling = SamplingSettings(temperature=2.0, top_k=0, top_p=1.0, seed=1, max_tokens=60)
    for each in (GREEDY, sampling):
        result, _ = run(loaded, sampling=each)
        assert max(result["ids"]) < 512


@pytest.mark.parametrize("sampling", [GREEDY, SamplingSettings()])
def test_a_nan_weight_is_an_error_that_names_it(sampling: SamplingSettings) -> None:
    loaded = tiny_loaded()
    loaded.model.model.layers[1].mlp.up_proj.weight[3, 4] = float("nan")
    with pytest.raises(ModelError) as caught:
        run(loaded, sampling=sampling)
    assert caught.value.code == "not-finite"
    assert "model.layers.1.mlp.up_proj.weight" in caught.value.what


def test_logits_that_overflow_with_finite_weights_are_said_to() -> None:
    loaded = tiny_loaded()
    loaded.model.head = lambda hidden: mx.full((hidden.shape[0], 512), mx.nan)
    with pytest.raises(ModelError) as caught:
        run(loaded)
    assert "overflow" in caught.value.what


def test_a_model_without_a_tokenizer_says_so() -> None:
    class NoTokenizer:
        @property
        def tokenizer(self) -> Any:
            raise GemmaError("no-tokenizer", "There is none.")

    with pytest.raises(GemmaError, match="There is none"):
        run(NoTokenizer())
