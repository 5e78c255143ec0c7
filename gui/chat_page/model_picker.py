"""Chooses the model and adapter of a side; shows loading and what is loaded; ejects."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from gui.chat_page.presenter import ChatPresenter, side_name
from gui.services import Services
from gui.theme import SPACE
from gui.widgets.combo import ElidedCombo
from gui.widgets.labels import label
from gui.wording import size_text, stage_text


class ModelPicker(QWidget):
    """`chosen` carries the model's and the adapter's path."""

    chosen = Signal(str, str)
    ejected = Signal()

    def __init__(self, services: Services, presenter: ChatPresenter, side: int) -> None:
        super().__init__()
        self._services, self._presenter, self._side = services, presenter, side
        self.box = ElidedCombo()
        self.box.setAccessibleName(self.tr("Model and adapter"))
        self.box.setPlaceholderText(self.tr("Choose a model"))
        self.box.activated.connect(self._on_activated)
        self.progress = QProgressBar()
        self.progress.setFixedWidth(110)
        self.progress.setMaximumHeight(8)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Loading the model"))
        self.state = label("", "secondary", scale="small")
        self.state.setWordWrap(False)
        self.eject = QToolButton()
        self.eject.setAutoRaise(True)
        self.eject.setToolTip(self.tr("Free the memory that the model takes"))
        self.eject.setAccessibleName(self.tr("Eject the model"))
        self.eject.clicked.connect(self.ejected)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.box, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.state)
        layout.addWidget(self.eject)
        services.theme.changed.connect(self._paint)
        services.library.listed.connect(self.refresh)
        self._paint()
        self.refresh()

    def refresh(self) -> None:
        """Show the models of the library and the state of the side."""
        if self._side >= len(self._presenter.sides):
            return
        side, lane = self._presenter.sides[self._side], self._presenter.chat.lanes[self._side]
        entries = []
        for model in self._services.library.usable:
            entries.append((model.path, ""))
            entries += [(model.path, adapter.path) for adapter in model.adapters]
        if lane.model and (lane.model, lane.adapter) not in entries:
            entries.append((lane.model, lane.adapter))  # just trained, or gone
        held = [self.box.itemData(row) for row in range(self.box.count())]
        if held != [list(entry) for entry in entries]:
            self.box.clear()
            for model_path, adapter in entries:
                self.box.addItem(side_name(self._services, model_path, adapter), [model_path, adapter])
        wanted = [lane.model, lane.adapter]
        rows = [row for row in range(self.box.count()) if self.box.itemData(row) == wanted]
        self.box.setCurrentIndex(rows[0] if rows else -1)
        self.progress.setVisible(side.loading is not None)
        self.eject.setVisible(side.loaded is not None or side.loading is not None)
        self.state.setToolTip("")
        if side.loading is not None:
            stage, done, total = side.loading
            self.progress.setRange(0, total)
            self.progress.setValue(done)
            self.state.setText("")
            self.progress.setToolTip(stage_text(stage))
        elif side.quiet:
            self.state.setText(self.tr("Does not answer"))
        elif side.loaded is not None:
            self.state.setText(size_text(side.loaded.memory_bytes) if side.loaded.memory_bytes else "")
            self.state.setToolTip(self.tr("In memory"))
        else:
            self.state.setText(self.tr("Not loaded") if lane.model else "")

    def _on_activated(self, row: int) -> None:
        model, adapter = self.box.itemData(row)
        self.chosen.emit(model, adapter)

    def _paint(self) -> None:
        self.eject.setIcon(self._services.theme.icon("eject", "text_secondary", 18))
