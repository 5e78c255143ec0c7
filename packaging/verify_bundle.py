"""Checks a built bundle, on any system: `python packaging/verify_bundle.py "dist/Gemma MLX.app"`.

Needs nothing but Python (and PyInstaller, where it is installed, to look into the programs' archives). Prints
the size of each package and every problem; the exit status is 1 where there is one.
"""

from __future__ import annotations

import argparse
import os
import plistlib
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import application
from application import BUNDLE_NAME, ENGINE_NAME
from elf import NotElf, read_elf
from linux_libraries import SYSTEM_LIBRARIES
from mach_o import NotMachO, Slice, read_mach_o

BUDGET_MB = 300
"""Of 10^6 bytes. Without models, and without MLX's Metal kernels, which are one file of 147 MB on a Mac."""
NOT_COUNTED = ("resources/demo/model/*", "mlx/lib/mlx.metallib")

SYSTEM_PLACES = ("/usr/lib/", "/System/Library/")
MUST_BE_OUT = ("torch", "transformers", "hf_xet", "PySide6.QtNetwork", "datasets", "pip", "pytest")
FOREIGN_TO_THE_WINDOW = ("mlx", "gemma_mlx.training", "gemma_mlx.worker.worker", "httpx2", "huggingface_hub")
REFUSED_LICENCE = re.compile(r"(?<![L])GPL", re.IGNORECASE)


class Bundle:
    """A bundle's places. `inside` is where programs find their files (sys._MEIPASS)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mac = path.suffix == ".app"
        self.programs = path / "Contents" / "MacOS" if self.mac else path
        self.inside = path / "Contents" / "Frameworks" if self.mac else path / "_internal"
        self.roots = [self.inside, path / "Contents" / "Resources"] if self.mac else [self.inside]

    @cached_property
    def files(self) -> list[Path]:
        """Every file, links left out."""
        found = []
        for folder, _, names in os.walk(self.path):
            found += [Path(folder, name) for name in names if not Path(folder, name).is_symlink()]
        return sorted(found)

    def name_of(self, file: Path) -> str:
        """A file's place below the folder that it is found from, as Python's imports name it."""
        for root in self.roots:
            if file.is_relative_to(root):
                return file.relative_to(root).as_posix().replace("__dot__", ".")
        return file.relative_to(self.path).as_posix()

    @cached_property
    def mach_o(self) -> dict[Path, list[Slice]]:
        """Every Mach-O file and its slices."""
        found = {}
        for file in self.files:
            try:
                found[file] = read_mach_o(file)
            except NotMachO:
                continue
        return found


def check_programs(bundle: Bundle) -> Iterator[str]:
    """Both programs are there and may be run."""
    for name in (BUNDLE_NAME, ENGINE_NAME):
        program = bundle.programs / name
        if not program.is_file():
            yield f"the program {name} is missing"
        elif not os.access(program, os.X_OK):
            yield f"the program {name} may not be run"


def check_plist(bundle: Bundle) -> Iterator[str]:
    """Info.plist says what application.py says, and what it names is there."""
    path = bundle.path / "Contents" / "Info.plist"
    try:
        found = plistlib.loads(path.read_bytes())
    except (OSError, plistlib.InvalidFileException, ValueError) as problem:
        yield f"Info.plist cannot be read: {problem}"
        return
    for key, value in application.info_plist().items():
        if found.get(key) != value:
            yield f"Info.plist: {key} is {found.get(key)!r}, not {value!r}"
    if found.get("CFBundleExecutable") != BUNDLE_NAME:
        yield f"Info.plist: CFBundleExecutable is {found.get('CFBundleExecutable')!r}"
    icon = str(found.get("CFBundleIconFile", ""))
    if not icon or not (bundle.path / "Contents" / "Resources" / icon).is_file():
        yield f"Info.plist: the icon {icon!r} is not there"
    if found.get("LSBackgroundOnly"):
        yield "Info.plist: LSBackgroundOnly, so that no window would be shown"
    if "CFBundleURLTypes" in found:
        yield "Info.plist: there is a URL scheme, and none is meant"


def check_architecture(bundle: Bundle) -> Iterator[str]:
    """arm64 and nothing else, in each Mach-O file; the minimum of each within the plist's."""
    minimum = tuple(map(int, application.MINIMUM_MACOS.split(".")))
    if not bundle.mach_o:
        yield "there is no Mach-O file"
    for file, slices in bundle.mach_o.items():
        name = bundle.name_of(file)
        if [each.architecture for each in slices] != ["arm64"]:
            yield f"{name}: made for {', '.join(each.architecture for each in slices)}, not for arm64 alone"
        for each in slices:
            if each.architecture == "arm64" and each.minimum is None:
                yield f"{name}: does not say what macOS it needs"
            elif each.architecture == "arm64" and each.minimum is not None and each.minimum > minimum:
                need = ".".join(map(str, each.minimum))
                yield f"{name}: needs macOS {need}, the plist promises {application.MINIMUM_MACOS}"


def check_mac_libraries(bundle: Bundle) -> Iterator[str]:
    """Each library that a file loads is the system's or lies where the file looks for it."""
    programs = [bundle.mach_o[path] for path in bundle.mach_o if path.parent == bundle.programs]
    shared = [(path, bundle.programs) for slices in programs for each in slices for path in each.search]
    for file, slices in bundle.mach_o.items():
        for each in (one for one in slices if one.architecture == "arm64"):
            search = [(path, file.parent) for path in each.search] + shared
            for library in each.libraries:
                if library.startswith(SYSTEM_PLACES) or library in each.weak:
                    continue
                if not any(place.exists() for place in _places(library, file, bundle, search)):
                    yield f"{bundle.name_of(file)}: {library} is not found"


def _places(library: str, file: Path, bundle: Bundle, search: list[tuple[str, Path]]) -> list[Path]:
    """Where dyld looks, after its man page."""
    anchors = {"@loader_path": file.parent, "@executable_path": bundle.programs}
    first, _, rest = library.partition("/")
    if first in anchors:
        return [anchors[first] / rest]
    if first != "@rpath":
        return []  # a path of another machine
    places = []
    for folder, loader in search:
        anchor, _, below = folder.partition("/")
        base = {"@loader_path": loader, "@executable_path": bundle.programs}.get(anchor)
        if base is not None:
            places.append(base / below / rest)
    return places


def check_metal(bundle: Bundle) -> Iterator[str]:
    """MLX's kernels lie beside each libmlx.dylib, under whichever name it is found."""
    places = list(bundle.inside.rglob("libmlx.dylib"))
    if not places:
        yield "libmlx.dylib is missing"
    for place in places:
        if not (place.parent / "mlx.metallib").is_file():
            yield f"mlx.metallib is not beside {place.relative_to(bundle.path)}"


def check_linux_libraries(bundle: Bundle) -> Iterator[str]:
    """Each library that a file loads is the desktop's or lies where the file looks for it; one machine."""
    machines: dict[str, str] = {}
    for file in bundle.files:
        try:
            header = read_elf(file)
        except NotElf:
            continue
        name = bundle.name_of(file)
        machines.setdefault(header.machine, name)
        if not header.aligned:
            yield f"{name}: the loader refuses it (a segment is not aligned)"
        folders = [Path(str(file.parent) + part.removeprefix("$ORIGIN")) for part in header.search]
        for library in header.needed:
            known = any(fnmatch(library, pattern) for pattern in SYSTEM_LIBRARIES)
            if not known and not any((folder / library).exists() for folder in [*folders, bundle.inside]):
                yield f"{name}: {library} is not found"
    if len(machines) != 1:
        yield f"made for more than one machine, or for none: {machines}"


def check_paths(bundle: Bundle, forbidden: list[str]) -> Iterator[str]:
    """No file names a folder of the machine that built it."""
    patterns = [text.encode() for text in forbidden if len(text) > 4]
    for file in bundle.files:
        content = file.read_bytes()
        for pattern in patterns:
            if pattern in content:
                yield f"{bundle.name_of(file)}: names {pattern.decode()}"
    for program, modules in archives(bundle).items():
        for name, code in modules.items():
            for pattern in patterns:
                if pattern in code:
                    yield f"{program}, {name}: names {pattern.decode()}"


def archives(bundle: Bundle) -> dict[str, dict[str, bytes]]:
    """Each program's modules as bytes, {} where PyInstaller is not here to read them."""
    try:
        from PyInstaller.archive.readers import CArchiveReader
    except ImportError:
        return {}
    found: dict[str, dict[str, bytes]] = {}
    for name in (BUNDLE_NAME, ENGINE_NAME):
        if (bundle.programs / name).is_file():
            archive = CArchiveReader(str(bundle.programs / name))
            (inner,) = [entry for entry in archive.toc if entry.endswith(".pyz")]
            modules = archive.open_embedded_archive(inner)
            found[name] = {module: modules.extract(module, raw=True) or b"" for module in modules.toc}
    return found


def check_contents(bundle: Bundle) -> Iterator[str]:
    """No source that could be changed, no library of the network in the window, nothing that must be out."""
    for file in bundle.files:
        if file.suffix in (".py", ".pyc"):
            yield f"{bundle.name_of(file)}: source or byte code outside of the programs"
    for program, modules in archives(bundle).items():
        banned = MUST_BE_OUT + (FOREIGN_TO_THE_WINDOW if program == BUNDLE_NAME else ())
        for name in banned:
            if any(module == name or module.startswith(f"{name}.") for module in modules):
                yield f"{program} holds {name}"


def check_licences(bundle: Bundle) -> Iterator[str]:
    """Each package is named with its licence, none is under the plain GPL, and the texts are there."""
    path = bundle.inside / "resources" / "licences.txt"
    if not path.is_file():
        yield "resources/licences.txt is missing"
        return
    text = path.read_text(encoding="utf-8")
    listed = dict(re.findall(r"^  (\S+) \S+: ?(.*)$", text.split("=" * 100)[0], re.MULTILINE))
    known = {re.sub(r"[-_.]+", "-", name).lower(): licence for name, licence in listed.items()}
    for folder in sorted(bundle.inside.glob("*.dist-info")):
        name = re.sub(r"[-_.]+", "-", folder.name.split("-")[0]).lower()
        if name not in known:
            yield f"licences.txt does not name {name}"
        elif not known[name]:
            yield f"licences.txt names no licence of {name}"
    for name, licence in known.items():
        if REFUSED_LICENCE.search(licence) and name not in ("pyinstaller", "pyside6-essentials", "shiboken6"):
            yield f"{name} is under {licence}"
    titles = re.findall(r"^={100}\n(.+)\n={100}$", text, re.MULTILINE)
    with_text = {re.sub(r"[-_.]+", "-", name).lower() for title in titles for name in title.split(", ")}
    for name in sorted(known.keys() - with_text):
        yield f"licences.txt lacks the text of {name}'s licence"
    if not (bundle.inside / "resources" / "sbom.cdx.json").is_file():
        yield "resources/sbom.cdx.json is missing"


def sizes(bundle: Bundle) -> dict[str, int]:
    """Bytes by package, largest first."""
    found: dict[str, int] = {}
    for file in bundle.files:
        name = bundle.name_of(file)
        top = name.split("/")[0]
        if "/" not in name or top == "Contents":
            python = top.startswith(("libpython", "base_library", "Python"))
            top = "Python" if python else "programs, libraries"
        elif re.fullmatch(r"python3\.\d+|lib-dynload", top) or top == "Python.framework":
            top = "Python"
        top = "(papers)" if top.endswith(".dist-info") else top.removesuffix(".libs")
        top = top.replace("mlx_cpu", "mlx")
        found[top] = found.get(top, 0) + file.stat().st_size
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def check_size(bundle: Bundle) -> Iterator[str]:
    """The budget holds."""
    counted = sum(
        file.stat().st_size
        for file in bundle.files
        if not any(fnmatch(bundle.name_of(file), pattern) for pattern in NOT_COUNTED)
    )
    if counted > BUDGET_MB * 1e6:
        yield f"{counted / 1e6:.0f} MB are more than the budget of {BUDGET_MB} MB"


def problems(bundle: Bundle, forbidden: list[str]) -> Iterator[str]:
    """All that is wrong with a bundle."""
    yield from check_programs(bundle)
    if bundle.mac:
        yield from check_plist(bundle)
        yield from check_architecture(bundle)
        yield from check_mac_libraries(bundle)
        yield from check_metal(bundle)
    else:
        yield from check_linux_libraries(bundle)
    yield from check_contents(bundle)
    yield from check_paths(bundle, forbidden)
    yield from check_licences(bundle)
    yield from check_size(bundle)


def code(bundle: Bundle) -> list[Path]:
    """All that has to be signed before the app itself, from the inside out: libraries, frameworks, programs.

    A framework is signed as a whole; the app's own program with the app.
    """
    libraries, frameworks, programs = [], set(), []
    for file in bundle.mach_o:
        within = next((parent for parent in file.parents if parent.suffix == ".framework"), None)
        if file.parent == bundle.programs:
            programs += [file] if file.name != BUNDLE_NAME else []
        elif within is not None and file.name == within.stem:
            frameworks.add(within)
        else:
            libraries.append(file)
    deepest = sorted(frameworks, key=lambda path: (-len(path.parts), path))
    return [*sorted(libraries, key=lambda path: (-len(path.parts), path)), *deepest, *sorted(programs)]


def build_places() -> list[str]:
    """Folders of this machine that nothing in a bundle may name: the checkout, the environment, the home."""
    places = {application.ROOT, Path(sys.prefix), Path.home()}
    python = Path(sys.base_prefix)  # which its own library names: a home that holds it cannot be told apart
    return sorted(str(place) for place in places if not python.is_relative_to(place))


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks a built bundle.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--forbid", action="append", default=[], help="one more path that nothing may name")
    parser.add_argument("--code", action="store_true", help="only list what has to be signed, in order")
    arguments = parser.parse_args()
    bundle = Bundle(arguments.bundle.resolve())
    if not bundle.programs.is_dir():
        print(f"There is no bundle at {bundle.path}.")
        return 2
    if arguments.code:
        print("\n".join(map(str, code(bundle))))
        return 0
    total, rest = 0, 0
    for name, size in sizes(bundle).items():
        total += size
        if size >= 1e6:
            print(f"{size / 1e6:8.1f} MB  {name}")
        else:
            rest += size
    print(f"{rest / 1e6:8.1f} MB  the others\n{total / 1e6:8.1f} MB  in all")
    found = list(problems(bundle, build_places() + arguments.forbid))
    for problem in found:
        print(f"WRONG  {problem}")
    print(f"{len(found)} problems" if found else f"{bundle.path.name} is as it should be.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
