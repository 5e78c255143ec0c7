"""The reference itself: transformers' and PEFT's models on PyTorch, watched layer by layer.

Imports torch, transformers and peft, never mlx. Gold is eager attention in float32 without TF32.
B batch, L length, D hidden, V vocabulary, P points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from gemma_mlx.verification import seeded
from gemma_mlx.verification.cases import LINEAR_MODULES, TrainRow

BF16, FP32 = torch.bfloat16, torch.float32


def make_tensor(name: str, shape: tuple[int, ...], seed: int, device: str) -> torch.Tensor:
    """A weight of seeded.py, made on `device`: bf16 (which holds it exactly)."""
    if len(shape) == 1:
        return torch.from_numpy(seeded.make_tensor(name, shape, seed)).to(device, BF16)
    _, deviation = seeded.spread(name, shape)
    scale = float(np.float32(deviation / seeded.DEVIATION))
    out = torch.empty(shape, dtype=BF16, device=device)
    flat, chunk = out.view(-1), 1 << 27
    for begin in range(0, flat.numel(), chunk):  # in pieces: the integers take several times the memory
        end = min(begin + chunk, flat.numel())
        index = torch.arange(begin, end, dtype=torch.int32, device=device)
        total = torch.full_like(index, -seeded.CENTRE)
        for key in seeded.keys(name, seed):
            mixed = index ^ _signed(key)
            mixed ^= (mixed >> 16) & 0xFFFF
            mixed *= _signed(seeded.FIRST_FACTOR)
            mixed ^= (mixed >> 13) & 0x7FFFF
            mixed *= _signed(seeded.SECOND_FACTOR)
            mixed ^= (mixed >> 16) & 0xFFFF
            total += (mixed & 0xFFFF) + ((mixed >> 16) & 0xFFFF)
        flat[begin:end] = (total.to(FP32) * scale).to(BF16)
    return out


def _signed(value: int) -> int:
    """A 32-bit pattern as torch's int32 holds it."""
    return value - (1 << 32) if value >= 1 << 31 else value


def make_config(raw: Mapping[str, Any]) -> Any:
    """transformers' configuration of a parsed config.json; the decoder's part of a multimodal one."""
    from transformers import CONFIG_MAPPING

    kept = {
        name: value for name, value in raw.items() if name not in ("architectures", "torch_dtype", "dtype")
    }
    if kept.get("hidden_act") == "gelu":
        # The first releases say exact GELU and mean the tanh form: transformers 5.17 believes them, 5.23 not.
        kept["hidden_act"] = "gelu_pytorch_tanh"
    if raw.get("model_type") == "gemma3":
        return CONFIG_MAPPING["gemma3"](**kept).text_config
    return CONFIG_MAPPING[raw["model_type"]](**kept)


def build_model(raw: Mapping[str, Any], weights: Mapping[str, torch.Tensor], device: str = "cpu") -> Any:
    """transformers' model of this configuration with these weights, eager attention, ready to evaluate.

    Parameters keep the dtype of `weights`; buffers (rotary frequencies, the embedding scale) are float32, as
    from_pretrained leaves them.
    """
    from transformers import AutoModelForCausalLM

    config = make_config(raw)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=FP32)
    placed = {name: tensor.to(device) for name, tensor in weights.items()}
    missing, unexpected = model.load_state_dict(placed, strict=False, assign=True)
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set()
    if set(missing) - tied or unexpected:
        raise ValueError(f"weights missing: {sorted(set(missing) - tied)}, unknown: {sorted(unexpected)}")
    _remake_buffers(model, config, device)
    model.tie_weights()
    model.requires_grad_(False)
    return model.eval()


def _remake_buffers(model: Any, config: Any, device: str) -> None:
    """Buffers are not in the weights: those that the meta device left empty are computed."""
    backbone = model.model
    backbone.rotary_emb = type(backbone.rotary_emb)(config).to(device)
    for module in model.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.is_meta:
                if name != "embed_scale":
                    raise ValueError(f"buffer {name} of {type(module).__name__} is not known here")
                module._buffers[name] = torch.tensor(config.hidden_size**0.5, dtype=FP32, device=device)


def set_dtype(model: Any, dtype: torch.dtype) -> Any:
    """Casts the parameters, not the buffers: rotary frequencies stay float32."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    return model


@contextmanager
def layers_widened(model: Any) -> Iterator[None]:
    """float32 arithmetic over a bf16 model too large for float32: each layer is widened while it runs."""
    layers = list(model.model.layers)
    handles = []
    for layer in layers:
        handles.append(layer.register_forward_pre_hook(lambda module, _: set_dtype(module, FP32) and None))
        handles.append(layer.register_forward_hook(lambda module, _, __: set_dtype(module, BF16) and None))
    small = [model.model.embed_tokens, model.model.norm, model.lm_head]
    for module in small:
        set_dtype(module, FP32)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module in small:
            set_dtype(module, BF16)


@contextmanager
def watched(
    model: Any, keep: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.detach
) -> Iterator[list[torch.Tensor]]:
    """Collects, in the order of cases.py's `point_names`, what `keep` keeps of each point (B, L, D)."""
    seen: list[torch.Tensor] = []

    def first(out: Any) -> torch.Tensor:
        return out[0] if isinstance(out, tuple) else out

    def note(_: Any, __: Any, out: Any) -> None:
        seen.append(keep(first(out)))

    def note_input(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(keep(args[0] if args else kwargs["hidden_states"]))

    backbone = model.model
    handles = [backbone.layers[0].register_forward_pre_hook(note_input, with_kwargs=True)]
    for layer in backbone.layers:
        handles += [module.register_forward_hook(note) for module in (layer.self_attn, layer.mlp, layer)]
    handles.append(backbone.norm.register_forward_hook(note))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def run(model: Any, ids: np.ndarray) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One prefill of ids (L,): logits (L, V) and the points (L, D), in the model's dtype."""
    with torch.no_grad(), watched(model) as seen:
        logits = model(input_ids=_batch(ids, model), use_cache=False).logits[0]
    return logits, [point[0] for point in seen]


def run_steps(model: Any, ids: np.ndarray) -> torch.Tensor:
    """The logits (L, V) of ids (L,) given one by one to a cache: the reference's own noise."""
    from transformers import DynamicCache

    cache, rows = DynamicCache(config=model.config), []
    with torch.no_grad():
        for token in _batch(ids, model)[0]:
            rows.append(
                model(input_ids=token[None, None], past_key_values=cache, use_cache=True).logits[0, -1]
            )
    return torch.stack(rows)


def run_greedy(model: Any, prompt: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` likeliest tokens after a prompt, and how far each is above the second (both (count,))."""
    from transformers import DynamicCache

    cache, tokens, margins = DynamicCache(config=model.config), [], []
    ids = _batch(prompt, model)
    with torch.no_grad():
        for _ in range(count):
            logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits[0, -1].float()
            best = torch.topk(logits, 2)
            tokens.append(int(best.indices[0]))
            margins.append(float(best.values[0] - best.values[1]))
            ids = best.indices[:1][None]
    return np.array(tokens, np.int32), np.array(margins, np.float32)


def _batch(ids: np.ndarray, model: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(ids, np.int64))[None].to(model.device)


def loss_of(model: Any, rows: Sequence[TrainRow]) -> torch.Tensor:
    """Mean cross entropy in float32 over the targets that count; rows padded on the right and masked."""
    length = max(len(row.ids) for row in rows)
    ids = np.zeros((len(rows), length), np.int64)
    real, counts = np.zeros_like(ids), np.zeros(ids.shape, bool)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)], real[index, : len(row.ids)] = row.ids, 1
        counts[index, : len(row.ids)] = row.loss_mask
    device = next(model.parameters()).device
    placed = torch.from_numpy(ids).to(device)
    out = model(input_ids=placed, attention_mask=torch.from_numpy(real).to(device), use_cache=False)
    wanted = torch.from_numpy(counts).to(device)[:, 1:]
    return functional.cross_entropy(out.logits[:, :-1][wanted].float(), placed[:, 1:][wanted])


def add_lora(model: Any, initial: Mapping[str, np.ndarray], *, rank: int, alpha: float, **flags: bool) -> Any:
    """The model with PEFT's adapter on all seven modules, A and B set to `initial` (float32)."""
    from peft import LoraConfig, get_peft_model

    modules = [name.split(".")[-1] for name in LINEAR_MODULES]
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=modules, lora_dropout=0.0, bias="none", **flags
    )
    tuned = get_peft_model(model, config)
    named = dict(adapter_parameters(tuned))
    with torch.no_grad():
        for name, values in initial.items():
            named[name].copy_(torch.from_numpy(values))
    return tuned


def adapter_parameters(tuned: Any) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """What an adapter trains, by the names of PEFT's files less their prefix."""
    for name, parameter in tuned.named_parameters():
        if parameter.requires_grad:
            short = name.removeprefix("base_model.model.").replace(".default", "")
            yield (short if short.endswith(".weight") else f"{short}.weight"), parameter


def copy_adapter(tuned: Any) -> dict[str, np.ndarray]:
    """The adapter's values, float32."""
    return {
        name: parameter.detach().float().cpu().numpy().copy() for name, parameter in adapter_parameters(tuned)
    }


def gradients_of(tuned: Any, rows: Sequence[TrainRow]) -> tuple[float, dict[str, np.ndarray]]:
    """The loss of a batch and its gradient for each of the adapter's tensors (float32)."""
    tuned.zero_grad(set_to_none=True)
    loss = loss_of(tuned, rows)
    loss.backward()
    grads = {
        name: parameter.grad.float().cpu().numpy().copy() for name, parameter in adapter_parameters(tuned)
    }
    tuned.zero_grad(set_to_none=True)
    return float(loss.detach()), grads


def train(
    tuned: Any,
    batches: Sequence[Sequence[TrainRow]],
    steps: int,
    *,
    learning_rate: float,
    weight_decay: float,
) -> Iterator[float]:
    """AdamW as torch has it; yields the loss before each of the steps, after the step is made."""
    parameters = [parameter for _, parameter in adapter_parameters(tuned)]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, eps=1e-8, weight_decay=weight_decay)
    for step in range(steps):
        loss = loss_of(tuned, batches[step % len(batches)])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield float(loss.detach())
