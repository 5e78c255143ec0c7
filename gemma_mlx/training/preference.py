"""Preference losses on chosen and rejected answers: DPO (Rafailov 2023) and ORPO (Hong 2024).

Checked against TRL's formulas on the same log probabilities. One choice is the paper's, not TRL's: ORPO's
supervised part takes the mean over the chosen answer alone, where TRL counts prompt and padding too. P pairs.
"""

from __future__ import annotations

from typing import Literal

import mlx.core as mx
import mlx.nn as nn

_SURE = -1e-6
"""The mean log-probability of an answer above which its odds are taken as they are there."""


def preference_losses(
    objective: Literal["sft", "dpo", "orpo"],
    log_probabilities: mx.array,
    reference: mx.array | None,
    tokens: mx.array,
    beta: float,
) -> mx.array:
    """The loss of each pair (P,).

    `log_probabilities` (2P,): sums over each answer's tokens, first all chosen ones, then the rejected ones
    in the same order; `reference` the same under the frozen base (DPO); `tokens` (2P,) the token counts.
    """
    pairs = log_probabilities.shape[0] // 2
    chosen, rejected = log_probabilities[:pairs], log_probabilities[pairs:]
    if objective == "dpo":
        assert reference is not None
        margin = (chosen - rejected) - (reference[:pairs] - reference[pairs:])
        return -nn.log_sigmoid(beta * margin)
    assert objective == "orpo"
    mean_chosen, mean_rejected = chosen / tokens[:pairs], rejected / tokens[pairs:]
    # An answer that is all but certain has no finite odds in float32: it stops just short of that.
    sure_chosen, sure_rejected = (mx.minimum(mean, _SURE) for mean in (mean_chosen, mean_rejected))
    odds = (mean_chosen - mean_rejected) - (mx.log1p(-mx.exp(sure_chosen)) - mx.log1p(-mx.exp(sure_rejected)))
    return -mean_chosen - beta * nn.log_sigmoid(odds)
