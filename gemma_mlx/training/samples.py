"""Answers to a run's fixed prompts while it trains: what the curve of the loss does not show."""

from __future__ import annotations

from collections.abc import Iterator

from gemma_mlx.adapters.lora import enable_lora
from gemma_mlx.adapters.products import UnpackedLinear, unpack_products
from gemma_mlx.events import Done, Sample
from gemma_mlx.inference.generate import generate
from gemma_mlx.load import Loaded
from gemma_mlx.settings import SamplingSettings, TrainSettings
from gemma_mlx.text.chat_template import Message


def sample_answers(loaded: Loaded, plan: TrainSettings, step: int, *, plain_text: bool) -> Iterator[Sample]:
    """Greedy answers of the model as it is after `step` updates; at step 0 those of the base.

    `plain_text`: the dataset has no turns, so that a prompt is text to be continued. The model is back in
    training when the generator ends or is closed.
    """
    sampling = SamplingSettings(temperature=0.0, max_tokens=plan.sample_tokens)
    model = loaded.model
    # Products that dequantize first pay for the many rows of training, not for the one row of decoding.
    unpacked = any(isinstance(module, UnpackedLinear) for _, module in model.named_modules())
    unpack_products(model, False)
    model.eval()
    enable_lora(model, step > 0)
    try:
        for prompt in plan.sample_prompts:
            asked = prompt if plain_text else [Message("user", prompt)]
            events = list(generate(loaded, asked, sampling))
            text = next(event.result["text"] for event in events if isinstance(event, Done))
            yield Sample(step, prompt, text)
    finally:
        enable_lora(model, True)
        model.train()
        unpack_products(model, unpacked)
