"""A whole model against a recording: equal numbers pass, one changed layer is found and named."""

from __future__ import annotations

import numpy as np

from gemma_mlx.verification import cases, compare_model, plan, replay, seeded
from gemma_mlx.verification.report import failures, first_deviation


def test_a_changed_layer_is_named() -> None:
    raw = cases.BY_NAME["gemma2"].config_json()
    decoder = replay.build_decoder(raw, seeded.make_weights(raw, 0), "fp32")
    ids = seeded.make_ids(0, 60, 256)
    places = plan.kept_positions(60, decoder.config.layer_windows)
    gold = {
        "ids": ids,
        "positions": places,
        "words": np.tile(np.arange(256, dtype=np.int32), (len(places), 1)),
    }
    gold |= compare_model.forward(decoder, gold) | {"margins": np.ones(60, np.float32)}
    entry = {"noise": {"logits": 1e-6}, "config": raw, "plan": plan.plan_for(raw, train_tokens=0).as_dict()}

    rows = list(compare_model.compare_model("m", "fp32", decoder, entry, gold))
    assert {"hidden states", "logits", "KL, worst token", "top-1", "loss", "prefill in chunks"} == {
        row.quantity for row in rows
    }
    assert not failures(rows), first_deviation(rows)

    layer = decoder.model.layers[3].mlp.down_proj
    layer.weight = layer.weight * 1.01
    rows = list(compare_model.compare_model("m", "fp32", decoder, entry, gold))
    assert "first at layer 3 feed-forward" in first_deviation(rows)
