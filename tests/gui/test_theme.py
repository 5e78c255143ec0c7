"""The look: contrast of every text on its surface, one table for both themes, the style sheet complete."""

from __future__ import annotations

import pytest

from gui.assets import asset
from gui.theme import DARK, LIGHT, Tokens, contrast, control_sheet, style_sheet

SURFACES = ("window", "sidebar", "card", "raised", "field", "selection", "hover", "code")
TEXT_ON_SURFACE = [
    *[("text", surface) for surface in SURFACES],
    *[("text_secondary", surface) for surface in ("window", "sidebar", "card", "raised", "field", "hover")],
    *[("text", f"{tone}_soft") for tone in ("danger", "warning", "info", "success", "loss")],
    *[("text_secondary", f"{tone}_soft") for tone in ("danger", "warning", "info", "success")],
    ("danger", "danger_soft"), ("warning", "warning_soft"), ("success", "success_soft"),
    ("loss", "loss_soft"),
    ("text", "button"), ("text", "button_hover"), ("on_accent", "accent_hover"),
    ("danger", "window"), ("danger", "card"), ("warning", "card"), ("success", "card"), ("accent", "card"),
    ("accent", "window"), ("on_accent", "accent"), ("control", "card"), ("control", "code"), ("loss", "card"),
    ("window", "text"),
]  # fmt: skip


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "surface"), TEXT_ON_SURFACE)
def test_text_can_be_read_on_its_surface(tokens: Tokens, text: str, surface: str) -> None:
    ratio = contrast(getattr(tokens, text), getattr(tokens, surface))
    assert ratio >= 4.5, f"{text} on {surface}: {ratio:.2f}"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("curve", ["chart_1", "chart_2", "chart_3", "chart_4"])
def test_curves_stand_out_from_the_card(tokens: Tokens, curve: str) -> None:
    assert contrast(getattr(tokens, curve), tokens.card) >= 3


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("surface", ["card", "window", "field", "raised"])
def test_the_edge_of_a_field_can_be_seen(tokens: Tokens, surface: str) -> None:
    """WCAG 1.4.11: the edge of a control and the accent that marks the focus."""
    assert contrast(tokens.field_border, getattr(tokens, surface)) >= 3
    assert contrast(tokens.accent, getattr(tokens, surface)) >= 3


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_the_style_sheet_leaves_no_token_open_and_styles_no_control() -> None:
    sheet = style_sheet(DARK)
    assert "@" not in sheet.split("*/", 1)[1]
    for control in ("QPushButton", "QComboBox", "QSpinBox", "QLineEdit", "QCheckBox"):
        assert control not in sheet


def test_controls_are_styled_with_all_their_parts() -> None:
    sheet = control_sheet(DARK)
    assert "@" not in sheet.split("*/", 1)[1]
    for part in ("QComboBox::down-arrow", "QAbstractSpinBox::up-arrow", "QAbstractSpinBox::down-arrow"):
        assert part in sheet
    for picture in ("arrow-down.svg", "arrow-up.svg", "check-dark.svg"):
        assert f'url("{asset("style").as_posix()}/{picture}")' in sheet
        assert asset("style", picture).is_file()
