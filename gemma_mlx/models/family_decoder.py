"""A decoder of another family behind the doors that Gemma's has: call, `hidden`, `head`, `make_cache`.

mlx-lm's modules stay as they are, under their own names, which are transformers'; this program's cache and
layouts reach them as a cache of the kind they know. Rows packed end to end would need positions that start
anew within a row, which those modules cannot do: `ModelConfig.packs` says so, and the trainer pads.
B batch, L length, S keys, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.models.families import family_of, unsupported
from gemma_mlx.models.kv_cache import Cache, LayerCache, make_cache
from gemma_mlx.models.layout import Layout, LeftPadded, Segments

_EMBEDDINGS = ("input_embeddings", "inputs_embeds", "input_embeds")
PROBE = 0.05
"""How far two ways to the same logits may be apart, relative: the rounding of bf16 through many layers."""


class FamilyDecoder(nn.Module):
    """mlx-lm's decoder of a family: token ids to logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        family = family_of(config)
        self.config = config
        self.gradient_checkpointing = False
        self.begin_piece: Callable[[int], None] | None = None  # whole layers are recomputed, not pieces
        self.model = family.whole.model
        if "lm_head" in family.whole:
            self.lm_head = family.whole.lm_head
        self._whole = type(family.whole)
        self._args = family.whole.args
        self._logit_scale = family.logit_scale
        self._embeddings = next((name for name in _EMBEDDINGS if name in family.names), None)
        self.eval()

    def __call__(self, ids: mx.array, cache: Cache | None = None, layout: Layout = None) -> mx.array:
        """ids (B, L) to logits (B, L, V) in the weights' dtype."""
        return self.head(self.hidden(ids, cache, layout))

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, L) to embeddings (B, L, D), as the family's own embedding gives them."""
        return self.model.embed_tokens(ids)

    def hidden(
        self,
        ids: mx.array,
        cache: Cache | None = None,
        layout: Layout = None,
        *,
        embeddings: mx.array | None = None,
        taps: list[mx.array] | None = None,
    ) -> mx.array:
        """ids (B, L) to final hidden states (B, L, D), normed, ready for the head.

        The arguments are those of `Decoder.hidden`.

        Raises:
            ModelError: `embeddings` are given to a family that takes none.
        """
        assert not isinstance(layout, Segments), "rows of this family are padded, never packed"
        if cache is None and layout is not None:
            cache = self.make_cache(0)
        more: dict[str, Any] = {}
        if embeddings is not None:
            if self._embeddings is None:
                raise ModelError(
                    "no-embeddings", f"{self.config.name} takes no embeddings in place of ids.",
                    where="training.neftune_alpha", fix="Turn the noise on embeddings off (neftune_alpha 0).",
                )  # fmt: skip
            more[self._embeddings] = embeddings
        if cache is not None:
            more["cache"] = [_CacheView(layer, layout) for layer in cache.layers]
        layers = self.model.layers
        checkpointing = self.gradient_checkpointing and cache is None
        try:
            if checkpointing or taps is not None:
                # For this call alone: patched classes would nest.
                self.model.layers = [_Watched(layer, checkpointing, taps) for layer in layers]
            x = self.model(ids, **more)
        finally:
            self.model.layers = layers
        if taps is not None:
            taps.append(x)
        if self._logit_scale != 1:
            # Here and not in the head: a loss forms the logits itself, from the weights.
            x = (x.astype(mx.float32) * self._logit_scale).astype(x.dtype)
        return x

    def head(self, hidden: mx.array) -> mx.array:
        """Hidden states (..., D) to logits (..., V)."""
        return self.lm_head(hidden) if "lm_head" in self else self.model.embed_tokens.as_linear(hidden)

    def make_cache(self, marks: int = 8) -> Cache:
        """An empty key-value cache for this decoder."""
        return make_cache(self.config, marks)

    def check_calls(self, where: str) -> None:
        """Try the doors on three tokens, and refuse a family that does more to its logits than the head does.

        Training forms the logits itself, a few rows at a time, so a scale that only the family's own call
        knows would be missed silently.

        Raises:
            ModelError: `unknown-model`.
        """
        whole = self._whole(self._args)
        whole.model = self.model
        if "lm_head" in self:
            whole.lm_head = self.lm_head
        ids = mx.array([[1, 2, 0]]) % self.config.vocab_size
        try:
            theirs, ours = (logits(ids).astype(mx.float32) for logits in (whole, self))
            cache = self.make_cache(0)
            parts = [self(ids[:, :2], cache), self(ids[:, 2:], cache)]
            cached = mx.concatenate(parts, axis=1).astype(mx.float32)
            mx.eval(theirs, ours, cached)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as problem:
            why = f"it is called in a way that is not known here ({problem})"
            raise unsupported(self.config.generation, where, why) from None
        for logits, why in (
            (ours, "its logits are more than a product with the vocabulary"),
            (cached, "with a cache it computes something else"),
        ):
            if theirs.shape != logits.shape or _differ(theirs, logits):
                raise unsupported(self.config.generation, where, why)


def _differ(first: mx.array, second: mx.array) -> bool:
    wrong, size = (mx.linalg.norm(array.reshape(-1)) for array in (first - second, first))
    # Not finite: what is wrong then is the weights, and generation says it.
    return bool((wrong > PROBE * size).item())


class _CacheView:
    """One layer's cache and the rows' padding, as mlx-lm's attention and masks ask for them."""

    def __init__(self, cache: LayerCache, layout: LeftPadded | None) -> None:
        self._cache = cache
        self._padding = None if layout is None else layout.padding

    @property
    def offset(self) -> Any:
        """The position of the next token: one for all rows, or (B,) where they are padded."""
        return self._cache.offset if self._padding is None else self._cache.offset - self._padding

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        return self._cache.update(keys, values)

    def make_mask(
        self, length: int, return_array: bool = False, window_size: int | None = None, **_unused: Any
    ) -> Any:
        """What the next `length` queries see: None for all, "causal", or booleans (L, S) or (B, 1, L, S)."""
        offset = self._cache.offset
        window = window_size or self._cache.window
        first = 0 if self._cache.window is None else max(0, offset - (self._cache.window - 1))
        limited = window is not None and window < offset + length - first
        if self._padding is None and not limited and not return_array:
            return None if length == 1 else "causal"
        query = mx.arange(offset, offset + length)[:, None]
        key = mx.arange(first, offset + length)[None]
        mask = key <= query
        if window is not None:
            mask = mask & (key > query - window)
        if self._padding is None:
            return mask
        return mask[None, None] & (key[None, None] >= self._padding[:, None, None, None])


class _Watched:
    """A layer that is computed again in the backward pass, or that notes what it was given."""

    def __init__(self, layer: nn.Module, checkpointing: bool, taps: list[mx.array] | None) -> None:
        self._layer = layer
        self._call: Callable[..., Any] = nn.utils.checkpoint(layer) if checkpointing else layer
        self._taps = taps

    def __call__(self, x: mx.array, *more: Any, **named: Any) -> Any:
        if self._taps is not None:
            self._taps.append(x)
        return self._call(x, *more, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)  # some decoders ask their layers what mask they need
