"""The sheet that asks how to quantize, and shows size and error before anything is written."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLayout, QLineEdit, QVBoxLayout, QWidget

from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.worker import protocol
from gemma_mlx.worker.results import ModelSummary, QuantizationPreview
from gui.models_page.presenter import ModelsPresenter
from gui.services import Services
from gui.theme import SPACE
from gui.widgets.banner import Banner
from gui.widgets.config_form import ConfigForm
from gui.widgets.labels import Card, fit_height, heading, label, set_role
from gui.wording import VERDICT_TONES, number_text, percent_text, size_text, verdict_text
from gui.worker_client import Failure, Job

_PAUSE = 200
"""Milliseconds after the last change before a preview is asked for."""


class QuantizeDialog(QDialog):
    """Accepted: `settings()` and `name` say what to make."""

    def __init__(
        self, services: Services, presenter: ModelsPresenter, model: ModelSummary, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Quantize {name}").format(name=model.name))
        self._presenter, self._model = presenter, model
        self._worker = services.workers.open()
        self._job: Job | None = None
        self._named = False
        about = self.tr(
            "A quantized copy is smaller and faster, a little less exact. The model itself stays as it is."
        )
        self.form = ConfigForm(QuantizeSettings)
        self.form.setMinimumWidth(max(440, self.fontMetrics().averageCharWidth() * 52))
        self.form.edited.connect(self._edited)
        self.banner = Banner(services.theme)
        self.sizes, self.error, self.memory = label(bold=True), label("", "secondary"), label("", "badge")
        self.memory.setWordWrap(False)
        card = Card(role="inset")
        for line in (self.sizes, self.error, self.memory):
            card.body.addWidget(line)
        card.body.setAlignment(self.memory, self.memory.alignment())
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the copy"))
        self.name.textEdited.connect(self._name_edited)
        naming = QFormLayout()
        naming.addRow(self.tr("Name of the copy:"), self.name)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.addButton(self.tr("Quantize"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.make.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
        title = heading(self.tr("Quantize {name}").format(name=model.name))
        for widget in (title, label(about, "secondary"), self.form, card, self.banner):
            layout.addWidget(widget)
        layout.addLayout(naming)
        layout.addWidget(self.buttons)
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE)
        self._timer.timeout.connect(self._ask)
        self.finished.connect(self._worker.close)
        self._edited()

    def settings(self) -> QuantizeSettings:
        """The settings in the form. Only asked for while they are right."""
        settings = self.form.settings()
        assert isinstance(settings, QuantizeSettings)
        return settings

    def _name_edited(self) -> None:
        self._named = True
        self._allow()

    def _edited(self) -> None:
        self.sizes.setText(self.tr("Measuring…"))
        self.error.setText("")
        self.memory.hide()
        if self.form.settings() is not None and not self._named:
            self.name.setText(self._presenter.suggested_name(self._model, self.settings()))
        self._allow()
        self._timer.start()
        fit_height(self)

    def _allow(self) -> None:
        self.make.setEnabled(self.form.settings() is not None and bool(self.name.text().strip()))

    def _ask(self) -> None:
        if self.form.settings() is None:
            self.sizes.setText("")
            return
        if self._job is not None and not self._job.over:
            self._worker.cancel(self._job)
        self._job = self._worker.run(
            protocol.QuantizePreview(model=self._model.path, settings=self.settings())
        )
        self._job.finished.connect(self._show)
        self._job.failed.connect(self._show_failure)

    def _show(self, data: dict[str, object]) -> None:
        if self.sender() is not self._job:
            return
        preview = QuantizationPreview.model_validate(data)
        self.banner.clear()
        text = self.tr("{before} becomes {after}, {bits} bits a weight")
        self.sizes.setText(
            text.format(
                before=size_text(preview.before_bytes),
                after=size_text(preview.after_bytes),
                bits=number_text(preview.bits_per_weight),
            )
        )
        notes = list(preview.notes[:3])
        if preview.relative_error is not None:
            off = self.tr("Weights are off by {percent} on average (measured on the middle layer).")
            notes.insert(0, off.format(percent=percent_text(preview.relative_error, 1)))
        self.error.setText("\n".join(notes))
        self.memory.setText(verdict_text(preview.verdict, preview.memory_bytes, preview.allowed_bytes))
        set_role(self.memory, "tone", VERDICT_TONES[preview.verdict])
        self.memory.show()
        fit_height(self)

    def _show_failure(self, failure: Failure) -> None:
        if self.sender() is self._job and failure.code != "cancelled":
            self.sizes.setText("")
            self.banner.show_failure(failure)
            fit_height(self)
