"""Writes tests/exchange/recorded anew; run where keras, keras-hub, jax and flax are installed."""

from __future__ import annotations

import json
import os
from pathlib import Path

OUT = Path(__file__).parent / "recorded"


def main() -> None:
    """Tiny random models in both forms, and what KerasHub computes with them."""
    os.environ["KERAS_BACKEND"] = "jax"
    import flax
    import jax.numpy as jnp
    import keras
    import keras_hub
    import numpy as np
    from flax.serialization import msgpack_serialize
    from keras_hub.models import GemmaBackbone

    second = {
        "use_post_ffw_norm": True,
        "use_post_attention_norm": True,
        "final_logit_soft_cap": 30,
        "attention_logit_soft_cap": 50,
        "sliding_window_size": 8,
        "use_sliding_window_attention": True,
    }
    rng = np.random.default_rng(0)
    ids = np.array([[2, *range(17, 37)]])
    for generation, extra in (("gemma", {}), ("gemma2", second)):
        model = GemmaBackbone(
            vocabulary_size=64,
            num_layers=2,
            num_query_heads=2,
            num_key_value_heads=1,
            hidden_dim=16,
            intermediate_dim=64,
            head_dim=8,
            **extra,
        )
        for w in model.weights:
            w.assign((rng.standard_normal(w.shape) * 0.25).astype("float32"))
        d = OUT / f"keras-{generation}"
        d.mkdir(parents=True, exist_ok=True)
        model.save_weights(d / "model.weights.h5")
        (d / "config.json").write_text(
            json.dumps(keras.saving.serialize_keras_object(model), default=str, indent=1) + "\n"
        )
        hidden = model({"token_ids": ids, "padding_mask": np.ones_like(ids)})
        logits = np.asarray(model.token_embedding(hidden, reverse=True))
        (d / "logits.json").write_text(
            json.dumps(
                {
                    "ids": ids[0].tolist(),
                    "last": [round(float(v), 6) for v in logits[0, -1]],
                    "made_by": f"keras {keras.__version__}, keras-hub {keras_hub.__version__}",
                }
            )
            + "\n"
        )
        print(generation, logits[0, -1][:3], (d / "model.weights.h5").stat().st_size)
    f = OUT / "flax"
    f.mkdir(exist_ok=True)
    tree = {
        "model": {
            "embed_tokens": {"embedding": jnp.asarray(rng.standard_normal((64, 16)), jnp.bfloat16)},
            "norm": {"weight": jnp.ones(16, jnp.bfloat16) / 4},
            "layers": {
                "0": {
                    "input_layernorm": {"weight": jnp.ones(16, jnp.bfloat16) / 8},
                    "post_attention_layernorm": {"weight": jnp.ones(16, jnp.bfloat16) / 2},
                    "self_attn": {
                        k: {"kernel": jnp.asarray(rng.standard_normal(s), jnp.bfloat16)}
                        for k, s in (
                            ("q_proj", (16, 16)),
                            ("k_proj", (16, 8)),
                            ("v_proj", (16, 8)),
                            ("o_proj", (16, 16)),
                        )
                    },
                    "mlp": {
                        k: {"kernel": jnp.asarray(rng.standard_normal(s), jnp.bfloat16)}
                        for k, s in (("gate_proj", (16, 32)), ("up_proj", (16, 32)), ("down_proj", (32, 16)))
                    },
                }
            },
        }
    }
    (f / "flax_model.msgpack").write_bytes(msgpack_serialize(tree))
    k = np.asarray(tree["model"]["layers"]["0"]["self_attn"]["k_proj"]["kernel"].astype(jnp.float32))
    (f / "expected.json").write_text(
        json.dumps({"k_proj_kernel": k.tolist(), "made_by": f"flax {flax.__version__}"}) + "\n"
    )
    (f / "config.json").write_text(
        json.dumps(
            {
                "model_type": "gemma",
                "vocab_size": 64,
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
                "head_dim": 8,
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
