"""Sees to it that Qt can start on Linux: tries it, then installs or names the packages that it lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

DEBIAN_PACKAGES = (
    "libglib2.0-0",
    "libegl1",
    "libgl1",
    "libxkbcommon0",
    "libfontconfig1",
    "libdbus-1-3",
    "libgssapi-krb5-2",
    "fonts-dejavu-core",
)
"""What a bare Debian 12 lacks. The font is not needed to start, but without any font all text is boxes."""


def problem() -> str:
    """Why Qt does not start, in the loader's words; empty when it does. Asked of a new process."""
    program = "import PySide6.QtWidgets, PySide6.QtGui; PySide6.QtWidgets.QApplication([])"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    tried = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    return (
        ""
        if tried.returncode == 0
        else (tried.stderr.strip().splitlines() or [f"status {tried.returncode}"])[-1]
    )


def has_fonts() -> bool:
    """Whether fontconfig knows of any font (true where it cannot be asked)."""
    if shutil.which("fc-list") is None:
        return any(Path("/usr/share/fonts").rglob("*.[ot]tf"))
    return bool(subprocess.run(["fc-list"], capture_output=True, text=True).stdout.strip())


def main() -> None:
    if sys.platform != "linux":
        return
    reason = problem()
    if not reason and has_fonts():
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES]
    apt = shutil.which("apt-get") is not None
    if apt and os.geteuid() == 0:
        print(
            f"Qt lacks system libraries ({reason or 'no fonts'}). Installing: {' '.join(command)}", flush=True
        )
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=subprocess.DEVNULL)
        subprocess.run([*command, "-qq"], env=quiet, stdout=subprocess.DEVNULL)
        reason = problem()
    if reason:
        print(f"Qt cannot start: {reason}", file=sys.stderr)
        if apt:
            print(f"To mend it, run: sudo {' '.join(command)}", file=sys.stderr)
        else:
            print(
                f"To mend it, install what your system calls {', '.join(DEBIAN_PACKAGES)}.", file=sys.stderr
            )
        raise SystemExit(1)


if __name__ == "__main__":
    main()
