"""Several runs together: their curves in one plot, and the settings in which they differ."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from gui.finetune_page.presenter import FinetunePresenter
from gui.theme import SPACE, Theme
from gui.widgets.labels import Card, ElidedLabel, label, sized
from gui.widgets.loss_chart import Chart, Curve, smoothed
from gui.widgets.scrolling import scroll_page
from gui.wording import number_text

TOKENS = ("chart_1", "chart_2", "chart_3", "chart_4")


class CompareView(QWidget):
    """Shows up to as many runs as there are colours to tell them apart."""

    def __init__(self, theme: Theme, presenter: FinetunePresenter) -> None:
        super().__init__()
        self._presenter = presenter
        self._paths: list[Path] = []
        self.training = Chart(
            theme, self.tr("Training loss, smoothed"), lambda value: number_text(value, 3), 200
        )
        self.validation = Chart(theme, self.tr("Validation loss"), lambda value: number_text(value, 3), 160)
        self.cut = label("", "secondary", scale="small")
        charts = Card(self.tr("Comparison"))
        charts.body.addWidget(self.cut)
        charts.body.addWidget(self.training)
        charts.body.addWidget(self.validation)
        self._settings = Card(self.tr("What differs"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(2 * SPACE)
        self._grid.setVerticalSpacing(SPACE // 2)
        self._settings.body.addLayout(self._grid)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, SPACE, 0)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(charts)
        layout.addWidget(self._settings)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll_page(content))
        presenter.history_changed.connect(self._show_curves)

    def show_runs(self, paths: list[Path]) -> None:
        """Compare these."""
        self._paths = paths[: len(TOKENS)]
        text = self.tr("The first {count} of the chosen runs are shown.")
        self.cut.setText(text.format(count=len(TOKENS)))
        self.cut.setVisible(len(paths) > len(TOKENS))
        self._show_curves()
        self._show_differences()

    def _show_curves(self) -> None:
        if not self._paths:
            return
        training, validation = [], []
        for path, token in zip(self._paths, TOKENS, strict=False):
            history = self._presenter.history(path)
            steps, losses = history.curve("train_loss")
            training.append(Curve(path.name, steps, smoothed(losses), token))
            steps, losses = history.curve("validation_loss")
            validation.append(Curve(path.name, steps, losses, token, dots=True))
        self.training.show_curves(training)
        self.validation.show_curves(validation)
        self.validation.setVisible(any(len(curve.steps) for curve in validation))

    def _show_differences(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        rows = self._presenter.differences(self._paths)
        if not rows:
            self._grid.addWidget(label(self.tr("The settings are the same."), "secondary"), 0, 0)
            return
        self._grid.setColumnStretch(0, 1)
        for column, path in enumerate(self._paths, 1):
            title = ElidedLabel(path.name)
            sized(title, "body", bold=True)
            self._grid.addWidget(title, 0, column)
            self._grid.setColumnStretch(column, 1)
        for row, (name, values) in enumerate(rows, 1):
            self._grid.addWidget(ElidedLabel(name, "secondary", Qt.TextElideMode.ElideLeft), row, 0)
            for column, value in enumerate(values, 1):
                self._grid.addWidget(ElidedLabel(value, mode=Qt.TextElideMode.ElideLeft), row, column)
