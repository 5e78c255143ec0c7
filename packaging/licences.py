"""Collects the licence texts of everything in the bundle into one file, which About shows."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from application import ROOT, VERSION

HERE = Path(__file__).resolve().parent
LICENCE_FILE = re.compile(r"(^|/)(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$|/licenses/", re.IGNORECASE)
QT_NOTE = (
    "Qt and PySide6 are used under the GNU Lesser General Public License, version 3. Their libraries lie in "
    "this bundle as separate files and may be exchanged for other builds of the same version."
)


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
    """The texts that a package carries, each once. For those that carry none: the text of their licence."""
    texts = []
    for file in package.files or ():
        if ".dist-info" in str(file) and LICENCE_FILE.search(str(file)):
            path = Path(str(package.locate_file(file)))
            text = text_of(path) if path.is_file() else ""
            if text and text not in texts:
                texts.append(text)
    if not texts and "LGPL-3.0" in licence_of(package):
        texts = [text_of(HERE / "licence_texts" / name) for name in ("LGPL-3.0.txt", "GPL-3.0.txt")]
    if not texts and "Apache" in licence_of(package):
        texts = [text_of(ROOT / "LICENSE")]
    return texts


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()


def python_licence() -> str:
    """The licence of Python itself, which is in the bundle too."""
    places = [Path(sysconfig.get_path("stdlib")) / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE.txt"]
    places += sorted(Path("/usr/share/doc").glob("python3*/copyright"))
    for place in places:
        if place.is_file():
            return text_of(place)
    return "Python Software Foundation License, version 2: see the documentation of Python."


def collect(packages: Sequence[metadata.Distribution]) -> str:
    """First a line for each package, then the texts, the same text once."""
    own = text_of(ROOT / "LICENSE")
    lines = [f"Gemma MLX {VERSION}: Apache-2.0", "", QT_NOTE, "", "It is made of:"]
    lines.append(f"  Python {sys.version.split()[0]}: PSF-2.0")
    lines += [f"  {each.metadata['Name']} {each.version}: {licence_of(each)}" for each in packages]
    texts = {"Gemma MLX": [own], "Python": [python_licence()]}
    texts |= {package.metadata["Name"]: licence_texts(package) for package in packages}
    owners: dict[str, list[str]] = {}
    written: dict[str, str] = {}
    for name, each in texts.items():
        for text in each:
            words = " ".join(text.split())
            owners.setdefault(words, []).append(name)
            written.setdefault(words, text)
    for words, names in owners.items():
        lines += ["", "", "=" * 100, ", ".join(dict.fromkeys(names)), "=" * 100, "", written[words]]
    return "\n".join(lines) + "\n"
