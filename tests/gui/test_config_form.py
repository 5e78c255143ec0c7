"""The form from a settings class: every field is there, says what is wrong beside it, loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.declaring import Settings
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, SamplingSettings, TrainSettings
from gui.widgets.config_form import ConfigForm

CLASSES = [LoraSettings, QuantizeSettings, DataSettings, TrainSettings, SamplingSettings]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_setting_has_an_editor_and_comes_back_as_it_was(qtbot: Any, kind: type[Settings]) -> None:
    form = ConfigForm(kind)
    qtbot.addWidget(form)
    assert set(form.values()) == set(kind.model_fields)
    assert form.settings() == kind()


def test_changed_settings_come_back_changed(qtbot: Any) -> None:
    form = ConfigForm(TrainSettings)
    qtbot.addWidget(form)
    wanted = TrainSettings(
        learning_rate=3.5e-5, steps=70, sample_prompts=["Say ho", "Why?"], memory_limit_gb=7.5,
        seed=2**40, loggers=["csv"], gradient_checkpointing=True, schedule="linear",
    )  # fmt: skip
    form.set_settings(wanted)
    assert form.settings() == wanted


def test_an_error_stands_beside_its_field_and_goes_when_it_is_mended(qtbot: Any) -> None:
    form = ConfigForm(TrainSettings)
    qtbot.addWidget(form)
    form.field("learning_rate").set_value("fast")
    assert form.settings() is None
    assert "number" in form.error_of("learning_rate")
    form.field("learning_rate").set_value("7")
    assert "at most 1" in form.error_of("learning_rate")
    form.field("learning_rate").set_value("1e-4")
    assert form.error_of("learning_rate") == ""
    assert form.settings().learning_rate == 1e-4  # type: ignore[union-attr]


def test_a_rule_over_several_fields_is_said_where_it_belongs(qtbot: Any) -> None:
    form = ConfigForm(QuantizeSettings)
    qtbot.addWidget(form)
    form.field("group_size").set_value(16)
    assert "groups of 32" in form.error_of("group_size")


def test_advanced_fields_are_folded_until_asked_for(qtbot: Any) -> None:
    form = ConfigForm(TrainSettings)
    qtbot.addWidget(form)
    form.show()
    assert form.field("learning_rate").widget.isVisible()
    assert not form.field("optimizer").widget.isVisible()
    form.show_advanced(True)
    assert form.field("optimizer").widget.isVisible()


def test_every_editor_has_a_name_and_help_for_screen_readers(qtbot: Any) -> None:
    form = ConfigForm(TrainSettings)
    qtbot.addWidget(form)
    for name in TrainSettings.model_fields:
        assert form.field(name).widget.accessibleName()
        assert form.field(name).widget.accessibleDescription()
