"""The sheet that asks in which format, under which name and where a model or adapter is written."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.library.store import safe_name
from gemma_mlx.worker.protocol import ExportFormat
from gui.services import Services, remembered
from gui.theme import SPACE
from gui.widgets.labels import ElidedLabel, fit_height, heading, label
from gui.wording import path_text


class ExportDialog(QDialog):
    """Accepted: `format` and `target` say what to write. The target folder is not there yet."""

    def __init__(self, services: Services, name: str, *, has_adapter: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Export {name}").format(name=name))
        self._state = services.state
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self._folder = Path(remembered(self._state, "export/folder", str, "") or documents)
        self.kind = QComboBox()
        self.kind.setAccessibleName(self.tr("Format"))
        for kind, title, _about in self._formats(has_adapter):
            self.kind.addItem(title, kind)
        self._texts = {kind: about for kind, _title, about in self._formats(has_adapter)}
        self.kind.currentIndexChanged.connect(self._show)
        self.about = label("", "secondary", scale="small")
        self.name = QLineEdit(safe_name(name))
        self.name.setAccessibleName(self.tr("Name of the new folder"))
        self.name.textChanged.connect(self._show)
        self.folder = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        self.folder.setMinimumWidth(220)
        self.choose = QPushButton(self.tr("Choose…"))
        self.choose.setAccessibleName(self.tr("Choose where the folder is made"))
        self.choose.setAutoDefault(False)
        self.choose.clicked.connect(self._choose)
        place = QHBoxLayout()
        place.setSpacing(SPACE)
        place.addWidget(self.folder, 1)
        place.addWidget(self.choose)
        self.problem = label("", "error", scale="small")
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE + SPACE // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("Format:"), self.kind)
        form.addRow("", self.about)
        form.addRow(self.tr("Name:"), self.name)
        form.addRow(self.tr("Where:"), place)
        form.addRow("", self.problem)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.addButton(self.tr("Export"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.make.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(heading(self.tr("Export {name}").format(name=name)))
        layout.addLayout(form)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(max(480, self.fontMetrics().averageCharWidth() * 60))
        self._show()

    @property
    def format(self) -> ExportFormat:
        """What is chosen."""
        return cast(ExportFormat, self.kind.currentData())

    @property
    def target(self) -> Path:
        """The folder that is to be made."""
        return self._folder / safe_name(self.name.text())

    def set_folder(self, folder: Path) -> None:
        """Write into this folder, now and the next time."""
        self._folder = folder
        self._state.setValue("export/folder", str(folder))
        self._show()

    def _formats(self, has_adapter: bool) -> list[tuple[ExportFormat, str, str]]:
        """Each format's name and what it is good for, the likeliest first."""
        others = self.tr("For LM Studio, Ollama and llama.cpp. A Modelfile for Ollama lies beside it.")
        whole: list[tuple[ExportFormat, str, str]] = [
            ("gguf-q8_0", self.tr("GGUF, 8 bit"), self.tr("Half the size, nearly as exact.")),
            ("gguf-q4_0", self.tr("GGUF, 4 bit"), self.tr("A quarter of the size, less exact.")),
            ("gguf-f16", self.tr("GGUF, 16 bit"), self.tr("As exact as the model.")),
            ("gguf-bf16", self.tr("GGUF, bfloat16"), self.tr("Exact, with the range of the training.")),
        ]
        formats = [(kind, title, f"{about} {others}") for kind, title, about in whole]
        if not has_adapter:
            return formats
        merged = self.tr("Base and adapter as one model, for transformers, MLX and others.")
        lora = self.tr("Only what was learned: small, to be used beside the base (llama-cli --lora).")
        mlx = self.tr("Only what was learned, for mlx_lm.generate --adapter-path.")
        return [
            *formats,
            ("safetensors", self.tr("Safetensors, merged"), merged),
            ("gguf-adapter", self.tr("Adapter for llama.cpp"), lora),
            ("mlx-lm-adapter", self.tr("Adapter for mlx-lm"), mlx),
        ]

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, self.tr("Export into Which Folder?"), str(self._folder)
        )
        if folder:
            self.set_folder(Path(folder))

    def _show(self) -> None:
        self.about.setText(self._texts[self.format])
        self.folder.set_whole(path_text(str(self._folder)))
        named = bool(self.name.text().strip())
        taken = named and self.target.exists()
        self.problem.setText(self.tr("There is a folder of this name already.") if taken else "")
        self.problem.setVisible(taken)
        self.make.setEnabled(named and not taken)
        fit_height(self)
