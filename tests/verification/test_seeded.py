"""Seeded weights: the same on both sides to the bit, neither asleep nor wild, exact in bf16."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.verification import replay, seeded


@pytest.mark.parametrize("shape", [(300, 70), (64,)])
def test_mlx_makes_the_same_bits(shape: tuple[int, ...]) -> None:
    name = "model.layers.3.mlp.up_proj.weight"
    assert np.array_equal(
        replay.to_numpy(replay.make_tensor(name, shape, 5)), seeded.make_tensor(name, shape, 5)
    )


@pytest.mark.reference
def test_torch_makes_the_same_bits() -> None:
    import torch

    from gemma_mlx.verification import reference

    ours = seeded.make_tensor("model.embed_tokens.weight", (300, 70), 5)
    theirs = reference.make_tensor("model.embed_tokens.weight", (300, 70), 5, "cpu")
    assert theirs.dtype == torch.bfloat16 and np.array_equal(theirs.float().numpy(), ours)


def test_weights_differ_by_name_and_seed_and_are_a_bell() -> None:
    one = seeded.make_tensor("model.layers.0.mlp.up_proj.weight", (256, 256), 0)
    assert not np.array_equal(one, seeded.make_tensor("model.layers.0.mlp.up_proj.weight", (256, 256), 1))
    assert not np.array_equal(one, seeded.make_tensor("model.layers.1.mlp.up_proj.weight", (256, 256), 0))
    assert one.std() == pytest.approx(1 / 16, rel=0.02) and abs(one.mean()) < 1e-3
    assert np.array_equal(one, np.array(mx.array(one).astype(mx.bfloat16).astype(mx.float32)))


def test_ids_begin_with_bos_and_hold_no_other_control() -> None:
    ids = seeded.make_ids(0, 500, 256)
    assert ids[0] == 2 and ids[1:].min() >= 3 and ids.max() < 256
    assert np.array_equal(ids[:40], seeded.make_ids(0, 40, 256)), "shorter prompts are beginnings"
