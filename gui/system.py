"""What the system does for us: showing a file in the Finder, moving it to the trash and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QFile, QUrl
from PySide6.QtGui import QDesktopServices


def reveal(path: Path) -> None:
    """Show a file or folder, selected, in the Finder; elsewhere open the folder that it lies in."""
    if sys.platform == "darwin":
        subprocess.Popen(["/usr/bin/open", "-R", str(path)])
    else:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))


def reveal_text() -> str:
    """What a button for `reveal` says."""
    if sys.platform == "darwin":
        return QCoreApplication.translate("System", "Show in Finder")
    return QCoreApplication.translate("System", "Show in Folder")


def to_trash(path: Path) -> Path | None:
    """Move to the trash; gives where it lies now, or None where the system refuses."""
    moved, place = _moved(path)
    return Path(place) if moved else None


def _moved(path: Path) -> tuple[bool, str]:
    file = QFile(str(path))
    moved = file.moveToTrash()
    return moved, file.fileName()
