"""Tests of the settings: limits, choices that exclude each other, files, and what a form needs of fields."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gemma_mlx.declaring import Settings, check_settings
from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import (
    LINEAR_MODULES,
    DataSettings,
    LoraSettings,
    QuantizeSettings,
    RunSettings,
    SamplingSettings,
    TrainSettings,
)

KINDS = (LoraSettings, QuantizeSettings, DataSettings, TrainSettings, SamplingSettings, RunSettings)


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_are_within_the_limits_and_go_through_json(kind: type[Settings]) -> None:
    settings = kind()
    assert kind.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_every_field_has_what_a_form_and_a_flag_show(kind: type[Settings]) -> None:
    for name, field in kind.model_fields.items():
        assert field.title and field.description, name
        assert isinstance(field.json_schema_extra, dict) and field.json_schema_extra["group"], name


def test_settings_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValidationError):
        LoraSettings().rank = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (LoraSettings, {"rank": 0}, ["rank"]),
        (LoraSettings, {"modules": ["w_proj"]}, ["w_proj", "q_proj"]),
        (LoraSettings, {"modules": []}, ["modules"]),
        (LoraSettings, {"dropout": 1.0}, ["dropout"]),
        (QuantizeSettings, {"bits": 7}, ["bits"]),
        (QuantizeSettings, {"mode": "mxfp4", "bits": 8}, ["mxfp4", "bits 4"]),
        (QuantizeSettings, {"group_size": 16}, ["group_size"]),
        (TrainSettings, {"learning_rate": 0}, ["learning_rate"]),
        (TrainSettings, {"stepz": 3}, ["stepz", "no such setting"]),
        (SamplingSettings, {"temperature": -1, "top_p": 2}, ["temperature", "top_p"]),
        (RunSettings, {"training": {"seed": -1}, "lora": {"rnk": 2}}, ["training.seed", "lora.rnk"]),
    ],
)
def test_what_is_refused_is_named_all_at_once(
    kind: type[Settings], values: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as refused:
        check_settings(kind, values, "somewhere")
    assert refused.value.where == "somewhere"
    for word in words:
        assert word in refused.value.what


@pytest.mark.parametrize(("mode", "bits", "group"), [("mxfp4", 4, 32), ("mxfp8", 8, 32), ("nvfp4", 4, 16)])
def test_a_floating_format_brings_its_own_width(mode: Any, bits: int, group: int) -> None:
    settings = QuantizeSettings(mode=mode)
    assert (settings.bits, settings.group_size) == (bits, group)


def test_all_linear_is_spelled_out() -> None:
    assert LoraSettings().module_names == LINEAR_MODULES
    assert LoraSettings(modules=["v_proj"]).module_names == ("v_proj",)
