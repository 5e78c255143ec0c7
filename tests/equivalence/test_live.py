"""Every tiny case recorded here with PyTorch and replayed at once: forward, decode, batches, training."""

from __future__ import annotations

import pytest

from gemma_mlx.verification import cases, compare
from gemma_mlx.verification.report import failures, first_deviation, markdown_table


@pytest.fixture(autouse=True)
def few_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen seeds stand in the committed recording; live, one greedy run and a look at one seed's bf16."""
    monkeypatch.setattr(cases, "NOISE_SEEDS", 1)


@pytest.mark.parametrize("name", list(cases.BY_NAME))
def test_we_agree_with_pytorch(name: str) -> None:
    from gemma_mlx.verification.record import record_tiny

    rows = list(compare.compare_tiny(record_tiny([cases.BY_NAME[name]])))
    assert len(rows) > 15
    assert not failures(rows), f"{first_deviation(rows)}\n{markdown_table(failures(rows))}"


@pytest.mark.parametrize("name", ["gemma1", "gemma2", "gemma3"])
@pytest.mark.parametrize("dialect", ["hub", "transformers"])
def test_both_dialects_of_a_configuration_are_the_same_model(name: str, dialect: cases.Dialect) -> None:
    """Gold comes from transformers reading one dialect; we read the other."""
    import torch

    from gemma_mlx.verification import measure, reference, replay, seeded

    case = cases.BY_NAME[name]
    other: cases.Dialect = "transformers" if dialect == "hub" else "hub"
    weights = seeded.make_weights(case.config_json(dialect), 0)
    model = reference.build_model(
        case.config_json(dialect), {k: torch.from_numpy(v) for k, v in weights.items()}
    )
    gold = reference.run(model, cases.prompt(case, 0))[0].numpy()
    ours, _ = replay.run(
        replay.build_decoder(case.config_json(other), weights, "fp32"), cases.prompt(case, 0)
    )
    assert measure.relative(ours, gold) < 5e-6


@pytest.mark.parametrize("name", ["gemma1-hidden72", "gemma2-hidden72", "gemma3-hidden72"])
def test_the_embedding_is_scaled_and_rounded_as_in_pytorch(name: str) -> None:
    """The root of 72 is no bf16 number: PyTorch rounds it to the weights' width, and so do we, to the bit."""
    import numpy as np
    import torch

    from gemma_mlx.verification import reference, replay, seeded

    case = cases.BY_NAME[name]
    weights = seeded.make_weights(case.config_json(), 0)
    model = reference.build_model(case.config_json(), {k: torch.from_numpy(v) for k, v in weights.items()})
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        theirs = reference.run(reference.set_dtype(model, dtype), cases.prompt(case, 0))[1][0].float().numpy()
        decoder = replay.build_decoder(case.config_json(), weights, precision)
        ours = replay.run(decoder, cases.prompt(case, 0))[1][0]
        assert np.array_equal(ours, theirs), precision


@pytest.mark.parametrize("position", [0, 1000, 32_768])
@pytest.mark.parametrize("name", ["gemma2", "gemma3"])
def test_rotary_embedding_far_out(name: str, position: int) -> None:
    """Sixteen tokens from `position` on, each layer type, with base and head as published.

    A unit in the last place of an inverse frequency is 2e-3 radians at 32K.
    """
    import mlx.core as mx
    import numpy as np
    import torch

    from gemma_mlx.models.config import parse_config
    from gemma_mlx.models.layers import RotaryEmbedding
    from gemma_mlx.verification import measure, reference, replay

    raw = {**cases.BY_NAME[name].config_json(), "head_dim": 256}
    assert raw["rope_theta"] in (1e4, 1e6)
    config, hf = parse_config(dict(raw), "case"), reference.make_config(raw)
    x = np.random.default_rng(0).standard_normal((1, 2, 16, 256)).astype(np.float32)
    if name == "gemma2":
        from transformers.models.gemma2.modeling_gemma2 import Gemma2RotaryEmbedding as Rotary
        from transformers.models.gemma2.modeling_gemma2 import apply_rotary_pos_emb
    else:
        from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding as Rotary
        from transformers.models.gemma3.modeling_gemma3 import apply_rotary_pos_emb
    rotary = Rotary(hf)
    places = torch.arange(position, position + 16)[None]
    for layer in (0, config.num_layers - 3):  # sliding, and in Gemma 3 the one full layer
        kind = () if name == "gemma2" else (hf.layer_types[layer],)
        cosine, sine = rotary(torch.from_numpy(x), places, *kind)
        theirs, _ = apply_rotary_pos_emb(torch.from_numpy(x), torch.from_numpy(x), cosine, sine)
        ours = RotaryEmbedding(256, config.layer_ropes[layer])(mx.array(x), position)
        assert measure.relative(replay.to_numpy(ours), theirs.numpy()) < 5e-6
