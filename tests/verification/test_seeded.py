"""Seeded weights: the same on both sides to the bit, neither asleep nor wild, exact in bf16."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.verification import cases, replay, seeded
from gemma_mlx.verification.shapes import SHAPES


@pytest.mark.parametrize("shape", [(300, 70), (64,)])
def test_mlx_makes_the_same_bits(shape: tuple[int, ...]) -> None:
    name = "model.layers.3.mlp.up_proj.weight"
    assert np.array_equal(
        replay.to_numpy(replay.make_tensor(name, shape, 5)), seeded.make_tensor(name, shape, 5)
    )


def test_torch_makes_the_same_bits() -> None:
    torch = pytest.importorskip("torch")
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


def test_published_sizes_have_their_published_parameter_counts() -> None:
    from gemma_mlx.models.config import parameter_count, parse_config

    billions = {name: parameter_count(parse_config(raw, name)) / 1e9 for name, raw in SHAPES.items()}
    wanted = {"gemma-3-270m": 0.268, "gemma-3-1b": 1.0, "gemma-2-2b": 2.614, "gemma-3-4b": 3.880,
              "gemma-2-9b": 9.242, "gemma-3-12b": 11.766, "gemma-2-27b": 27.227}  # fmt: skip
    assert billions == pytest.approx(wanted, rel=1e-3)


def test_every_mandatory_case_is_there() -> None:
    assert cases.LENGTHS == (15, 16, 17, 40), "around the window of 16, and 2.5 windows"
    assert all(cases.WINDOW % size for size in (7, 5, 11)), "chunks that do not divide it"
    changes = [case.changes for case in cases.CASES]
    assert any(change.get("hidden_size") == 72 for change in changes)
    assert any(change.get("tie_word_embeddings") is False for change in changes)
    assert any("attn_logit_softcapping" in change for change in changes)
    assert any(change.get("vocab_size") == 263 for change in changes)
    assert {case.dialect for case in cases.CASES} == {"hub", "transformers"}
    assert {case.generation for case in cases.CASES} == {"gemma", "gemma2", "gemma3_text"}
