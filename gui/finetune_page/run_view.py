"""One run: its state and what can be done with it, live curves, samples beside the base's, notes."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.library.store import RunEntry
from gui.finetune_page.presenter import FinetunePresenter
from gui.finetune_page.run_files import History
from gui.finetune_page.runs_model import state_text, state_tone
from gui.system import reveal, reveal_text
from gui.theme import SPACE, Theme
from gui.widgets.flow import FlowLayout
from gui.widgets.labels import Card, ElidedLabel, heading, label, set_role
from gui.widgets.loss_chart import Chart, Curve, Smoother, short_number
from gui.widgets.scrolling import scroll_page
from gui.wording import count_text, duration_text, moment_text, number_text, stage_text

NOTES_SETTLE = 800
STAGGER = 60
"""Milliseconds between the repaints of charts."""


class RunView(QWidget):
    """Emits what needs a dialog; the rest it asks of the presenter."""

    merge_wanted = Signal()
    export_wanted = Signal()

    def __init__(self, theme: Theme, presenter: FinetunePresenter) -> None:
        super().__init__()
        self._theme, self._presenter = theme, presenter
        self._path: Path | None = None
        self._pace: tuple[float, int] | None = None
        self._smoother = Smoother()
        self._late: list[tuple[Chart, str, str]] = []
        self._stagger = QTimer(self, interval=STAGGER)
        self._stagger.timeout.connect(self._show_late)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, SPACE, 0)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._build_head())
        layout.addWidget(self._build_charts())
        layout.addWidget(self._build_samples())
        layout.addWidget(self._build_notes())
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self.area = scroll_page(content)
        outer.addWidget(self.area)
        presenter.progress.connect(self._show_progress)
        presenter.history_changed.connect(self._show_history)

    @property
    def path(self) -> Path | None:
        return self._path

    def show_run(self, run: RunEntry) -> None:
        """Show a run, or the same one in another state."""
        if run.path != self._path:
            self._keep_notes()
            self._path = run.path
            self._pace = None
            self._smoother = Smoother()
            self.notes.blockSignals(True)
            self.notes.setPlainText(self._presenter.notes(run.path))
            self.notes.blockSignals(False)
        live = self._presenter.is_live(run.path)
        self.title.setText(run.name)
        self.badge.setText(state_text(run.state))
        set_role(self.badge, "tone", state_tone(run.state))
        facts = [Path(run.model).name, Path(run.dataset).name, moment_text(run.created)]
        if run.steps and not live:
            steps = self.tr("step {step} of {steps}")
            facts.append(steps.format(step=count_text(run.step), steps=count_text(run.steps)))
        self.facts.set_whole(" · ".join(fact for fact in facts if fact))
        self.pause.setVisible(live)
        self.stop.setVisible(live)
        waiting = run.state in ("pausing", "stopping")
        self.pause.setEnabled(live and not waiting)
        self.stop.setEnabled(live and not waiting)
        self.resume.setVisible(self._presenter.may_resume(run))
        has_result = run.adapter is not None or (run.path / "model" / "config.json").is_file()
        self.chat.setVisible(not live and has_result)
        self.merge.setVisible(not live and run.adapter is not None)
        self.export.setVisible(not live and run.adapter is not None)
        self.more.setVisible(True)
        self._delete.setEnabled(not live)
        self._buttons.updateGeometry()
        self._show_progress(*(self._presenter.stage if live else ("", 0, 0)))
        self._show_history()

    def showEvent(self, event: QShowEvent) -> None:
        """Curves are not painted while nobody sees them."""
        super().showEvent(event)
        self._show_history()

    def _build_head(self) -> QWidget:
        self.title = heading("")
        self.badge = label("", "badge", scale="small")
        self.facts = ElidedLabel("", "secondary")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setMaximumHeight(8)
        self.progress.setAccessibleName(self.tr("Progress of the run"))
        self.stage = label("", "secondary", scale="small")
        self.pause = QPushButton(self.tr("Pause"))
        self.pause.clicked.connect(self._presenter.pause)
        self.stop = QPushButton(self.tr("Stop and Keep"))
        self.stop.setToolTip(self.tr("End now; what was learned becomes the run’s adapter"))
        self.stop.clicked.connect(self._presenter.stop)
        self.resume = QPushButton(self.tr("Resume"))
        self.resume.clicked.connect(self._on_resume)
        self.chat = QPushButton(self.tr("Chat with It"))
        self.chat.setDefault(True)
        self.chat.clicked.connect(self._on_chat)
        self.merge = QPushButton(self.tr("Merge…"))
        self.merge.setToolTip(self.tr("Write base and adapter as one model of the library"))
        self.merge.clicked.connect(self.merge_wanted)
        self.export = QPushButton(self.tr("Export…"))
        self.export.setToolTip(
            self.tr("Write the result for LM Studio, Ollama, llama.cpp, transformers or mlx-lm")
        )
        self.export.clicked.connect(self.export_wanted)
        self.menu = QMenu(self)
        self.duplicate = self.menu.addAction(self.tr("Duplicate Settings"), self._on_duplicate)
        self.menu.addAction(reveal_text(), self._on_reveal)
        self._delete = self.menu.addAction(self.tr("Move to Trash"), self._on_delete)
        self.more = QPushButton(self.tr("More"))
        self.more.setMenu(self.menu)
        flow = FlowLayout()
        for button in (self.pause, self.stop, self.resume, self.chat, self.merge, self.export, self.more):
            flow.addWidget(button)
        self._buttons = QWidget()
        self._buttons.setLayout(flow)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignVCenter)
        card = Card()
        card.body.addLayout(top)
        card.body.addWidget(self.facts)
        card.body.addWidget(self.progress)
        card.body.addWidget(self.stage)
        card.body.addWidget(self._buttons)
        return card

    def _build_charts(self) -> QWidget:
        theme = self._theme
        self.loss = Chart(theme, self.tr("Loss"), lambda value: number_text(value, 3), 190)
        self.rate = Chart(theme, self.tr("Learning rate"), short_number, 90)
        self.speed = Chart(
            theme, self.tr("Tokens per second"), lambda value: count_text(round(value)), 90, True
        )
        self.memory = Chart(theme, self.tr("Memory (GB)"), lambda value: number_text(value, 2), 90, True)
        card = Card()
        card.body.addWidget(self.loss)
        grid = QGridLayout()
        grid.setSpacing(2 * SPACE)
        for column, chart in enumerate((self.rate, self.speed, self.memory)):
            grid.addWidget(chart, 0, column)
            grid.setColumnStretch(column, 1)
        card.body.addLayout(grid)
        self.no_curves = label(self.tr("The curves begin with the first step."), "secondary")
        card.body.addWidget(self.no_curves)
        return card

    def _build_samples(self) -> QWidget:
        self.samples_card = Card(self.tr("Samples"))
        self.step = QComboBox()
        self.step.setAccessibleName(self.tr("Step of the samples"))
        self.step.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.step.activated.connect(lambda _row: self._fill_samples(self._history()))
        self.samples_card.header.addWidget(self.step)
        self._samples = QGridLayout()
        self._samples.setHorizontalSpacing(2 * SPACE)
        self._samples.setVerticalSpacing(SPACE)
        self._samples.setColumnStretch(0, 1)
        self._samples.setColumnStretch(1, 1)
        self.samples_card.body.addLayout(self._samples)
        self._sampled: object = None
        return self.samples_card

    def _build_notes(self) -> QWidget:
        self.notes = QPlainTextEdit()
        self.notes.setAccessibleName(self.tr("Notes"))
        self.notes.setPlaceholderText(self.tr("What you tried, and what came of it"))
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(self.fontMetrics().height() * 4 + 2 * SPACE)
        self._settle = QTimer(self, singleShot=True, interval=NOTES_SETTLE)
        self._settle.timeout.connect(self._keep_notes)
        self.notes.textChanged.connect(self._settle.start)
        card = Card(self.tr("Notes"))
        card.body.addWidget(self.notes)
        return card

    def _history(self) -> History:
        return self._presenter.history(self._path) if self._path is not None else History()

    def _show_progress(self, stage: str, done: int, total: int) -> None:
        live = bool(stage) and self._path is not None and self._presenter.is_live(self._path)
        self.progress.setVisible(live)
        self.stage.setVisible(live)
        if not live:
            self._pace = None
            return
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        parts = [stage_text(stage)]
        if total:
            text = self.tr("{done} of {total}")
            parts.append(text.format(done=count_text(done), total=count_text(total)))
        if stage == "Training":
            parts.append(self._left(done, total))
        self.stage.setText(" · ".join(part for part in parts if part))

    def _left(self, done: int, total: int) -> str:
        """How long it will take still, from the pace since this view began to watch."""
        now = time.monotonic()
        if self._pace is None:
            self._pace = (now, done)
        started, first = self._pace
        if done - first < 3 or not total:
            return ""
        left = (now - started) / (done - first) * (total - done)
        return self.tr("about {time} left").format(time=duration_text(left))

    def _show_history(self) -> None:
        if self._path is None or not self.isVisible():
            return
        history = self._history()
        steps, losses = history.curve("train_loss")
        valid_steps, valid = history.curve("validation_loss")
        shown = bool(steps)
        self.loss.setVisible(shown)
        self.no_curves.setVisible(not shown)
        curves = [
            Curve(self.tr("Each step"), steps, losses, "chart_1", faint=True),
            Curve(self.tr("Training"), steps, self._smoother.of(losses), "chart_1"),
            Curve(self.tr("Validation"), valid_steps, valid, "chart_2", dots=True),
        ]
        self.loss.show_curves(curves)
        self._late = [
            (self.rate, "learning_rate", "chart_3"),
            (self.speed, "tokens_per_second", "chart_4"),
            (self.memory, "memory_bytes", "chart_2"),
        ]
        for chart, name, _token in self._late:
            chart.setVisible(bool(history.curve(name)[0]))
        if not self._presenter.is_live(self._path):
            while self._late:
                self._show_late()
        elif not self._stagger.isActive():
            self._stagger.start()
        self._show_samples(history)

    def _show_late(self) -> None:
        """One of the small charts a turn: painting all at once would be felt in the window."""
        if not self._late:
            self._stagger.stop()
            return
        chart, name, token = self._late.pop(0)
        at, values = self._history().curve(name)
        if name == "memory_bytes":
            values = [value / 1e9 for value in values]
        chart.show_curves([Curve(chart.title.text(), at, values, token)])

    def _show_samples(self, history: History) -> None:
        later = [step for step in history.sampled_steps() if step > 0]
        self.samples_card.setVisible(bool(history.samples))
        state = (self._path, tuple(later), len(history.samples))
        if state == self._sampled:
            return
        newest = self.step.currentIndex() in (-1, self.step.count() - 1) or self._sampled is None
        before = self.step.currentData()
        self._sampled = state
        self.step.clear()
        for step in later:
            self.step.addItem(self.tr("Step {step}").format(step=count_text(step)), step)
        row = self.step.count() - 1 if newest else self.step.findData(before)
        self.step.setCurrentIndex(row)
        self.step.setVisible(len(later) > 1)
        self._fill_samples(history)

    def _fill_samples(self, history: History) -> None:
        while (item := self._samples.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        step = self.step.currentData()
        row = 0
        for prompt in history.prompts():
            self._samples.addWidget(label(prompt, bold=True), row, 0, 1, 2)
            sides = [(self.tr("Before"), history.sample(0, prompt))]
            if step is not None:
                sides.append((self.tr("Step {step}").format(step=step), history.sample(step, prompt)))
            for column, (name, text) in enumerate(sides):
                side = Card(role="inset", margin=SPACE + SPACE // 2)
                side.body.addWidget(label(name, "secondary", scale="small"))
                said = label(text if text is not None else "…")
                said.setAccessibleName(f"{name}: {text}")
                side.body.addWidget(said)
                side.body.addStretch(1)
                self._samples.addWidget(side, row + 1, column)
            row += 2

    def _keep_notes(self) -> None:
        self._settle.stop()
        if self._path is not None and self._path.is_dir():
            self._presenter.set_notes(self._path, self.notes.toPlainText())

    def _run(self) -> RunEntry | None:
        return self._presenter.run(self._path) if self._path is not None else None

    def _on_resume(self) -> None:
        if self._path is not None:
            self._presenter.resume(self._path)

    def _on_chat(self) -> None:
        if (run := self._run()) is not None:
            self._presenter.chat(run)

    def _on_duplicate(self) -> None:
        if (run := self._run()) is not None:
            self._presenter.duplicate(run)

    def _on_reveal(self) -> None:
        if self._path is not None:
            reveal(self._path)

    def _on_delete(self) -> None:
        if (run := self._run()) is not None:
            self._presenter.delete(run)
