"""One batch's losses and gradients: the same whatever the layout, compiled or not."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from gemma_mlx.adapters.lora import add_lora, lora_modules
from gemma_mlx.data.batches import collate_packed, collate_padded, collate_preferences
from gemma_mlx.data.formats import Example, PreferenceExample
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import LoraSettings, TrainSettings
from gemma_mlx.training.preference import preference_losses
from gemma_mlx.training.step import Inputs, StepFunction, to_inputs
from tests.adapters.test_lora import adapted
from tests.models.test_decoder import relative, tiny_decoder
from tests.tiny import WINDOW

LENGTHS = (WINDOW + 9, 7, 7, 2, 2 * WINDOW)


def examples(lengths: tuple[int, ...] = LENGTHS, seed: int = 0) -> list[Example]:
    random = np.random.default_rng(seed)
    rows = []
    for number, length in enumerate(lengths):
        prompt = max(1, length // 3)
        ids = random.integers(3, 500, length).tolist()
        rows.append(Example(ids, [at >= prompt for at in range(length)], "rows", number + 1, ""))
    return rows


def step_function(
    model: Decoder | None = None, *, compiled: bool = False, **settings: object
) -> StepFunction:
    return StepFunction(
        model or adapted(LoraSettings(rank=4)), TrainSettings(**settings), None, compiled=compiled
    )


def gradients(step: StepFunction, inputs: Inputs) -> tuple[float, dict[str, mx.array]]:
    loss, slopes = step.gradients(step.parameters(), inputs, 3, 0)
    return float(loss), slopes


def assert_same(a: dict[str, mx.array], b: dict[str, mx.array], most: float) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert relative(a[name], b[name]) < most, name


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text"])
def test_packed_padded_and_one_by_one_give_the_same_losses(generation: str) -> None:
    """No cross-talk between rows laid end to end, also beyond the window, and none from padding."""
    step = step_function(adapted(LoraSettings(rank=4), generation=generation))
    rows = examples()
    alone = [float(step.sequence_losses(to_inputs(collate_padded([row])))[0]) for row in rows]
    for collate in (collate_packed, collate_padded):
        found = np.array(step.sequence_losses(to_inputs(collate(rows))))
        assert found.shape == (len(rows),)
        assert np.abs(found / np.array(alone) - 1).max() < 5e-6
        assert float(step.evaluate(to_inputs(collate(rows)))) == pytest.approx(sum(alone), rel=5e-6)


def test_packed_and_padded_give_the_same_gradients() -> None:
    step, rows = step_function(), examples()
    packed, padded = (
        gradients(step, to_inputs(collate(rows))) for collate in (collate_packed, collate_padded)
    )
    assert packed[0] == pytest.approx(padded[0], rel=5e-6)
    assert_same(packed[1], padded[1], 2e-5)


def test_only_what_is_trained_gets_a_gradient_and_the_model_is_left_as_it_was() -> None:
    model = adapted(LoraSettings(rank=4))
    before = {name: mx.array(value) for name, value in tree_flatten(model.parameters())}
    step = step_function(model)
    _, slopes = gradients(step, to_inputs(collate_packed(examples())))
    assert slopes.keys() == step.parameters().keys()
    assert all(name.endswith(("lora_A", "lora_B")) for name in slopes)
    after = dict(tree_flatten(model.parameters()))
    assert all(mx.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("settings", [{}, {"neftune_alpha": 5.0}, {"gradient_checkpointing": True}])
def test_a_compiled_step_is_the_same_step(settings: dict[str, object]) -> None:
    rows = examples()
    found = []
    for compiled in (False, True):
        step = step_function(compiled=compiled, **settings)
        for seed in (1, 0):  # the second batch of a kind runs what the first has compiled
            loss, slopes = gradients(step, to_inputs(collate_padded(examples(seed=seed)), 128))
        found.append((loss, slopes))
    assert found[0][0] == pytest.approx(found[1][0], rel=5e-6)
    assert_same(found[0][1], found[1][1], 2e-5)
    assert len(rows) == len(LENGTHS)


def test_a_compiled_step_keeps_no_more_than_one_that_is_not() -> None:
    """Compiling must not share with the forward pass what the backward pass forms again, and so keep it."""
    inputs = to_inputs(collate_padded(examples((200, 200))))
    peaks = {}
    memory_limit = mx.set_memory_limit(1)  # MLX waits at each operation: what is measured is what is needed
    try:
        for compiled in (False, True):
            step = step_function(compiled=compiled)
            gradients(step, inputs)
            mx.clear_cache()
            mx.reset_peak_memory()
            gradients(step, inputs)
            peaks[compiled] = mx.get_peak_memory() - mx.get_active_memory()
    finally:
        mx.set_memory_limit(memory_limit)
    assert peaks[True] < 1.15 * peaks[False]


def test_checkpointing_changes_memory_not_numbers() -> None:
    inputs = to_inputs(collate_packed(examples()))
    plain, again = (gradients(step_function(gradient_checkpointing=value), inputs) for value in (False, True))
    assert plain[0] == pytest.approx(again[0], rel=5e-6)
    assert_same(plain[1], again[1], 2e-5)


def test_dropout_is_the_same_when_it_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece of the rows has a mask of its own, and the same one forward and back."""
    monkeypatch.setattr("gemma_mlx.models.decoder.piece_rows", lambda rows, widest: 16)
    model = tiny_decoder("gemma2")
    dropout = add_lora(model, LoraSettings(rank=4, dropout=0.3))
    trained = {
        name: mx.random.normal(array.shape, key=mx.random.key(number)) * 0.1
        for number, (name, array) in enumerate(tree_flatten(model.trainable_parameters()))
    }
    step = StepFunction(model, TrainSettings(gradient_checkpointing=True), dropout)
    inputs = to_inputs(collate_packed(examples()))

    def loss(shift: float) -> float:
        moved = {name: array + shift * directions[name] for name, array in trained.items()}
        return float(step.gradients(moved, inputs, 3, 0)[0])

    directions = {name: mx.sign(array) for name, array in trained.items()}
    _, slopes = step.gradients(trained, inputs, 3, 0)
    expected = sum(float((slopes[name] * directions[name]).sum()) for name in slopes)
    # A slope by differences: of no use where the masks of the backward pass are others.
    assert (loss(2e-4) - loss(-2e-4)) / 4e-4 == pytest.approx(expected, rel=2e-2)
    assert dropout.piece == 0


def test_entries_of_weight_0_round_up_and_count_for_nothing() -> None:
    batch = collate_padded(examples())
    exact, rounded = to_inputs(batch), to_inputs(batch, 64)
    assert exact.tokens == rounded.tokens == batch.target_count == exact.rows.size
    assert rounded.rows.size % 64 == 0 and float(rounded.weights.sum()) == exact.tokens
    step = step_function()
    loss, slopes = gradients(step, exact)
    padded_loss, padded_slopes = gradients(step, rounded)
    assert padded_loss == pytest.approx(loss, rel=5e-6)
    assert_same(padded_slopes, slopes, 2e-5)
    assert float(step.evaluate(rounded)) == pytest.approx(loss, rel=5e-6)
    assert relative(step.sequence_losses(rounded), step.sequence_losses(exact)) < 5e-6


def test_targets_and_owners_follow_the_rows() -> None:
    rows = examples()
    for collate in (collate_packed, collate_padded):
        inputs = to_inputs(collate(rows))
        expected = [id for row in rows for id, kept in zip(row.ids, row.loss_mask, strict=True) if kept]
        assert inputs.targets.tolist() == expected
        owners = [number for number, row in enumerate(rows) for _ in range(row.targets)]
        assert inputs.sequences.tolist() == owners


@pytest.mark.parametrize("collate", [collate_packed, collate_padded])
def test_neftune_noise_is_uniform_of_alpha_over_root_of_length_times_width(collate: object) -> None:
    """Jain et al. 2023: every row's own length counts, packed or not."""
    alpha, width = 8.0, 64
    step = step_function(neftune_alpha=alpha)
    inputs = to_inputs(collate(examples((33, 129))))  # type: ignore[operator]
    noise = np.array(step._noisy(mx.zeros((*inputs.ids.shape, width)), inputs, mx.random.key(0)))
    flat = noise.reshape(-1, width)
    begins = (0, 32) if inputs.layout is not None else (0, inputs.ids.shape[1])
    for begin, length in zip(begins, (32, 128), strict=True):
        computed = length if inputs.layout is not None else inputs.ids.shape[1]
        bound = alpha / np.sqrt(computed * width)
        part = flat[begin : begin + length]
        assert 0.99 * bound < np.abs(part).max() <= bound * (1 + 1e-6)
        assert np.std(part) == pytest.approx(bound / np.sqrt(3), rel=0.05)


def test_noise_follows_from_the_step_and_stays_out_of_evaluation() -> None:
    inputs = to_inputs(collate_packed(examples()))
    step = step_function(neftune_alpha=5.0)
    parameters = step.parameters()
    losses = [float(step.gradients(parameters, inputs, number, 0)[0]) for number in (1, 2, 1)]
    assert losses[0] == losses[2] != losses[1]
    assert float(step.evaluate(inputs)) == float(step_function().evaluate(inputs))


@pytest.mark.parametrize("objective", ["dpo", "orpo"])
@pytest.mark.parametrize("collate", [collate_packed, collate_padded])
def test_preferences_are_of_each_answers_own_log_probability(objective: str, collate: object) -> None:
    rows = examples((12, 9, 30, 8), seed=4)
    pairs = [PreferenceExample(rows[0], rows[1]), PreferenceExample(rows[2], rows[3])]
    inputs = to_inputs(collate_preferences(pairs, collate))  # type: ignore[arg-type]
    step = step_function(objective=objective, preference_beta=0.3)
    ordered = [pairs[0].chosen, pairs[1].chosen, pairs[0].rejected, pairs[1].rejected]

    def sums(enabled: bool) -> mx.array:
        for _, module in lora_modules(step.model):
            module.enabled = enabled
        found = [step.sequence_losses(to_inputs(collate_packed([row])))[0] for row in ordered]
        return -mx.stack(found)

    reference, policy = sums(False), sums(True)
    tokens = mx.array([float(row.targets) for row in ordered])
    expected = preference_losses(objective, policy, reference, tokens, 0.3).sum()  # type: ignore[arg-type]
    loss, slopes = gradients(step, inputs)
    assert loss == pytest.approx(float(expected), rel=2e-5)
    assert step.units(inputs) == 2 and all(bool(mx.isfinite(slope).all()) for slope in slopes.values())
