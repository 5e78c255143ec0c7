"""Curves: what is smoothed, what is told, and that a live curve grows in place."""

from __future__ import annotations

import math
from typing import Any

from gui.services import Services
from gui.widgets.loss_chart import Chart, Curve, short_number, smoothed


def test_smoothing_begins_at_the_first_value_and_follows() -> None:
    assert smoothed([2.0, 2.0, 2.0]) == [2.0, 2.0, 2.0]
    assert math.isclose(smoothed([4.0, 0.0], 0.9)[0], 4.0)
    assert smoothed([0.0] * 5 + [10.0] * 60)[-1] > 9.9
    assert math.isnan(smoothed([1.0, math.nan, 1.0])[1])


def test_small_numbers_are_short() -> None:
    assert [short_number(value) for value in (0, 5e-5, 0.00015, 1e-4, -2.5e-7)] == [
        "0", "5e-5", "1.5e-4", "1e-4", "-2.5e-7",
    ]  # fmt: skip


def test_a_chart_tells_its_values_and_grows(qtbot: Any, services: Services) -> None:
    chart = Chart(services.theme, "Loss", lambda value: f"{value:.1f}")
    qtbot.addWidget(chart)
    chart.show_curves([Curve("Training", [1, 2], [3.0, 2.0]), Curve("Validation", [2], [2.5])])
    assert chart.value.text() == "2.0 · 2.5"
    assert chart.accessibleName() == "Loss: Training 2.0, Validation 2.5"
    items = list(chart._items)
    chart.show_curves([Curve("Training", [1, 2, 3], [3.0, 2.0, 1.0]), Curve("Validation", [2], [2.5])])
    assert chart._items == items
    assert list(items[0].getData()[1]) == [3.0, 2.0, 1.0]
    assert chart._nearest(2.6) == 3
