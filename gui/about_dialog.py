"""About: what this is, its version, and the licences of what it is made of."""

from __future__ import annotations

from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from gemma_mlx import __version__
from gui.assets import asset
from gui.theme import SPACE
from gui.widgets.labels import heading, label

_PACKAGES = (
    "mlx",
    "mlx-lm",
    "PySide6-Essentials",
    "pyqtgraph",
    "numpy",
    "sentencepiece",
    "tokenizers",
    "safetensors",
)


class AboutDialog(QDialog):
    """The licences are those that the bundle collected; outside a bundle each package's own line."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About Gemma MLX"))
        about = self.tr("Fine-tune and run Google’s Gemma on your own Mac. Everything stays on this machine.")
        licences = QPlainTextEdit(licence_text())
        licences.setReadOnly(True)
        licences.setAccessibleName(self.tr("Licences"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + SPACE // 2)
        layout.addWidget(heading("Gemma MLX"))
        layout.addWidget(label(self.tr("Version {version}").format(version=__version__), "secondary"))
        layout.addWidget(label(about))
        layout.addWidget(licences, 1)
        layout.addWidget(buttons)
        self.resize(520, 460)


def licence_text() -> str:
    """The licences that lie in the bundle, or a line for each package."""
    collected = asset("licences.txt")
    if collected.is_file():
        return collected.read_text(encoding="utf-8")
    lines = ["Gemma MLX: Apache-2.0", ""]
    for package in _PACKAGES:
        try:
            about = metadata.metadata(package).json
        except metadata.PackageNotFoundError:
            continue
        classifiers = [text.split(" :: ")[-1] for text in about.get("classifier", ()) if "License" in text]
        licence = about.get("license_expression") or about.get("license") or ", ".join(classifiers)
        lines.append(f"{package} {about['version']}: {str(licence).splitlines()[0] if licence else ''}")
    return "\n".join(lines)
