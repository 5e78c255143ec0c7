"""Streamed text: whole characters, stop strings never shown, whatever the tokens are."""

from __future__ import annotations

import random

from gemma_mlx.inference.answer_text import AnswerText


class Pieces:
    """A stream whose token n is the n-th piece; the last `held` characters come with finish."""

    def __init__(self, pieces: list[str], held: str = "") -> None:
        self.pieces, self.held = pieces, held

    def push(self, token: int) -> str:
        return self.pieces[token]

    def finish(self) -> str:
        return self.held


def run(pieces: list[str], stop: list[str], held: str = "") -> tuple[list[str], AnswerText]:
    text = AnswerText(Pieces(pieces, held), stop)
    shown = []
    for token in range(len(pieces)):
        shown.append(text.push(token))
        if text.stopped:
            break
    shown.append(text.finish())
    assert "".join(shown) == text.text
    return shown, text


def test_without_stop_strings_text_comes_at_once() -> None:
    shown, text = run(["Hel", "lo", "", "!"], [], held="?")
    assert shown == ["Hel", "lo", "", "!", "?"]
    assert not text.stopped


def test_a_stop_string_inside_one_token() -> None:
    shown, text = run(["one END two"], ["END"])
    assert text.text == "one " and text.stopped and shown[-1] == ""


def test_a_stop_string_across_tokens_is_held_back_and_never_shown() -> None:
    shown, text = run(["a", "<", "/s", ">b"], ["</s>"])
    assert shown == ["a", "", "", "", ""] and text.stopped


def test_what_only_looked_like_a_stop_string_is_shown_after_all() -> None:
    shown, text = run(["a", "<", "/x", ">"], ["</s>"])
    assert shown == ["a", "", "</x", ">", ""] and not text.stopped


def test_text_that_is_held_back_at_the_end_is_shown() -> None:
    _, text = run(["a</"], ["</s>"])
    assert text.text == "a</"


def test_a_stop_string_completed_by_the_last_bytes_counts() -> None:
    _, text = run(["a</s"], ["</s>"], held=">")
    assert text.text == "a" and text.stopped


def test_repeating_beginnings_of_a_stop_string() -> None:
    _, text = run(list("aaab"), ["aab"])
    assert text.text == "a" and text.stopped


def test_empty_stop_strings_are_ignored() -> None:
    _, text = run(["abc"], ["", "c"])
    assert text.text == "ab"


def test_the_result_does_not_depend_on_where_tokens_begin() -> None:
    rng = random.Random(0)
    for _ in range(200):
        whole = "".join(rng.choice("abc") for _ in range(30))
        stop = [
            "".join(rng.choice("abc") for _ in range(rng.randint(1, 5))) for _ in range(rng.randint(1, 3))
        ]
        results = set()
        for _ in range(5):
            cuts = sorted(rng.sample(range(1, 30), rng.randint(0, 20)))
            pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, 30], strict=True)]
            _, text = run(pieces, stop)
            results.add((text.text, text.stopped))
        assert len(results) == 1
        shown, stopped = results.pop()
        assert whole.startswith(shown)
        assert stopped == any(each in whole for each in stop)
        assert not any(each in shown for each in stop)
