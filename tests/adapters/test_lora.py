"""LoRA from outside: what it adds, what it leaves alone, and that taking it off restores the base."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import pytest

from gemma_mlx.adapters.lora import (
    DropoutKey,
    LoraLinear,
    add_lora,
    dense_weight,
    enable_lora,
    lora_modules,
    merge_lora,
    remove_lora,
    trainable_table,
)
from gemma_mlx.errors import AdapterError
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import LoraSettings
from tests.models.test_decoder import relative, some_ids, tiny_decoder


def adapted(settings: LoraSettings, seed: int = 0, generation: str = "gemma2") -> Decoder:
    """A decoder with an adapter whose B is not zero any more."""
    decoder = tiny_decoder(generation)
    add_lora(decoder, settings, seed)
    for index, (_, module) in enumerate(lora_modules(decoder)):
        module.lora_B = 0.05 * mx.random.normal(module.lora_B.shape, key=mx.random.key(index))
        if "lora_magnitude_vector" in module:
            module.lora_magnitude_vector = module.lora_magnitude_vector * 1.1
    return decoder


def test_a_fresh_adapter_changes_nothing_and_a_trained_one_does() -> None:
    decoder = tiny_decoder("gemma2")
    ids = some_ids(decoder, 1, 9)
    base = decoder(ids)
    add_lora(decoder, LoraSettings())
    assert relative(decoder(ids), base) < 1e-6
    assert relative(adapted(LoraSettings())(ids), base) > 1e-3


def test_all_linear_means_the_seven_modules_of_every_layer() -> None:
    decoder = adapted(LoraSettings())
    assert len(list(lora_modules(decoder))) == 7 * decoder.config.num_layers


def test_modules_and_layers_are_chosen_by_name() -> None:
    decoder = adapted(LoraSettings(modules=["q_proj", "v_proj"], layers=[1, 3]))
    assert [path for path, _ in lora_modules(decoder)] == [
        f"model.layers.{layer}.self_attn.{name}" for layer in (1, 3) for name in ("q_proj", "v_proj")
    ]


def test_ranks_can_differ_by_module() -> None:
    pattern = {"layers.0.self_attn.q_proj": 2, "down_proj": 5}
    ranks = {path: module.rank for path, module in lora_modules(adapted(LoraSettings(rank_pattern=pattern)))}
    assert ranks["model.layers.0.self_attn.q_proj"] == 2
    assert ranks["model.layers.1.self_attn.q_proj"] == 16
    assert ranks["model.layers.2.mlp.down_proj"] == 5


@pytest.mark.parametrize(("rslora", "scale"), [(False, 8 / 4), (True, 8 / 2)])
def test_the_update_is_scaled_as_peft_scales_it(rslora: bool, scale: float) -> None:
    module = next(lora_modules(adapted(LoraSettings(rank=4, alpha=8, use_rslora=rslora))))[1]
    x = mx.random.normal((3, module.lora_A.shape[1]))
    expected = module.base_layer(x) + (x @ module.lora_A.T) @ module.lora_B.T * scale
    assert relative(module(x), expected) < 1e-6


@pytest.mark.parametrize("use_dora", [False, True])
def test_removing_and_switching_restore_the_base(use_dora: bool) -> None:
    base = tiny_decoder("gemma2")
    ids = some_ids(base, 1, 9)
    decoder = adapted(LoraSettings(use_dora=use_dora))
    tuned = decoder(ids)
    enable_lora(decoder, False)
    assert mx.array_equal(decoder(ids), base(ids))
    enable_lora(decoder, True)
    assert mx.array_equal(decoder(ids), tuned)
    remove_lora(decoder)
    assert mx.array_equal(decoder(ids), base(ids))


@pytest.mark.parametrize("use_dora", [False, True])
@pytest.mark.parametrize("quantized", [False, True])
def test_merging_keeps_what_was_learned(use_dora: bool, quantized: bool) -> None:
    decoder = tiny_decoder("gemma2")
    if quantized:
        nn.quantize(decoder, 64, 8, class_predicate=lambda path, _: "proj" in path)
    add_lora(decoder, LoraSettings(use_dora=use_dora))
    for index, (_, module) in enumerate(lora_modules(decoder)):
        module.lora_B = 0.05 * mx.random.normal(module.lora_B.shape, key=mx.random.key(index))
    ids = some_ids(decoder, 1, 9)
    tuned = decoder(ids)
    merge_lora(decoder, mx.float32)
    assert not list(lora_modules(decoder))
    assert relative(decoder(ids), tuned) < 1e-5


def test_dora_norms_equal_those_of_the_sum() -> None:
    """The norm of W + s B A is found without forming the sum."""
    module = next(lora_modules(adapted(LoraSettings(use_dora=True))))[1]
    total = dense_weight(module.base_layer) + module.scale * (module.lora_B @ module.lora_A)
    assert relative(module._norms(), mx.linalg.norm(total, axis=1)) < 1e-6


def test_only_the_adapter_is_trained_and_the_table_says_how_much() -> None:
    decoder = adapted(LoraSettings(rank=4, modules=["q_proj"]))
    table = trainable_table(decoder)
    hidden, queries = decoder.config.hidden_size, decoder.config.num_heads * decoder.config.head_dim
    assert table.trainable == decoder.config.num_layers * 4 * (hidden + queries)
    assert {name.rsplit(".", 1)[-1] for name, _, _ in table.rows} == {"lora_A", "lora_B"}
    assert 0 < table.percent < 10


def test_quantized_weights_count_as_the_weights_they_stand_for() -> None:
    dense, packed = adapted(LoraSettings()), tiny_decoder("gemma2")
    nn.quantize(packed, 32, 4)
    add_lora(packed, LoraSettings())
    assert trainable_table(packed).total == trainable_table(dense).total


def test_dropout_follows_from_the_key_alone() -> None:
    decoder = tiny_decoder("gemma2")
    state = add_lora(decoder, LoraSettings(dropout=0.5))
    for _, module in lora_modules(decoder):
        module.lora_B = mx.ones_like(module.lora_B)
    ids = some_ids(decoder, 1, 9)
    plain = decoder(ids)
    state.key = mx.random.key(1)
    first = decoder(ids)
    assert mx.array_equal(first, decoder(ids))
    assert relative(first, plain) > 1e-3
    state.key = mx.random.key(2)
    assert relative(decoder(ids), first) > 1e-3
    state.key = None
    assert mx.array_equal(decoder(ids), plain)


def test_dropout_keeps_the_mean() -> None:
    module = LoraLinear(nn.Linear(8, 4, bias=False), rank=2, scale=1.0, dropout=0.3)
    module._dropout_key = DropoutKey()
    module._dropout_key.key = mx.random.key(3)
    dropped = module._drop(mx.ones((200, 8)))
    assert abs(float(dropped.mean()) - 1) < 0.05


def test_first_values_follow_from_the_seed() -> None:
    a, b, c = (next(lora_modules(adapted(LoraSettings(), seed)))[1].lora_A for seed in (1, 1, 2))
    assert mx.array_equal(a, b) and not mx.array_equal(a, c)
    assert float(mx.abs(a).max()) <= a.shape[1] ** -0.5


def test_a_second_adapter_is_refused() -> None:
    with pytest.raises(AdapterError, match="already"):
        add_lora(adapted(LoraSettings()), LoraSettings())


def test_layers_that_do_not_exist_are_refused_before_anything_changes() -> None:
    decoder = tiny_decoder("gemma2")
    with pytest.raises(AdapterError, match=r"\[99\]"):
        add_lora(decoder, LoraSettings(layers=[99]))
    assert not list(lora_modules(decoder))
