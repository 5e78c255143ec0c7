"""The generator of hard strings: seeded, and with every sort that it promises."""

from __future__ import annotations

from tests.text.strings import strings


def test_the_same_seed_gives_the_same_strings() -> None:
    assert list(strings(200, seed=3)) == list(strings(200, seed=3))
    assert list(strings(200, seed=3)) != list(strings(200, seed=4))


def test_every_sort_is_there() -> None:
    joined = "\0".join(strings(3000, seed=0))
    for wanted in (
        "<end_of_turn>",
        "<unused7>",
        "<bos>",
        "<b>",
        " " * 40,
        "\n" * 40,
        "\t" * 33,
        "👩‍👩‍👧",
        "\ud800",
        "▁",
    ):
        assert wanted in joined
    for low, high in ((0x400, 0x4FF), (0x4E00, 0x9FFF), (0x620, 0x64A), (0xAC00, 0xD7A3), (0x20000, 0x2A6DF)):
        assert any(low <= ord(letter) <= high for letter in joined)
