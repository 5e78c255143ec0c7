"""Our side of a comparison leaves the model as it was, and its ways to run agree."""

from __future__ import annotations

from gemma_mlx.verification import cases, measure, replay, seeded


def test_a_watched_model_is_itself_again() -> None:
    case = cases.BY_NAME["gemma2"]
    decoder = replay.build_decoder(case.config_json(), seeded.make_weights(case.config_json(), 0), "fp32")
    before = [id(module) for _, module in decoder.named_modules()]
    logits, points = replay.run(decoder, cases.prompt(case, 0))
    assert [id(module) for _, module in decoder.named_modules()] == before
    assert len(points) == len(cases.point_names(decoder.config.num_layers))
    assert logits.shape == (40, 256) and points[-1].shape == (40, 64)
    assert measure.relative(replay.run_chunks(decoder, cases.prompt(case, 0), (7, 5)), logits) < 5e-6


def test_the_weights_of_a_size_are_the_seeds() -> None:
    case = cases.BY_NAME["gemma1"]
    raw = case.config_json()
    one = replay.build_seeded(raw, 3, "fp32")
    other = replay.build_decoder(raw, seeded.make_weights(raw, 3), "fp32")
    ids = cases.prompt(case, 3)
    assert measure.relative(replay.run(one, ids)[0], replay.run(other, ids)[0]) == 0
