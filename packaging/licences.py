"""Collects the licence texts of everything in the bundle into one file, which About shows."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from application import ROOT, VERSION

LICENCE_FILE = re.compile(r"(^|/)(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$|/licenses/", re.IGNORECASE)
QT_NOTE = """Qt and PySide6 are used under the GNU Lesser General Public License, version 3. Their libraries
lie in this bundle as separate files, unchanged, and may be exchanged for other builds of the same version."""


def licence_of(package: metadata.Distribution) -> str:
    """A package's licence in a few words, an SPDX expression where it declares one."""
    about = package.metadata.json
    expression = about.get("license_expression")
    if expression:
        return str(expression)
    classifiers = [line.split(" :: ") for line in about.get("classifier", ())]
    names = [parts[-1] for parts in classifiers if parts[0] == "License" and parts[-1] != "OSI Approved"]
    free_text = str(about.get("license") or "").strip()
    if names:
        return ", ".join(names)
    return free_text.splitlines()[0][:100] if free_text else ""


def licence_texts(package: metadata.Distribution) -> list[str]:
    """The texts that a package carries, each once."""
    texts = []
    for file in package.files or ():
        if ".dist-info" in str(file) and LICENCE_FILE.search(str(file)):
            path = Path(str(package.locate_file(file)))
            text = path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
            if text and text not in texts:
                texts.append(text)
    return texts


def python_licence() -> str:
    """The licence of Python itself, which is in the bundle too."""
    places = [Path(sysconfig.get_path("stdlib")) / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE.txt"]
    places += sorted(Path("/usr/share/doc").glob("python3*/copyright"))
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8", errors="replace").strip()
    return "Python Software Foundation License, version 2: see the documentation of Python."


def collect(packages: Sequence[metadata.Distribution]) -> str:
    """First a line for each package, then the texts, the same text once."""
    own = (ROOT / "LICENSE").read_text(encoding="utf-8").strip()
    lines = [f"Gemma MLX {VERSION}: Apache-2.0", "", QT_NOTE, "", "It is made of:"]
    lines.append(f"  Python {sys.version.split()[0]}: PSF-2.0")
    lines += [f"  {each.metadata['Name']} {each.version}: {licence_of(each)}" for each in packages]
    by_text: dict[str, list[str]] = {own: ["Gemma MLX"], python_licence(): ["Python"]}
    for package in packages:
        for text in licence_texts(package):
            by_text.setdefault(text, []).append(package.metadata["Name"])
    for text, names in by_text.items():
        title = ", ".join(dict.fromkeys(names))
        lines += ["", "", "=" * 100, title, "=" * 100, "", text]
    return "\n".join(lines) + "\n"
