"""Gemma 1, 2 and 3 as one decoder whose differences are fields of its configuration.

Parameter names are transformers', so that loading, PEFT's adapters and parity need no renaming.
B batch, L length, D hidden, H heads, K kv heads, d head dimension, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_unflatten

from gemma_mlx.models.attention import attend, few_scores
from gemma_mlx.models.config import ModelConfig
from gemma_mlx.models.kv_cache import Cache, LayerCache, make_cache
from gemma_mlx.models.layers import GatedMLP, RMSNorm, RotaryEmbedding, softcap_logits
from gemma_mlx.models.layout import Layout, LeftPadded, Segments
from gemma_mlx.models.recompute import Arrays, by_pieces, piece_rows


class Attention(nn.Module):
    """Multi-head attention of layer `index`: window, rotary base and softcap come from the configuration."""

    def __init__(self, config: ModelConfig, index: int) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.num_heads, config.num_kv_heads, config.head_dim
        self.scale = config.attention_scale
        self.softcap = config.attention_softcap
        self.window = config.layer_windows[index]
        hidden, bias = config.hidden_size, config.attention_bias
        self.q_proj = nn.Linear(hidden, self.heads * self.head_dim, bias=bias)
        self.k_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=bias)
        self.v_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=bias)
        self.o_proj = nn.Linear(self.heads * self.head_dim, hidden, bias=bias)
        if config.qk_norm:
            self.q_norm = RMSNorm(self.head_dim, config.rms_norm_eps)
            self.k_norm = RMSNorm(self.head_dim, config.rms_norm_eps)
        self.rope = RotaryEmbedding(self.head_dim, config.layer_ropes[index])

    def __call__(
        self, x: mx.array, cache: LayerCache | None = None, layout: Layout = None, *, again: bool = False
    ) -> mx.array:
        """x (B, L, D) to (B, L, D). `again`: the caller computes this again in its backward pass."""
        batch, length, _ = x.shape
        queries = self._split(self.q_proj(x), self.heads)  # (B, H, L, d)
        keys = self._split(self.k_proj(x), self.kv_heads)  # (B, K, L, d)
        values = self._split(self.v_proj(x), self.kv_heads)
        if "q_norm" in self:
            queries, keys = self.q_norm(queries), self.k_norm(keys)
        lean = self.training and cache is None
        if isinstance(layout, Segments):
            assert cache is None and batch == 1
            pairs = sum(count * length**2 for count, length in layout.runs())
            lean = lean and not (again and few_scores(self.heads, pairs))
            out = self._attend_segments(queries, keys, values, layout, lean)
        else:
            lean = lean and not (again and few_scores(self.heads, batch * length**2))
            out = self._attend(queries, keys, values, cache, layout, lean)
        return self.o_proj(out.swapaxes(1, 2).reshape(batch, length, -1))

    def _split(self, x: mx.array, heads: int) -> mx.array:
        """(B, L, heads * d) to (B, heads, L, d)."""
        return x.reshape(*x.shape[:2], heads, self.head_dim).swapaxes(1, 2)

    def _attend(
        self,
        queries: mx.array,
        keys: mx.array,
        values: mx.array,
        cache: LayerCache | None = None,
        layout: LeftPadded | None = None,
        lean: bool = False,
    ) -> mx.array:
        offset = 0 if cache is None else cache.offset
        position = offset if layout is None else offset - layout.padding
        queries, keys = self.rope(queries, position), self.rope(keys, position)
        if cache is not None:
            keys, values = cache.update(keys, values)
        return attend(
            queries, keys, values, scale=self.scale, softcap=self.softcap, window=self.window,
            layout=layout, offset=offset, lean=lean,
        )  # fmt: skip

    def _attend_segments(
        self, queries: mx.array, keys: mx.array, values: mx.array, layout: Segments, lean: bool
    ) -> mx.array:
        """Each run of equally long segments as a batch of its own: no padding, no cross-talk."""
        runs = layout.runs()
        ends = [0]
        for count, length in runs:
            ends.append(ends[-1] + count * length)
        parts = [mx.split(array, ends[1:-1], axis=2) for array in (queries, keys, values)]
        outs = []
        for (count, length), q, k, v in zip(runs, *parts, strict=True):
            rows = [_to_rows(array, count, length) for array in (q, k, v)]
            outs.append(_to_line(self._attend(rows[0], rows[1], rows[2], lean=lean)))
        return outs[0] if len(outs) == 1 else mx.concatenate(outs, axis=2)


def _to_rows(x: mx.array, count: int, length: int) -> mx.array:
    """(1, H, count * length, d) to (count, H, length, d)."""
    _, heads, _, dimension = x.shape
    return x.reshape(heads, count, length, dimension).swapaxes(0, 1)


def _to_line(x: mx.array) -> mx.array:
    """(count, H, length, d) to (1, H, count * length, d)."""
    count, heads, length, dimension = x.shape
    return x.swapaxes(0, 1).reshape(1, heads, count * length, dimension)


class Block(nn.Module):
    """One decoder layer: attention and feed-forward, each with a norm before and, from Gemma 2 on, after."""

    def __init__(self, config: ModelConfig, index: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, index)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        if config.post_norms:
            self.pre_feedforward_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
            self.post_feedforward_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, x: mx.array, cache: LayerCache | None = None, layout: Layout = None) -> mx.array:
        """x (B, L, D) to (B, L, D)."""
        return self.feed_forward(self.attention(x, cache, layout))

    def attention(
        self, x: mx.array, cache: LayerCache | None = None, layout: Layout = None, *, again: bool = False
    ) -> mx.array:
        """The first half of the layer, x (B, L, D) to (B, L, D)."""
        attended = self.self_attn(self.input_layernorm(x), cache, layout, again=again)
        if "post_feedforward_layernorm" in self:
            return self.post_attention_layernorm.added_to(x, attended)
        return x + attended

    def feed_forward(self, x: mx.array) -> mx.array:
        """The second half, which treats each position by itself, x (..., D) to (..., D)."""
        if "post_feedforward_layernorm" in self:
            return self.post_feedforward_layernorm.added_to(x, self.mlp(self.pre_feedforward_layernorm(x)))
        # Where there are no post-norms, the norm of this name stands before the feed-forward.
        return x + self.mlp(self.post_attention_layernorm(x))

    def recomputed(
        self, x: mx.array, layout: Layout = None, begin_piece: Callable[[int], None] | None = None
    ) -> mx.array:
        """`__call__` that keeps the inputs of its two halves alone (gradient checkpointing).

        The feed-forward goes over the rows in pieces, one after the other, forward and back.
        """
        trainable = dict(tree_flatten(self.trainable_parameters()))

        def attention(parameters: Arrays, x: mx.array) -> mx.array:
            self.update(tree_unflatten(list(parameters.items())))
            return self.attention(x, None, layout, again=True)

        def feed_forward(parameters: Arrays, x: mx.array) -> mx.array:
            self.update(tree_unflatten(list(parameters.items())))
            return self.feed_forward(x)

        # The norm after attention stands before the feed-forward of Gemma 1: it belongs to either half.
        first = _named(trainable, ("self_attn", "input_layernorm", "post_attention_layernorm"))
        second = _named(trainable, ("mlp", "pre_feedforward", "post_feedforward", "post_attention_layernorm"))
        x = mx.checkpoint(attention)(first, x)
        rows = x.reshape(-1, x.shape[-1])
        size = piece_rows(rows.shape[0], self.mlp.inner)
        return by_pieces(feed_forward, second, rows, size, begin_piece).reshape(x.shape)


def _named(arrays: Arrays, beginnings: tuple[str, ...]) -> Arrays:
    return {name: array for name, array in arrays.items() if name.startswith(beginnings)}


class Backbone(nn.Module):
    """Embedding, blocks and the final norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = [Block(config, index) for index in range(config.num_layers)]
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)


class Decoder(nn.Module):
    """A Gemma of any generation up to 3: token ids to logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        self.begin_piece: Callable[[int], None] | None = None  # told of each piece that is recomputed
        self.model = Backbone(config)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.eval()  # training is the exception: the trainer asks for it

    def __call__(self, ids: mx.array, cache: Cache | None = None, layout: Layout = None) -> mx.array:
        """ids (B, L) to logits (B, L, V) in the weights' dtype."""
        return self.head(self.hidden(ids, cache, layout))

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, L) to embeddings (B, L, D), scaled by sqrt(D) rounded to the weights' dtype."""
        embedded = self.model.embed_tokens(ids)
        return embedded * mx.array(self.config.hidden_size**0.5, dtype=embedded.dtype)

    def hidden(
        self,
        ids: mx.array,
        cache: Cache | None = None,
        layout: Layout = None,
        *,
        embeddings: mx.array | None = None,
        taps: list[mx.array] | None = None,
    ) -> mx.array:
        """ids (B, L) to final hidden states (B, L, D), normed.

        `embeddings` (B, L, D) takes the place of `embed(ids)`. `taps` collects what transformers'
        `output_hidden_states` gives: the embeddings, each block's output, the last one normed.
        """
        x = self.embed(ids) if embeddings is None else embeddings
        caches = [None] * len(self.model.layers) if cache is None else cache.layers
        for layer, layer_cache in zip(self.model.layers, caches, strict=True):
            if taps is not None:
                taps.append(x)
            if self.gradient_checkpointing and cache is None:
                x = layer.recomputed(x, layout, self.begin_piece)
            else:
                x = layer(x, layer_cache, layout)
        x = self.model.norm(x)
        if taps is not None:
            taps.append(x)
        return x

    def head(self, hidden: mx.array) -> mx.array:
        """Hidden states (..., D) to logits (..., V), softcapped where the model is."""
        logits = self.lm_head(hidden) if "lm_head" in self else self.model.embed_tokens.as_linear(hidden)
        cap = self.config.final_softcap
        return logits if cap is None else softcap_logits(logits, cap)

    def make_cache(self, marks: int = 8) -> Cache:
        """An empty key-value cache for this decoder."""
        return make_cache(self.config, marks)
