"""What goes into the bundle and what stays out of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

import licences
import sbom
from application import ROOT
from elf import NotElf, read_elf
from linux_libraries import SYSTEM_LIBRARIES

LEFT_OUT = [
    "torch", "transformers", "peft", "ml_dtypes", "datasets", "pytest", "hypothesis", "mypy",
    "gemma_mlx.benchmarks", "gemma_mlx.commands.bench", "gemma_mlx.commands.record",
    "gemma_mlx.verification.record", "gemma_mlx.verification.record_folder",
    "gemma_mlx.verification.record_model", "gemma_mlx.verification.reference", "gui.screenshots",
    "gui.scenes", "IPython", "matplotlib", "pandas", "scipy", "sympy", "PIL", "cupy", "numba",
    "tkinter", "setuptools", "pip", "OpenGL", "curses", "readline", "lib2to3", "idlelib", "pydoc_data",
    "h5py", "numpy.f2py", "numpy.distutils", "numpy.random", "numpy.testing", "hf_xet",
    "requests", "urllib3", "fsspec", "huggingface_hub.cli",
    "huggingface_hub.inference", "typer", "gradio", "cryptography", "secretstorage", "PyQt5", "PyQt6",
    "PySide2", "google.protobuf", "pyqtgraph.examples",
    "pyqtgraph.opengl", "pyqtgraph.jupyter", "pyqtgraph.flowchart",
    "pyqtgraph.console", "pyqtgraph.dockarea", "PySide6.QtNetwork", "PySide6.QtOpenGL",
    "PySide6.QtTest", "PySide6.QtDBus", "PySide6.QtQml",
]  # fmt: skip
"""Modules that stay out: what the proof, the benchmarks and the tests need (torch and transformers alone are
larger than all else); what libraries would use if it were there; of the Hub all but the token, as downloads
are the engine's own; h5py, which only the import of Keras files needs; Linux's keyring, which alone would
bring cryptography; pyqtgraph's other bindings, 3D and examples; Qt's network module, which nothing uses."""

LEFT_OUT_OF_THE_WINDOW = ["rich", "pygments", "markdown_it", "cyclopts", "pyarrow", "mlx"]
"""What only the engine needs, although libraries of the window would use it."""

MLX_LM = "mlx_lm"
"""Of mlx-lm its definitions of models go in; they are imported without the package around them, which would
bring transformers (gemma_mlx/models/families.py)."""

LANGUAGES = ("ru", "zh_CN")
PLUGINS = {
    "platforms": ("qcocoa", "qoffscreen", "qxcb"),
    "platforminputcontexts": ("compose*", "ibus*"),
    "styles": ("qmacstyle",),
    "iconengines": ("qsvgicon",),
    "imageformats": ("qsvg",),
    "xcbglintegrations": ("*",),
}
"""Qt's plugins that are used, by folder; of the others there are dozens."""

UNWANTED = [
    "*libarrow_flight*", "*libarrow_s3*", "*libarrow_gcs*", "*libarrow_azure*", "*pyarrow/include/*",
    "*pyarrow/tests/*", "*pyarrow/src/*", "*.pxd", "*.pyx", "*.pxi", "*.pyi", "*mlx/include/*",
    "mlx/share/*", "*hf_xet/*", "numpy/*/tests/*", "*Qt*Qml*", "*Qt*Quick*", "*Qt*VirtualKeyboard*",
    "*Qt*Pdf*", "*Qt*Designer*", "*Qt6Egl*", "*Qt6Network*", "*QtNetwork*", "*Qt6Test*", "*libgtk*",
    "*libgdk*", "*Qt6Wayland*", "*Qt6Wl*", "*_multiarray_tests*", "libjpeg*",
]  # fmt: skip
"""Files that stay out: of pyarrow what speaks with other machines and what compilers read; of Qt what plugins
that are left out would need."""


def wanted(target: str) -> bool:
    """Whether a file goes in, by its place in the bundle."""
    path = target.replace("\\", "/")
    if any(fnmatch(path, pattern) for pattern in UNWANTED):
        return False
    parts = path.split("/")
    if len(parts) == 1 and any(fnmatch(path, pattern) for pattern in SYSTEM_LIBRARIES):
        return False
    if "translations" in parts and path.endswith(".qm") and "PySide6" in parts:
        return any(path.endswith(f"qtbase_{language}.qm") for language in LANGUAGES)
    if "plugins" in parts and "PySide6" in parts:
        kind, name = parts[-2], parts[-1].removeprefix("lib")
        kept = next((names for pattern, names in PLUGINS.items() if fnmatch(kind, pattern)), ())
        return any(fnmatch(name.split(".")[0], pattern) for pattern in kept)
    return True


def wanted_module(name: str) -> bool:
    """Whether a Python module goes in: of pygments' hundreds of languages only Python, for tracebacks."""
    if name.startswith(("pygments.lexers.", "pygments.styles.", "pygments.formatters.")):
        return name.rsplit(".", 1)[-1] in (
            "_mapping",
            "python",
            "default",
            "terminal",
            "terminal256",
            "_style",
        )
    return True


def stripped(entries: list[tuple[str, str, str]], build: Path) -> list[tuple[str, str, str]]:
    """Libraries without their tables of local names, where Linux's `strip` is at hand: a sixth of the size.

    A file that patchelf has changed can come out broken; then it stays as it was.
    """
    program = shutil.which("strip") if sys.platform == "linux" else None
    if program is None:
        return entries
    folder, made = build / "stripped", []
    for target, source, kind in entries:
        copy = folder / target
        if kind in ("BINARY", "EXTENSION") and ".libs/" not in target:
            copy.parent.mkdir(parents=True, exist_ok=True)
            ended = subprocess.run(
                [program, "--strip-unneeded", "-o", str(copy), source], capture_output=True
            )
            if ended.returncode == 0 and _loadable(copy):
                source = str(copy)
        made.append((target, source, kind))
    return made


def _loadable(library: Path) -> bool:
    try:
        return read_elf(library).aligned
    except NotElf:
        return False


def our_modules(package: str) -> list[str]:
    """Every module of one of our packages, by its file: none has to be imported for it."""
    names = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return [
        name
        for name in names
        if not name.endswith(("__main__", ".scenes"))
        and not any(name == left or name.startswith(f"{left}.") for left in LEFT_OUT)
    ]


def definitions() -> tuple[list[str], list[str]]:
    """mlx-lm's definitions of models, and what of that package stays out."""
    spec = find_spec(MLX_LM)
    assert spec is not None and spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    inside = [f"{MLX_LM}.models.{module.name}" for module in iter_modules([str(folder / "models")])]
    beside = [f"{MLX_LM}.{module.name}" for module in iter_modules([str(folder)])]
    return inside, [name for name in beside if name != f"{MLX_LM}.models"]


def window_modules() -> list[str]:
    """The window: its pages are imported by need."""
    return our_modules("gui")


def engine_modules() -> list[str]:
    """The engine: commands and handlers are imported by name; and what libraries import by name."""
    keyrings = ["keyring.backends.macOS"] if sys.platform == "darwin" else []
    return [
        *our_modules("gemma_mlx"), *definitions()[0], "mlx.core", "mlx.nn", "mlx.optimizers", "mlx.utils",
        "huggingface_hub.utils._auth", "gguf", "msgpack", "keyring.backends.fail", *keyrings,
    ]  # fmt: skip


def resource_files() -> list[tuple[str, str, str]]:
    """The demo model and datasets, recipes, icons, style and translations; not the scripts that made them."""
    left = {".py", ".ts"}
    return [
        (str(path.relative_to(ROOT)), str(path), "DATA")
        for path in sorted((ROOT / "resources").rglob("*"))
        if path.is_file() and path.suffix not in left and "__pycache__" not in path.parts
    ]


def distributions(entries: Iterable[tuple[str, str, str]]) -> list[metadata.Distribution]:
    """The installed packages that anything in the bundle comes from, by name."""
    owners: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions():
        base = os.path.realpath(str(distribution.locate_file("")))
        for file in distribution.files or ():
            owners[os.path.normpath(f"{base}/{file}")] = distribution
    found = {}
    for _, source, _ in entries:
        owner = owners.get(os.path.realpath(source)) if source else None
        if owner is not None and owner.metadata["Name"] != "gemma-mlx":
            found[owner.metadata["Name"].lower()] = owner
    return [found[name] for name in sorted(found)]


def papers(packages: list[metadata.Distribution], build: Path) -> list[tuple[str, str, str]]:
    """Writes licences and bill of materials; gives them and each package's METADATA for the bundle."""
    texts, bill = build / "licences.txt", build / "sbom.cdx.json"
    texts.write_text(licences.collect(packages), encoding="utf-8")
    bill.write_text(sbom.bill_of_materials(packages), encoding="utf-8")
    entries = [
        ("resources/licences.txt", str(texts), "DATA"),
        ("resources/sbom.cdx.json", str(bill), "DATA"),
    ]
    for package in packages:
        for file in package.files or ():
            if file.parent.name.endswith(".dist-info") and file.name in ("METADATA", "entry_points.txt"):
                entries.append((f"{file.parent.name}/{file.name}", str(package.locate_file(file)), "DATA"))
    return entries
