"""The prompt cache: what it claims to hold is what it holds, and its marks fit the memory given to them."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import pytest

from gemma_mlx.inference.prompt_cache import PromptCache, affordable_marks, common_prefix
from gemma_mlx.models.config import parse_config
from tests.inference.helpers import some_ids, tiny_decoder
from tests.tiny import tiny_config


def filled(ids: list[int]) -> PromptCache:
    decoder = tiny_decoder()
    prompts = PromptCache(decoder)
    decoder.hidden(mx.array([ids]), prompts.cache)
    prompts.settle(ids)
    return prompts


def test_the_common_beginning_is_kept_and_one_token_is_always_left_to_compute() -> None:
    ids = some_ids(14)
    prompts = filled(ids)
    assert prompts.begin(ids) == 13 and prompts.cache.offset == 13
    assert prompts.begin([*ids[:6], 9, 9, 9]) == 6 and prompts.ids == ids[:6]
    assert prompts.begin([5, 6]) == 0 and prompts.cache.offset == 0


def test_what_was_computed_beyond_the_ids_or_unevenly_is_forgotten() -> None:
    ids = some_ids(14)
    prompts = filled(ids)
    prompts.settle(ids[:10])
    assert prompts.ids == [] and prompts.cache.offset == 0
    prompts = filled(ids)
    prompts.cache.layers[1].length -= 1  # as after an exception in the midst of a step
    prompts.settle(ids)
    assert prompts.ids == [] and prompts.cache.offset == 0


def test_common_prefix() -> None:
    assert common_prefix([1, 2, 3], [1, 2, 4, 5]) == 2
    assert common_prefix([], [1]) == 0
    assert common_prefix([1, 2], [1, 2, 3]) == 2


@pytest.mark.parametrize(
    ("generation", "changes", "expected"),
    [
        ("gemma", {}, 8),  # nothing slides, so marks cost nothing
        ("gemma3_text", {"sliding_window": 512}, 8),
        # Gemma 2 9B: 21 sliding layers of 4096 at 16 KB a column are 704 MB a mark.
        (
            "gemma2",
            {
                "num_hidden_layers": 42, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256,
                "sliding_window": 4096,
            },
            2,
        ),
        # Gemma 2 2B: 13 layers of 4 heads are 218 MB a mark.
        (
            "gemma2",
            {
                "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
                "sliding_window": 4096,
            },
            4,
        ),
    ],
)  # fmt: skip
def test_marks_fit_the_memory_but_are_two_at_least(
    generation: str, changes: dict[str, int], expected: int
) -> None:
    config = parse_config(tiny_config(generation, **changes), str(Path("tiny")))
    assert affordable_marks(config) == expected
