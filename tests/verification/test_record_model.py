"""The reference's errors against gold, by the rules that ours are judged by."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="`make equivalence` installs PyTorch")

from gemma_mlx.verification.record_model import compare_forward

pytestmark = pytest.mark.reference


def test_tokens_lost_are_counted_with_and_without_a_margin() -> None:
    logits = np.zeros((2, 4), np.float32)
    gold = {
        "points": np.ones((1, 8)), "logits": logits, "words": np.tile(np.arange(4), (2, 1)),
        "positions": np.arange(2), "normalizers": np.full(3, np.log(4.0)), "targets": np.full(2, -1.0),
        "likeliest": np.array([1, 2, 3]), "margins": np.array([0.01, 9.0, 9.0]),
    }  # fmt: skip
    got = gold | {"logits": logits + 1, "likeliest": np.array([0, 0, 3])}
    errors = compare_forward(got, gold)
    assert errors["root mean square"] == 1 and errors["logits max"] == 1
    assert (errors["top-1 differing"], errors["top-1 differing beyond 4 x"]) == (2, 1)
    assert errors["greatest margin lost"] == 9
