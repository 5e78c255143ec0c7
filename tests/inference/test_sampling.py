"""Sampling: equal to transformers' processors, and a function of seed and position alone."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.inference.sampling import (
    NOT_A_TOKEN,
    Filters,
    RowSampling,
    TokenPicker,
    draw_seed,
    noise_key,
    penalize,
)
from gemma_mlx.settings import SamplingSettings

VOCABULARY = 300


def random_logits(seed: int, rows: int = 3, vocabulary: int = VOCABULARY) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((rows, vocabulary)) * 3).astype(np.float32)


def settings(**changes: Any) -> SamplingSettings:
    plain = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    return SamplingSettings(**{**plain, **changes})


def spread(scores: mx.array, candidates: mx.array | None, vocabulary: int) -> np.ndarray:
    """Scores by token id."""
    if candidates is None:
        return np.array(scores)
    full = np.full((scores.shape[0], vocabulary), -np.inf, np.float32)
    np.put_along_axis(full, np.array(candidates), np.array(scores), axis=-1)
    return full


CASES = [
    {"temperature": 0.7},
    {"top_k": 50},
    {"top_k": 1},
    {"top_k": 5000},
    {"top_p": 0.95},
    {"top_p": 0.05},
    {"min_p": 0.1},
    {"temperature": 0.7, "top_k": 50, "top_p": 0.95},
    {"temperature": 1.7, "top_k": 40, "top_p": 0.8, "min_p": 0.05},
    {"temperature": 0.3, "top_p": 0.9, "min_p": 0.3},
    {"temperature": 0.9, "top_k": 30, "top_p": 0.9, "repetition_penalty": 1.3},
    {"repetition_penalty": 0.8, "top_k": 20},
]


@pytest.mark.reference
@pytest.mark.parametrize("case", CASES, ids=str)
def test_filters_equal_transformers(case: dict[str, Any]) -> None:
    import torch
    import transformers

    for seed in range(4):
        logits = random_logits(seed)
        seen = np.random.default_rng(seed + 100).integers(0, VOCABULARY, (3, 40))
        ours = mx.array(logits)
        if "repetition_penalty" in case:
            marks = np.zeros((3, VOCABULARY), bool)
            np.put_along_axis(marks, seen, True, axis=1)
            ours = penalize(ours, mx.array(marks), mx.array([[case["repetition_penalty"]]] * 3))
        ours = spread(*Filters([settings(**case)] * 3, VOCABULARY)(ours), VOCABULARY)

        processors = transformers.LogitsProcessorList()
        if "repetition_penalty" in case:
            processors.append(transformers.RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
        for name, kind in {
            "temperature": transformers.TemperatureLogitsWarper,
            "top_k": transformers.TopKLogitsWarper,
            "top_p": transformers.TopPLogitsWarper,
            "min_p": transformers.MinPLogitsWarper,
        }.items():
            if name in case:
                processors.append(kind(case[name]))
        theirs = processors(torch.tensor(seen), torch.tensor(logits)).numpy()
        assert np.array_equal(np.isfinite(ours), np.isfinite(theirs))
        kept = np.isfinite(theirs)
        np.testing.assert_allclose(ours[kept], theirs[kept], rtol=1e-6)


@pytest.mark.reference
def test_the_order_of_filters_is_the_one_that_transformers_generate_uses() -> None:
    import transformers

    model = transformers.Gemma2ForCausalLM(
        transformers.Gemma2Config(
            vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
            num_key_value_heads=1, head_dim=8, pad_token_id=0, bos_token_id=2, eos_token_id=1,
        )
    )  # fmt: skip
    chosen = transformers.GenerationConfig(
        do_sample=True, temperature=0.7, top_k=5, top_p=0.9, min_p=0.1, repetition_penalty=1.2, num_beams=1
    )
    processors = model._get_logits_processor(chosen, input_ids_seq_length=4)
    names = [type(each).__name__ for each in processors]
    assert names == [
        "RepetitionPenaltyLogitsProcessor",
        "TemperatureLogitsWarper",
        "TopKLogitsWarper",
        "TopPLogitsWarper",
        "MinPLogitsWarper",
    ]


def test_tokens_tied_with_the_kth_stay_in() -> None:
    logits = mx.array([[0.0] * 100 + [3.0, 2.0] + [1.0] * 30 + [-1.0] * 168])
    scores = spread(*Filters([settings(top_k=10)], VOCABULARY)(logits), VOCABULARY)
    assert np.isfinite(scores).sum() == 32


def pick(logits: np.ndarray, rows: list[RowSampling], positions: list[int], usable: int | None = None) -> Any:
    picker = TokenPicker(rows, logits.shape[1], usable)
    return picker.pick(mx.array(logits), positions).tolist()


ROWS = [
    RowSampling(settings(temperature=0.0), seed=1),
    RowSampling(settings(temperature=0.9, top_k=20, top_p=0.9), seed=2),
    RowSampling(settings(temperature=1.2), seed=3),
    RowSampling(settings(temperature=0.7, min_p=0.02), seed=3),
    RowSampling(settings(repetition_penalty=1.5), seed=4, ids=[5, 6, 7]),
]


def test_a_rows_choice_does_not_depend_on_the_others() -> None:
    for position in range(20):
        logits = random_logits(position, rows=5)
        positions = [position * (row + 1) for row in range(5)]
        together = pick(logits, ROWS, positions)
        alone = [pick(logits[i : i + 1], [ROWS[i]], [positions[i]])[0] for i in range(5)]
        assert together == alone
        order = [3, 1, 4, 0, 2]
        shuffled = pick(logits[order], [ROWS[i] for i in order], [positions[i] for i in order])
        assert shuffled == [together[i] for i in order]


def test_the_same_seed_and_position_give_the_same_token_whatever_the_global_state() -> None:
    logits = random_logits(0, rows=1)
    row = [RowSampling(settings(temperature=2.0), seed=11)]
    mx.random.seed(1)
    first = [pick(logits, row, [position]) for position in range(30)]
    mx.random.seed(2)
    mx.random.normal((3,))
    assert first == [pick(logits, row, [position]) for position in range(30)]
    other = [RowSampling(settings(temperature=2.0), seed=12)]
    assert first != [pick(logits, other, [position]) for position in range(30)]
    assert len({str(each) for each in first}) > 10  # positions differ too


def test_draws_follow_the_probabilities() -> None:
    chances = np.array([0.5, 0.3, 0.15, 0.05], np.float32)
    draws = 2000
    rows = [RowSampling(settings(), seed=seed) for seed in range(draws)]
    counts = Counter(pick(np.log(np.tile(chances, (draws, 1))), rows, [7] * draws))
    expected = chances * draws
    chi_squared = sum((counts[i] - expected[i]) ** 2 / expected[i] for i in range(4))
    assert chi_squared < 16.3  # p = 0.001 at three degrees of freedom; the seeds are fixed


def test_positions_of_one_seed_are_independent_draws() -> None:
    draws = 2000
    rows = [RowSampling(settings(), seed=9)] * draws
    picked = pick(np.zeros((draws, 2), np.float32), rows, list(range(draws)))
    ones = sum(picked)
    repeats = sum(a == b for a, b in pairwise(picked))
    assert abs(ones - draws / 2) < 3.3 * (draws / 4) ** 0.5
    assert abs(repeats - draws / 2) < 3.3 * (draws / 4) ** 0.5


def test_ids_without_a_piece_are_never_picked() -> None:
    logits = random_logits(0, rows=2)
    logits[:, 250:] = 50.0
    for top_k in (0, 5):
        rows = [RowSampling(settings(temperature=0.0), 1), RowSampling(settings(top_k=top_k), 1)]
        for position in range(10):
            assert all(0 <= token < 250 for token in pick(logits, rows, [position, position], usable=250))


def test_an_end_token_beside_the_vocabulary_can_be_picked() -> None:
    logits = random_logits(0, rows=1)
    logits[:, 260:] = 50.0
    logits[:, 270] = 51.0
    picker = TokenPicker([RowSampling(settings(temperature=0.0), 1)], VOCABULARY, 250, also={270})
    assert picker.pick(mx.array(logits), [0]).item() == 270


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("case", [{"temperature": 0.0}, {}, {"top_k": 5, "top_p": 0.9}])
def test_logits_that_are_not_finite_are_reported_for_their_row_only(bad: float, case: dict[str, Any]) -> None:
    logits = random_logits(0, rows=3)
    logits[1, 17] = bad
    picked = pick(logits, [RowSampling(settings(**case), 1)] * 3, [0, 0, 0])
    assert picked[1] == NOT_A_TOKEN
    assert picked[0] >= 0 and picked[2] >= 0


def test_the_penalty_counts_tokens_that_were_picked_meanwhile() -> None:
    logits = np.array([[1.0, 0.9, 0.8, -1.0]], np.float32)
    picker = TokenPicker([RowSampling(settings(temperature=0.0, repetition_penalty=2.0), 0, [3])], 4)
    picked = [picker.pick(mx.array(logits), [at]).item() for at in range(4)]
    assert picked == [0, 1, 2, 0]


def test_bfloat16_logits_are_filtered_in_float32() -> None:
    logits = mx.array(random_logits(3)).astype(mx.bfloat16)
    scores, _ = Filters([settings(temperature=0.7, top_k=20, top_p=0.9)] * 3, VOCABULARY)(logits)
    assert scores.dtype == mx.float32


def test_without_a_seed_each_answer_has_its_own() -> None:
    assert draw_seed(settings(seed=5)) == 5
    assert draw_seed(settings()) != draw_seed(settings())
    assert noise_key(2**63 - 1, 2**40) != noise_key(2**63 - 1, 2**40 + 1)
