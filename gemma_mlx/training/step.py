"""One batch's loss and gradients, for supervised answers and for preferences.

Sums, not means: the trainer divides by the tokens (or pairs) of the whole step, so that accumulating small
batches gives what one large batch would. B rows, L length, N tokens with loss, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

from gemma_mlx.adapters.lora import DropoutKey, enable_lora
from gemma_mlx.adapters.products import unpack_products
from gemma_mlx.data.batches import Batch
from gemma_mlx.models.layout import Layout, Segments
from gemma_mlx.settings import TrainSettings
from gemma_mlx.training.losses import head_of, token_losses
from gemma_mlx.training.optimizer import Arrays
from gemma_mlx.training.order import step_key
from gemma_mlx.training.preference import preference_losses


@dataclass(frozen=True)
class Inputs:
    """A batch as the model takes it. `rows`, `targets`, `weights` (N,): only tokens that carry loss.

    Weights are 1, but for entries of weight 0 that round N up where steps are compiled.
    """

    ids: mx.array  # (B, L)
    layout: Layout
    rows: mx.array  # indices into B * L
    targets: mx.array
    weights: mx.array
    sequences: mx.array  # (N,): the example, in the batch's order, that a token belongs to
    lengths: tuple[int, ...]  # as computed: padded rows, or segments with that of the padding last
    count: int  # examples in the batch
    tokens: int  # that carry loss

    def arrays(self) -> list[mx.array]:
        """What differs from batch to batch of one kind."""
        return [self.ids, self.rows, self.targets, self.weights, self.sequences]

    def with_arrays(self, arrays: list[mx.array]) -> Inputs:
        """The same kind of batch with other arrays, tracers for example."""
        ids, rows, targets, weights, sequences = arrays
        return replace(self, ids=ids, rows=rows, targets=targets, weights=weights, sequences=sequences)


GradientFunction = Callable[[Arrays, list[mx.array], mx.array, mx.array], tuple[mx.array, Arrays]]


def to_inputs(batch: Batch, multiple: int = 1) -> Inputs:
    """Moves a batch to the device, leaving out what carries no loss; N becomes a multiple of `multiple`."""
    rows = np.flatnonzero(batch.mask.reshape(-1))
    tokens = len(rows)
    rows = np.pad(rows, (0, -tokens % multiple))
    if batch.segments is None:
        layout: Layout = None
        sequences = rows // batch.ids.shape[1]
        lengths = (batch.ids.shape[1],) * batch.ids.shape[0]
    else:
        layout = Segments(tuple(batch.segments))
        sequences = np.searchsorted(np.cumsum(batch.segments), rows, side="right")
        lengths = tuple(batch.segments)
    return Inputs(
        ids=mx.array(batch.ids),
        layout=layout,
        rows=mx.array(rows.astype(np.int32)),
        targets=mx.array(batch.targets.reshape(-1)[rows].astype(np.int32)),
        weights=mx.array((np.arange(len(rows)) < tokens).astype(np.float32)),
        sequences=mx.array(sequences.astype(np.int32)),
        lengths=lengths,
        count=len(batch.rows),
        tokens=tokens,
    )


class StepFunction:
    """Losses and gradients of a model under a run's settings.

    `compiled` traces the step once for each shape and fuses its element-wise work: for GPUs, with few shapes.
    `unpacked` dequantizes what is quantized before each product (`Strategy`).
    """

    def __init__(
        self,
        model: nn.Module,
        settings: TrainSettings,
        dropout: DropoutKey | None,
        *,
        compiled: bool = False,
        unpacked: bool = False,
    ) -> None:
        self.model = model
        self.settings = settings
        self.dropout = dropout
        self.compiled = compiled
        self.unpacked = unpacked
        # All weights of a 16-bit model are trained as float32 and rounded for the forward pass: 16 bits hold
        # no update of a usual learning rate (8 of them are the mantissa), and no second moment.
        self._widths = {name: array.dtype for name, array in tree_flatten(model.trainable_parameters())}
        self._functions: dict[tuple[Layout, int], GradientFunction] = {}
        self._noise: mx.array | None = None
        model.gradient_checkpointing = settings.gradient_checkpointing
        model.begin_piece = None if dropout is None else dropout.begin_piece
        model.train()
        if unpacked:
            unpack_products(model)

    def parameters(self) -> Arrays:
        """What is trained, by name, float32 in full fine-tuning."""
        found = dict(tree_flatten(self.model.trainable_parameters()))
        if self.settings.method == "lora":
            return found
        return {name: array.astype(mx.float32) for name, array in found.items()}

    def assign(self, parameters: Arrays) -> None:
        """Puts trained arrays into the model, rounded to the width that it computes in."""
        placed = [(name, array.astype(self._widths[name])) for name, array in parameters.items()]
        self.model.update(tree_unflatten(placed))

    def gradients(self, parameters: Arrays, inputs: Inputs, step: int, part: int) -> tuple[mx.array, Arrays]:
        """Sum of the losses and its gradients, evaluated. `part` numbers the batches of one step."""
        keys = [step_key(self.settings.seed, step, f"{use}-{part}") for use in ("dropout", "noise")]
        function = self._function_for(inputs)
        try:
            loss, gradients = function(parameters, inputs.arrays(), *keys)
            mx.eval(loss, gradients)
        finally:
            self._use_keys(None, None)
            self.assign(parameters)
        return loss, gradients

    def units(self, inputs: Inputs) -> int:
        """What the sum of losses is divided by: tokens with loss, or preference pairs."""
        return inputs.tokens if self.settings.objective == "sft" else inputs.count // 2

    def evaluate(self, inputs: Inputs) -> mx.array:
        """Sum of the losses without gradients, evaluated."""
        loss = self._loss(inputs, gradient=False)
        mx.eval(loss)
        return loss

    def sequence_losses(self, inputs: Inputs) -> mx.array:
        """Sum of token losses of each example (count,), evaluated: finds the row that poisons a batch."""
        sums = self._per_sequence(self._token_losses(inputs, gradient=False), inputs)
        mx.eval(sums)
        return sums

    def _function_for(self, inputs: Inputs) -> GradientFunction:
        """Loss and gradients as a function of arrays alone; what else the batch holds is part of its kind."""
        kind = (inputs.layout, inputs.count)
        if kind in self._functions:
            return self._functions[kind]

        def objective(
            parameters: Arrays, arrays: list[mx.array], dropout: mx.array, noise: mx.array
        ) -> mx.array:
            self.assign(parameters)
            self._use_keys(dropout, noise)
            return self._loss(inputs.with_arrays(arrays), gradient=True)

        function: GradientFunction = mx.value_and_grad(objective)
        if not self.compiled:
            return function
        self._functions[kind] = mx.compile(function)
        return self._functions[kind]

    def _use_keys(self, dropout: mx.array | None, noise: mx.array | None) -> None:
        if self.dropout is not None:
            self.dropout.key = dropout
        self._noise = noise if self.settings.neftune_alpha else None

    def _loss(self, inputs: Inputs, *, gradient: bool) -> mx.array:
        losses = self._token_losses(inputs, gradient=gradient)
        if self.settings.objective == "sft":
            return losses.sum()
        log_probabilities = -self._per_sequence(losses, inputs)
        reference = None
        if self.settings.objective == "dpo":
            # The base under the adapter is the reference model: no second copy in memory.
            enable_lora(self.model, False)
            reference = -self._per_sequence(self._token_losses(inputs, gradient=False), inputs)
            enable_lora(self.model, True)
            reference = mx.stop_gradient(reference)
        tokens = self._per_sequence(inputs.weights, inputs)
        return preference_losses(
            self.settings.objective, log_probabilities, reference, tokens, self.settings.preference_beta
        ).sum()

    def _token_losses(self, inputs: Inputs, *, gradient: bool) -> mx.array:
        """-log p of each token that carries loss (N,)."""
        embeddings = None
        if gradient and self._noise is not None:
            embeddings = self._noisy(self.model.embed(inputs.ids), inputs, self._noise)
        hidden = self.model.hidden(inputs.ids, layout=inputs.layout, embeddings=embeddings)
        hidden = hidden.reshape(-1, hidden.shape[-1])[inputs.rows]  # (N, D)
        trained = self.settings.method == "full"
        head = head_of(self.model, trained=trained, unpacked=self.unpacked)
        losses = token_losses(head, hidden, inputs.targets, chunk=self.settings.loss_chunk, gradient=gradient)
        return losses * inputs.weights

    def _per_sequence(self, values: mx.array, inputs: Inputs) -> mx.array:
        return mx.zeros((inputs.count,), values.dtype).at[inputs.sequences].add(values)

    def _noisy(self, embeddings: mx.array, inputs: Inputs, key: mx.array) -> mx.array:
        """NEFTune (Jain et al. 2023): uniform noise of size alpha / sqrt(L * D), L of each example's own."""
        width = embeddings.shape[-1]
        sizes = [self.settings.neftune_alpha / (length * width) ** 0.5 for length in inputs.lengths]
        if isinstance(inputs.layout, Segments):
            magnitude = mx.array(np.repeat(sizes, inputs.lengths).astype(np.float32))[None, :, None]
        else:
            magnitude = mx.array(sizes, dtype=mx.float32)[:, None, None]
        noise = mx.random.uniform(-1, 1, embeddings.shape, key=key) * magnitude
        return embeddings + noise.astype(embeddings.dtype)
