"""Another family's decoder: caches, padding and checkpointing change nothing; odd heads are refused."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import parse_config
from gemma_mlx.models.families import LOGIT_SCALES
from gemma_mlx.models.family_decoder import FamilyDecoder
from gemma_mlx.models.layout import LeftPadded
from tests.models.test_decoder import relative, some_ids
from tests.tiny_family import family_config, family_weights

KINDS: dict[str, dict[str, Any]] = {
    "qwen2": {},
    "qwen3": {"head_dim": 32},
    "phi3": {},
    "llama": {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
              "sliding_window": 16},
}  # fmt: skip


def family_decoder(kind: str = "qwen2", **changes: Any) -> FamilyDecoder:
    raw = family_config(kind, **changes)
    decoder = FamilyDecoder(parse_config(raw, "tiny"))
    decoder.load_weights([(name, mx.array(value)) for name, value in family_weights(raw).items()])
    return decoder


@pytest.fixture(params=KINDS)
def decoder(request: pytest.FixtureRequest) -> FamilyDecoder:
    return family_decoder(request.param, **KINDS[request.param])


@pytest.mark.parametrize("chunk", [1, 7, 15, 16, 19])
def test_cached_chunks_equal_one_pass(decoder: FamilyDecoder, chunk: int) -> None:
    ids = some_ids(decoder, 2, 60)
    cache = decoder.make_cache()
    parts = [decoder(ids[:, begin : begin + chunk], cache) for begin in range(0, 60, chunk)]
    assert relative(mx.concatenate(parts, axis=1), decoder(ids)) < 5e-6
    assert cache.offset == 60


def test_rows_padded_on_the_left_say_what_they_say_alone(decoder: FamilyDecoder) -> None:
    """As many rows as key-value heads, which is where masks of a wrong shape pass unseen."""
    ids = some_ids(decoder, 2, 40)
    lengths = (40, 23)
    padding = mx.array([40 - length for length in lengths])
    rows = mx.array(
        np.stack([np.r_[np.zeros(40 - n, int), np.array(ids[row])[:n]] for row, n in enumerate(lengths)])
    )
    cache, layout = decoder.make_cache(), LeftPadded(padding)
    first = decoder(rows[:, :31], cache, layout)
    second = decoder(rows[:, 31:], cache, layout)
    together = mx.concatenate([first, second], axis=1)
    plain = decoder(rows, layout=layout)
    for row, length in enumerate(lengths):
        alone = decoder(ids[row : row + 1, :length])[0]
        for found in (together, plain):
            assert relative(found[row, 40 - length :], alone) < 5e-6


def test_rewinding_gives_what_was_there(decoder: FamilyDecoder) -> None:
    ids = some_ids(decoder, 1, 50)
    cache = decoder.make_cache()
    decoder(ids[:, :20], cache)
    cache.mark()
    decoder(some_ids(decoder, 1, 25, seed=9), cache)
    assert cache.rewind(20) == 20
    assert relative(decoder(ids[:, 20:], cache), decoder(ids)[:, 20:]) < 5e-6


def test_the_window_of_a_layer_is_one(decoder: FamilyDecoder) -> None:
    """Only the family with sliding layers loses sight of what is far away; its full layer keeps it."""
    ids = some_ids(decoder, 1, 60)
    hidden: list[mx.array] = []
    decoder.hidden(ids, taps=hidden)
    other: list[mx.array] = []
    decoder.hidden(mx.concatenate([ids[:, :1] + 1, ids[:, 1:]], axis=1), taps=other)
    assert len(hidden) == 4 and hidden[0].shape == (1, 60, 64)
    blind = relative(hidden[1][:, 20:], other[1][:, 20:]) == 0
    assert blind == (decoder.config.layer_windows[0] is not None)
    assert relative(hidden[2][:, 20:], other[2][:, 20:]) > 0


def test_checkpointing_gives_the_same_gradients_and_leaves_the_layers(decoder: FamilyDecoder) -> None:
    ids = some_ids(decoder, 2, 24)
    layers = decoder.model.layers

    def gradients() -> dict[str, mx.array]:
        def loss(parameters: dict[str, Any]) -> mx.array:
            decoder.update(parameters)
            return decoder.hidden(ids).square().sum()

        return dict(tree_flatten(mx.grad(loss)(decoder.trainable_parameters())))

    plain = gradients()
    decoder.gradient_checkpointing = True
    again = gradients()
    assert decoder.model.layers is layers
    assert plain.keys() == again.keys()
    assert max(relative(again[name], plain[name]) for name in plain if "embed" not in name) < 2e-5


def test_embeddings_may_take_the_place_of_ids(decoder: FamilyDecoder) -> None:
    ids = some_ids(decoder, 1, 9)
    if decoder._embeddings is None:
        with pytest.raises(ModelError, match="takes no embeddings"):
            decoder.hidden(ids, embeddings=decoder.embed(ids))
        return
    assert relative(decoder.hidden(ids, embeddings=decoder.embed(ids)), decoder.hidden(ids)) == 0
    noisy = decoder.hidden(ids, embeddings=decoder.embed(ids) + 1)
    assert relative(noisy, decoder.hidden(ids)) > 1e-3


def test_a_scale_of_the_logits_reaches_training_and_an_unknown_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scales = {
        "logits_scaling": 1.0, "attention_multiplier": 0.25, "embedding_multiplier": 2.0,
        "residual_multiplier": 0.5, "attention_bias": False, "mlp_bias": False,
    }  # fmt: skip
    scaled = {**scales, "logits_scaling": 8.0}
    plain, eighth = family_decoder("granite", **scales), family_decoder("granite", **scaled)
    for decoder in (plain, eighth):
        decoder.check_calls("config.json")
    ids = some_ids(plain, 1, 9)
    assert relative(eighth(ids) * 8, plain(ids)) < 5e-6
    monkeypatch.delitem(LOGIT_SCALES, "granite")
    with pytest.raises(ModelError, match="more than a product with the vocabulary"):
        family_decoder("granite", **scaled).check_calls("config.json")


def test_a_head_that_is_not_the_embedding() -> None:
    decoder = family_decoder(tie_word_embeddings=False)
    decoder.check_calls("config.json")
    before = decoder(some_ids(decoder, 1, 5))
    decoder.lm_head.weight = decoder.lm_head.weight * 2
    assert relative(decoder(some_ids(decoder, 1, 5)), before * 2) < 1e-6
