"""The decoder: caches, chunks, padding and packing change nothing; malformed options do."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest

from gemma_mlx.models.config import parse_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.models.layout import LeftPadded, Segments
from tests.tiny import TINY_GENERATIONS, WINDOW, tiny_config

LENGTHS = (WINDOW - 1, WINDOW, WINDOW + 1, int(2.5 * WINDOW))


def tiny_decoder(generation: str, seed: int = 0, **changes: object) -> Decoder:
    """A random decoder with norms that are not degenerate."""
    mx.random.seed(seed)
    decoder = Decoder(parse_config(tiny_config(generation, **changes), "tiny"))
    decoder.apply_to_modules(
        lambda _, module: (
            module.update({"weight": 0.2 * mx.random.normal(module.weight.shape)})
            if type(module).__name__ == "RMSNorm"
            else None
        )
    )
    mx.eval(decoder.parameters())
    return decoder


def some_ids(decoder: Decoder, rows: int, length: int, seed: int = 1) -> mx.array:
    numbers = np.random.default_rng(seed).integers(3, decoder.config.vocab_size, (rows, length))
    return mx.array(numbers)


def relative(actual: mx.array, expected: mx.array) -> float:
    return float(mx.linalg.norm(actual - expected) / mx.linalg.norm(expected))


@pytest.fixture(params=TINY_GENERATIONS)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return tiny_decoder(request.param)


@pytest.mark.parametrize("chunk", [1, 7, WINDOW - 1, WINDOW, WINDOW + 3])
def test_cached_chunks_equal_one_pass(decoder: Decoder, chunk: int) -> None:
    ids = some_ids(decoder, 2, 90)
    cache = decoder.make_cache()
    parts = [decoder(ids[:, begin : begin + chunk], cache) for begin in range(0, 90, chunk)]
    assert relative(mx.concatenate(parts, axis=1), decoder(ids)) < 5e-6
    assert cache.offset == 90


def test_query_blocks_equal_one_block(monkeypatch: pytest.MonkeyPatch, decoder: Decoder) -> None:
    ids = some_ids(decoder, 2, 3 * WINDOW + 5)
    whole = decoder(ids)
    monkeypatch.setattr("gemma_mlx.models.attention.QUERY_BLOCK", 7)
    assert relative(decoder(ids), whole) < 5e-6


def test_left_padded_rows_equal_single_rows(decoder: Decoder) -> None:
    """As many rows as kv heads, of unequal length: the case in which mlx-lm is silently wrong."""
    rows = [some_ids(decoder, 1, length, seed=length) for length in (11, 40)]
    padded = mx.concatenate([mx.pad(rows[0], ((0, 0), (29, 0))), rows[1]])
    layout = LeftPadded(mx.array([29, 0]))
    cache = decoder.make_cache()
    first = decoder(padded[:, :35], cache, layout)
    logits = mx.concatenate([first, decoder(padded[:, 35:], cache, layout)], axis=1)
    assert relative(logits[:1, 29:], decoder(rows[0])) < 5e-6
    assert relative(logits[1:], decoder(rows[1])) < 5e-6


def test_segments_do_not_see_each_other(decoder: Decoder) -> None:
    lengths = (5, *LENGTHS, 40, 40, 1)
    rows = [some_ids(decoder, 1, length, seed=index) for index, length in enumerate(lengths)]
    packed = decoder(mx.concatenate(rows, axis=1), layout=Segments(lengths))
    alone = mx.concatenate([decoder(row) for row in rows], axis=1)
    assert relative(packed, alone) < 5e-6


def test_window_matters_only_beyond_it() -> None:
    decoder = tiny_decoder("gemma2")
    wide = tiny_decoder("gemma2", sliding_window=4096)
    inside, outside = some_ids(decoder, 1, WINDOW), some_ids(decoder, 1, WINDOW + 1)
    assert relative(decoder(inside), wide(inside)) < 1e-6
    assert relative(decoder(outside)[:, -1], wide(outside)[:, -1]) > 1e-3


@pytest.mark.parametrize("field", ["attn_logit_softcapping", "final_logit_softcapping"])
def test_softcaps_can_be_switched_off(field: str) -> None:
    ids = some_ids(tiny_decoder("gemma2"), 1, 12)
    without = tiny_decoder("gemma2", **{field: None})
    small = tiny_decoder("gemma2", **{field: 0.5})
    assert relative(small(ids), without(ids)) > 1e-2


def test_gradient_checkpointing_changes_no_gradient(decoder: Decoder) -> None:
    ids = some_ids(decoder, 1, 20)

    def gradient() -> mx.array:
        def loss(weight: mx.array) -> mx.array:
            decoder.model.layers[0].mlp.up_proj.weight = weight
            return mx.square(decoder(ids)).mean()

        return mx.grad(loss)(decoder.model.layers[0].mlp.up_proj.weight)

    plain = gradient()
    decoder.gradient_checkpointing = True
    assert relative(gradient(), plain) < 1e-6


def test_untied_head_is_used() -> None:
    decoder = tiny_decoder("gemma2", tie_word_embeddings=False, final_logit_softcapping=None)
    ids = some_ids(decoder, 1, 6)
    before = decoder(ids)
    decoder.lm_head.weight = decoder.lm_head.weight * 2
    assert relative(decoder(ids), 2 * before) < 1e-6


def test_embedding_scale_is_rounded_to_the_dtype() -> None:
    """The root of 72 is not exact in bfloat16; multiplying by the exact one would differ."""
    decoder = tiny_decoder("gemma2", hidden_size=72)
    decoder.set_dtype(mx.bfloat16)
    ids = some_ids(decoder, 1, 4)
    rounded = mx.array(72**0.5, mx.bfloat16)
    assert mx.array_equal(decoder.embed(ids), decoder.model.embed_tokens(ids) * rounded)
    assert float(rounded) != 72**0.5


def test_taps_are_the_embeddings_and_each_block(decoder: Decoder) -> None:
    ids, taps = some_ids(decoder, 1, 5), []
    last = decoder.hidden(ids, taps=taps)
    assert len(taps) == decoder.config.num_layers + 1
    assert mx.array_equal(taps[0], decoder.embed(ids))
    assert mx.array_equal(taps[-1], last)
