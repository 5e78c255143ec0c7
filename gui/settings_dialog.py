"""The app's own settings: look, language, notifications, and where data lies."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.services import Services, remembered
from gui.system import reveal, reveal_text
from gui.theme import SPACE
from gui.widgets.labels import ElidedLabel, label
from gui.wording import path_text

LANGUAGE_NAMES = {"": "", "en": "English", "zh_CN": "简体中文", "ru": "Русский"}


class SettingsDialog(QDialog):
    """Changes count at once; the language from the next start on."""

    def __init__(self, services: Services, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Settings"))
        self._services = services
        state = services.state
        self.appearance = QComboBox()
        for mode, text in (
            ("system", self.tr("As the system")),
            ("light", self.tr("Light")),
            ("dark", self.tr("Dark")),
        ):
            self.appearance.addItem(text, mode)
        self.appearance.setCurrentIndex(max(0, self.appearance.findData(services.theme.mode)))
        self.appearance.currentIndexChanged.connect(self._set_appearance)
        self.language = QComboBox()
        for code, name in LANGUAGE_NAMES.items():
            self.language.addItem(name or self.tr("As the system"), code)
        chosen = remembered(state, "app/language", str, "")
        self.language.setCurrentIndex(max(0, self.language.findData(chosen)))
        self.language.currentIndexChanged.connect(self._set_language)
        self.restart = label(
            self.tr("The language changes when the app is opened again."), "secondary", scale="small"
        )
        self.restart.hide()
        self.notifications = QCheckBox(self.tr("Tell me when a training run ends"))
        self.notifications.setChecked(remembered(state, "app/notifications", bool, True))
        self.notifications.toggled.connect(lambda on: state.setValue("app/notifications", on))
        self.folder = ElidedLabel(path_text(str(services.data_root)), mode=Qt.TextElideMode.ElideMiddle)
        self.folder.setMinimumWidth(220)
        show = QPushButton(reveal_text())
        show.setAutoDefault(False)
        show.clicked.connect(lambda: reveal(services.data_root))
        place = QHBoxLayout()
        place.setSpacing(SPACE)
        place.addWidget(self.folder, 1)
        place.addWidget(show)
        form = QFormLayout()
        form.setVerticalSpacing(SPACE + SPACE // 2)
        form.setHorizontalSpacing(2 * SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("Appearance:"), self.appearance)
        form.addRow(self.tr("Language:"), self.language)
        form.addRow("", self.restart)
        form.addRow(self.tr("Notifications:"), self.notifications)
        form.addRow(self.tr("Models, runs and chats:"), place)
        for box, text in ((self.appearance, self.tr("Appearance")), (self.language, self.tr("Language"))):
            box.setAccessibleName(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(form)
        layout.addWidget(buttons)

    def _set_appearance(self) -> None:
        mode = self.appearance.currentData()
        self._services.state.setValue("app/appearance", mode)
        self._services.theme.set_mode(mode)

    def _set_language(self) -> None:
        self._services.state.setValue("app/language", self.language.currentData())
        self.restart.show()
