"""The export sheet: what is offered for a model and for an adapter, and that nothing is written over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget

from gui.services import Services
from gui.widgets.export_dialog import ExportDialog


@pytest.fixture
def opened(qtbot: Any, services: Services, tmp_path: Path) -> Iterator[Callable[..., ExportDialog]]:
    """`opened(has_adapter=True)`: the sheet over a window, writing into the test's folder."""
    window = QWidget()
    qtbot.addWidget(window)

    def make(*, has_adapter: bool) -> ExportDialog:
        dialog = ExportDialog(services, "gemma/2b", has_adapter=has_adapter, parent=window)
        dialog.set_folder(tmp_path)
        dialog.open()
        return dialog

    yield make


def formats(dialog: ExportDialog) -> list[str]:
    return [dialog.kind.itemData(row) for row in range(dialog.kind.count())]


def test_a_model_is_offered_as_gguf_and_an_adapter_alone_besides(opened: Any) -> None:
    plain = opened(has_adapter=False)
    assert all(kind.startswith("gguf-") for kind in formats(plain))
    tuned = opened(has_adapter=True)
    assert {"safetensors", "gguf-adapter", "mlx-lm-adapter"} <= set(formats(tuned))
    for row in range(tuned.kind.count()):
        tuned.kind.setCurrentIndex(row)
        assert tuned.about.text(), "each format says what it is for"


def test_nothing_that_is_there_is_written_over(opened: Any, tmp_path: Path) -> None:
    dialog = opened(has_adapter=False)
    assert dialog.target == tmp_path / "gemma-2b"
    assert dialog.make.isEnabled()
    (tmp_path / "taken").mkdir()
    dialog.name.setText("taken")
    assert not dialog.make.isEnabled() and dialog.problem.isVisible()
    dialog.name.setText("../../etc")
    assert dialog.target.parent == tmp_path, "a name cannot lead elsewhere"
    dialog.name.setText("  ")
    assert not dialog.make.isEnabled()


def test_the_place_is_remembered(opened: Any, tmp_path: Path, qtbot: Any, services: Services) -> None:
    opened(has_adapter=False).set_folder(tmp_path / "exports")
    window = QWidget()
    qtbot.addWidget(window)
    again = ExportDialog(services, "other", has_adapter=False, parent=window)
    assert again.target == tmp_path / "exports" / "other"
