"""System text and sampling of the chat, with presets."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QVBoxLayout, QWidget

from gemma_mlx.settings import SamplingSettings
from gui.chat_page.presenter import ChatPresenter
from gui.theme import SPACE
from gui.widgets.config_form import ConfigForm
from gui.widgets.labels import Card, heading, label
from gui.widgets.scrolling import scroll_page

SAMPLING_PRESETS = {
    "precise": {"temperature": 0.0},
    "balanced": {},
    "creative": {"temperature": 1.1, "top_p": 0.98, "top_k": 0},
}
SETTLE = 500


class SettingsPanel(Card):
    """Changes count from the next answer on."""

    def __init__(self, presenter: ChatPresenter) -> None:
        super().__init__(margin=SPACE + SPACE // 2)
        self._presenter = presenter
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, SPACE, 0)
        layout.setSpacing(SPACE)
        self.system_preset = QComboBox()
        self.system_preset.setAccessibleName(self.tr("Presets of system texts"))
        for name, text in (
            (self.tr("Presets…"), ""),
            (self.tr("None"), ""),
            (self.tr("Brief"), self.tr("Answer in at most three sentences.")),
            (self.tr("Teacher"), self.tr("Explain step by step, as to a curious beginner.")),
            (self.tr("Editor"), self.tr("Correct and tighten the text you are given. Return only the text.")),
        ):
            self.system_preset.addItem(name, text)
        self.system_preset.activated.connect(self._on_system_preset)
        self.system = QPlainTextEdit()
        self.system.setAccessibleName(self.tr("System text"))
        self.system.setPlaceholderText(self.tr("How the model should behave in this chat"))
        self.system.setTabChangesFocus(True)
        self.system.setFixedHeight(self.fontMetrics().height() * 5 + 2 * SPACE)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self._on_system)
        self.system.textChanged.connect(self._settle.start)
        self.sampling_preset = QComboBox()
        self.sampling_preset.setAccessibleName(self.tr("Presets of sampling"))
        for key, name in (
            ("", self.tr("Presets…")),
            ("precise", self.tr("Precise: always the likeliest")),
            ("balanced", self.tr("Balanced")),
            ("creative", self.tr("Creative")),
        ):
            self.sampling_preset.addItem(name, key)
        self.sampling_preset.activated.connect(self._on_sampling_preset)
        for box in (self.system_preset, self.sampling_preset):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
        self.form = ConfigForm(SamplingSettings, stacked=True)
        self.form.edited.connect(self._on_sampling)
        layout.addWidget(heading(self.tr("System text")))
        layout.addWidget(self.system_preset)
        layout.addWidget(self.system)
        layout.addSpacing(SPACE)
        layout.addWidget(heading(self.tr("Sampling")))
        layout.addWidget(self.sampling_preset)
        layout.addWidget(self.form)
        about = self.tr("Changes count from the next answer on and belong to this chat.")
        layout.addWidget(label(about, "secondary", scale="small"))
        layout.addStretch(1)
        self.body.addWidget(scroll_page(content))
        self.setMinimumWidth(220)

    def refresh(self) -> None:
        """Show the settings of the chat that is open."""
        chat = self._presenter.chat
        if self.system.toPlainText() != chat.system:
            self.system.blockSignals(True)
            self.system.setPlainText(chat.system)
            self.system.blockSignals(False)
        if self.form.settings() != self._presenter.sampling:
            self.form.set_settings(self._presenter.sampling)
        self.system_preset.setCurrentIndex(0)
        self.sampling_preset.setCurrentIndex(0)

    def flush(self) -> None:
        """Take over what was just typed."""
        if self._settle.isActive():
            self._settle.stop()
            self._on_system()

    def _on_system_preset(self, row: int) -> None:
        if row > 0:
            self.system.setPlainText(str(self.system_preset.itemData(row)))
            self._on_system()
        self.system_preset.setCurrentIndex(0)

    def _on_system(self) -> None:
        self._presenter.set_system(self.system.toPlainText())

    def _on_sampling_preset(self, row: int) -> None:
        name = self.sampling_preset.itemData(row)
        if name:
            sampling = SamplingSettings.model_validate(SAMPLING_PRESETS[name])
            self.form.set_settings(sampling)
            self._presenter.set_sampling(sampling)
        self.sampling_preset.setCurrentIndex(0)

    def _on_sampling(self) -> None:
        settings = self.form.settings()
        if isinstance(settings, SamplingSettings):
            self._presenter.set_sampling(settings)
