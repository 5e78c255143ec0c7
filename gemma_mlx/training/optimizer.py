"""Optimizers over a flat mapping of names to arrays, and the learning rate at each step.

AdamW is written out here so that its bias corrections are formed in double precision, as PyTorch's are;
Adafactor and Lion are MLX's. The state is a flat mapping too: a checkpoint stores it as it is.
"""

from __future__ import annotations

import math

import mlx.core as mx
import mlx.optimizers

from gemma_mlx.settings import TrainSettings

Arrays = dict[str, mx.array]
_BETAS = (0.9, 0.999)
_EPS = 1e-8


def learning_rate_at(step: int, total: int, settings: TrainSettings) -> float:
    """The learning rate of optimizer step `step` (from 0) of `total`, by transformers' schedules.

    Warm-up rises linearly from 0 (the first of its steps has rate 0, as in transformers); linear falls to 0,
    cosine along half a wave to 0.
    """
    peak, warmup = settings.learning_rate, min(settings.warmup_steps, total)
    if step < warmup:
        return peak * step / warmup
    if settings.schedule == "constant":
        return peak
    share = (step - warmup) / max(1, total - warmup)
    if settings.schedule == "linear":
        return peak * max(0.0, 1 - share)
    return peak * 0.5 * (1 + math.cos(math.pi * share))


def clip_gradients(gradients: Arrays, most: float | None) -> tuple[Arrays, mx.array]:
    """Gradients scaled so that their joint L2 norm is at most `most`, and the norm before (a scalar).

    As torch.nn.utils.clip_grad_norm_: the divisor is norm + 1e-6.
    """
    squares = [mx.square(gradient.astype(mx.float32)).sum() for gradient in gradients.values()]
    norm = mx.sqrt(mx.stack(squares).sum())
    if most is None:
        return gradients, norm
    factor = mx.minimum(1.0, most / (norm + 1e-6))
    return {name: gradient * factor.astype(gradient.dtype) for name, gradient in gradients.items()}, norm


class Optimizer:
    """One of the optimizers of `TrainSettings`. Parameters named `...lora_B` learn faster under LoRA+."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._steps = 0
        self._moments: dict[str, Arrays] = {}
        self._library: mlx.optimizers.Optimizer | None = None
        if settings.optimizer == "adafactor":
            self._library = mlx.optimizers.Adafactor(
                relative_step=False,
                scale_parameter=False,
                weight_decay=settings.weight_decay,
                learning_rate=0.0,
            )
        elif settings.optimizer == "lion":
            self._library = mlx.optimizers.Lion(0.0, weight_decay=settings.weight_decay)

    def update(self, parameters: Arrays, gradients: Arrays, learning_rate: float) -> Arrays:
        """The parameters after one step. Nothing is evaluated yet."""
        self._steps += 1
        updated = {}
        for name, parameter in parameters.items():
            ratio = self._settings.lora_plus_ratio if name.endswith("lora_B") else 1.0
            updated[name] = self._step_of_one(name, parameter, gradients[name], learning_rate * ratio)
        return updated

    def _step_of_one(self, name: str, parameter: mx.array, gradient: mx.array, rate: float) -> mx.array:
        if self._library is not None:
            if name not in self._moments:
                self._moments[name] = {}
                self._library.init_single(parameter, self._moments[name])
            self._library.state["step"] = mx.array(self._steps, mx.uint64)
            self._library.learning_rate = rate
            return self._library.apply_single(gradient, parameter, self._moments[name])
        return self._adamw(name, parameter, gradient, rate)

    def _adamw(self, name: str, parameter: mx.array, gradient: mx.array, rate: float) -> mx.array:
        """Loshchilov and Hutter 2019, bias corrected, operations in the order of torch.optim.AdamW's."""
        beta1, beta2 = _BETAS
        moments = self._moments.setdefault(
            name, {"m": mx.zeros_like(parameter), "v": mx.zeros_like(parameter)}
        )
        moments["m"] = beta1 * moments["m"] + (1 - beta1) * gradient
        moments["v"] = beta2 * moments["v"] + (1 - beta2) * mx.square(gradient)
        root = mx.sqrt(moments["v"]) / math.sqrt(1 - beta2**self._steps) + _EPS
        decayed = parameter * (1 - rate * self._settings.weight_decay)
        return decayed - (rate / (1 - beta1**self._steps)) * moments["m"] / root

    @property
    def steps(self) -> int:
        """Updates made so far."""
        return self._steps

    def state(self) -> Arrays:
        """All that the next step depends on, by "parameter|slot", in the order of the names.

        The order is fixed so that a resumed run writes the same bytes as one that was not.
        """
        return {
            f"{name}|{slot}": self._moments[name][slot]
            for name in sorted(self._moments)
            for slot in sorted(self._moments[name])
        }

    def restore(self, state: Arrays, steps: int) -> None:
        """Takes up a state that `state` gave after `steps` updates."""
        self._steps = steps
        self._moments = {}
        for key, array in state.items():
            name, slot = key.rsplit("|", 1)
            self._moments.setdefault(name, {})[slot] = array
