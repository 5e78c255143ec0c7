"""The reference reads both dialects, and Gemma 1's "gelu" as the tanh form it means."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="`make equivalence` installs PyTorch")

from gemma_mlx.verification import cases, reference

pytestmark = pytest.mark.reference


def test_configurations_of_the_reference() -> None:
    assert reference.make_config(cases.BY_NAME["gemma1"].config_json()).hidden_act == "gelu_pytorch_tanh"
    for way in ("hub", "transformers"):
        config = reference.make_config(cases.BY_NAME["gemma3"].config_json(way))
        assert config.layer_types.count("full_attention") == 1 and config.sliding_window == cases.WINDOW
