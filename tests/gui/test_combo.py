"""A combo box in a narrow place: the text is shortened, the whole of it can be read in the tool tip."""

from __future__ import annotations

from typing import Any

from gui.widgets.combo import ElidedCombo


def test_a_long_name_is_shortened_and_stands_in_the_tool_tip(qtbot: Any) -> None:
    box = ElidedCombo()
    qtbot.addWidget(box)
    name = "google/gemma-2-27b-it + a very long name of an adapter " * 3
    box.addItems(["short", name])
    assert box.sizeHint().width() < box.fontMetrics().horizontalAdvance(name) / 2
    box.setCurrentIndex(1)
    assert box.toolTip() == name
    box.resize(box.sizeHint())
    box.show()
    narrow = box.grab().toImage()
    box.setItemText(1, name[:20] + "x" * 100)
    assert box.grab().toImage() != narrow
    box.setCurrentIndex(-1)
    assert not box.grab().isNull()
