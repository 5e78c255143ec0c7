"""PEFT's adapters both ways: what we save PEFT loads, what PEFT saves we load, the logits are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemma_mlx.verification import cases, measure

KINDS: dict[str, dict[str, bool]] = {"LoRA": {}, "rsLoRA": {"use_rslora": True}, "DoRA": {"use_dora": True}}
NAMES = ["gemma1", "gemma2", "gemma3"]


def reference_model(case: cases.Case, weights: dict[str, np.ndarray]) -> Any:
    import torch

    from gemma_mlx.verification import reference

    return reference.build_model(
        case.config_json(), {name: torch.from_numpy(array) for name, array in weights.items()}
    )


def far_from_base(got: np.ndarray, case: cases.Case, weights: dict[str, np.ndarray]) -> bool:
    """The adapter does something: else agreement would prove nothing."""
    from gemma_mlx.verification import replay

    base, _ = replay.run(replay.build_decoder(case.config_json(), weights, "fp32"), cases.prompt(case, 0))
    return measure.relative(got, base) > 1e-2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_peft_loads_what_we_save(name: str, kind: str, tmp_path: Path) -> None:
    from peft import PeftModel

    from gemma_mlx.adapters.peft import save_adapter
    from gemma_mlx.settings import LoraSettings
    from gemma_mlx.verification import reference, replay, seeded

    case = cases.BY_NAME[name]
    weights = seeded.make_weights(case.config_json(), 0)
    decoder = replay.build_decoder(case.config_json(), weights, "fp32")
    initial = cases.make_lora(case.config_json(), 0)
    replay.attach_lora(decoder, initial, rank=cases.LORA_RANK, alpha=cases.LORA_ALPHA, **KINDS[kind])
    settings = LoraSettings(rank=cases.LORA_RANK, alpha=cases.LORA_ALPHA, **KINDS[kind])
    save_adapter(tmp_path / "adapter", decoder, settings, "a tiny model")
    ours, _ = replay.run(decoder, cases.prompt(case, 0))

    tuned = PeftModel.from_pretrained(reference_model(case, weights), str(tmp_path / "adapter")).eval()
    assert set(tuned.peft_config["default"].target_modules) == {
        module.split(".")[-1] for module in cases.LINEAR_MODULES
    }
    theirs = reference.run(tuned.base_model.model, cases.prompt(case, 0))[0].detach().numpy()
    assert measure.relative(ours, theirs) < 5e-6
    assert far_from_base(ours, case, weights)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_we_load_what_peft_saves(name: str, kind: str, tmp_path: Path) -> None:
    from gemma_mlx.adapters.peft import load_adapter
    from gemma_mlx.verification import reference, replay, seeded

    case = cases.BY_NAME[name]
    weights = seeded.make_weights(case.config_json(), 0)
    initial = cases.make_lora(case.config_json(), 0)
    tuned = reference.add_lora(
        reference_model(case, weights), initial, rank=cases.LORA_RANK, alpha=cases.LORA_ALPHA, **KINDS[kind]
    ).eval()
    tuned.save_pretrained(str(tmp_path / "adapter"))
    theirs = reference.run(tuned.base_model.model, cases.prompt(case, 0))[0].detach().numpy()

    decoder = replay.build_decoder(case.config_json(), weights, "fp32")
    settings = load_adapter(tmp_path / "adapter", decoder)
    assert (settings.use_rslora, settings.use_dora) == (kind == "rsLoRA", kind == "DoRA")
    ours, _ = replay.run(decoder, cases.prompt(case, 0))
    assert measure.relative(ours, theirs) < 5e-6
    assert far_from_base(ours, case, weights)


@pytest.mark.parametrize("pattern", ["rank_pattern", "alpha_pattern"])
def test_we_read_pefts_patterns(pattern: str, tmp_path: Path) -> None:
    """A module with a rank or an alpha of its own, as PEFT writes it."""
    import torch
    from peft import LoraConfig, get_peft_model

    from gemma_mlx.adapters.peft import load_adapter
    from gemma_mlx.verification import reference, replay, seeded

    case = cases.BY_NAME["gemma2"]
    weights = seeded.make_weights(case.config_json(), 0)
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], **{pattern: {"down_proj": 2}}
    )
    tuned = get_peft_model(reference_model(case, weights), config).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in tuned.parameters():
            if parameter.requires_grad:
                parameter.normal_(0, 0.1)
    tuned.save_pretrained(str(tmp_path / "adapter"))
    theirs = reference.run(tuned.base_model.model, cases.prompt(case, 0))[0].detach().numpy()
    decoder = replay.build_decoder(case.config_json(), weights, "fp32")
    load_adapter(tmp_path / "adapter", decoder)
    ours, _ = replay.run(decoder, cases.prompt(case, 0))
    assert measure.relative(ours, theirs) < 5e-6
