"""The check of a bundle: a good one passes, and each thing that can be wrong with it is found."""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.loading import load
from tests.packaging.small_files import X86_64, elf, mach_o, universal

application, verify = load("application"), load("verify_bundle")

LICENCES = """Gemma MLX 1: Apache-2.0

It is made of:
  Python 3.12: PSF-2.0
  mlx 0.32.4: MIT
  PyInstaller 6: GPLv2-or-later with a special exception
  PySide6-Essentials 6: LGPL-3.0-only

====
Gemma MLX, Python, mlx, PyInstaller, PySide6-Essentials
====
Apache License, and so on
  indented words 1: of a text
""".replace("====", 100 * "=")


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def papers(inside: Path) -> None:
    write(inside / "resources" / "licences.txt", LICENCES)
    write(inside / "resources" / "sbom.cdx.json", "{}")
    write(inside / "mlx-0.32.4.dist-info" / "METADATA", "Name: mlx")


@pytest.fixture
def mac(tmp_path: Path) -> Path:
    """A Gemma MLX.app as PyInstaller lays it out: code in Frameworks, data in Resources, links between."""
    app = tmp_path / "Gemma MLX.app"
    contents = app / "Contents"
    plist = {**application.info_plist(), "CFBundleExecutable": "Gemma MLX", "CFBundleIconFile": "icon.icns"}
    write(contents / "Info.plist", plistlib.dumps(plist))
    write(contents / "Resources" / "icon.icns", b"icns")
    for name in ("Gemma MLX", "gemma-mlx"):
        write(contents / "MacOS" / name, mach_o(search=["@executable_path/../Frameworks"])).chmod(0o755)
    frameworks = contents / "Frameworks"
    core = mach_o(
        libraries=["@rpath/libmlx.dylib", "/usr/lib/libSystem.B.dylib"], search=["@loader_path/lib"]
    )
    write(frameworks / "mlx" / "core.so", core)
    write(frameworks / "mlx" / "lib" / "libmlx.dylib", mach_o())
    write(contents / "Resources" / "mlx" / "lib" / "mlx.metallib", b"MTLB")
    (frameworks / "mlx" / "lib" / "mlx.metallib").symlink_to("../../../Resources/mlx/lib/mlx.metallib")
    (frameworks / "libmlx.dylib").symlink_to("mlx/lib/libmlx.dylib")
    (frameworks / "mlx.metallib").symlink_to("mlx/lib/mlx.metallib")
    papers(contents / "Resources")
    for name in ("resources", "mlx-0.32.4.dist-info"):
        (frameworks / name).symlink_to(f"../Resources/{name}")
    qt = frameworks / "PySide6" / "Qt" / "lib" / "QtCore.framework"
    write(qt / "Versions" / "A" / "QtCore", mach_o(minimum=(13, 0)))
    return app


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    folder = tmp_path / "Gemma MLX"
    for name in ("Gemma MLX", "gemma-mlx"):
        write(folder / name, elf(needed=["libc.so.6"])).chmod(0o755)
    write(folder / "_internal" / "mlx" / "core.so", elf(needed=["libmlx.so"], search="$ORIGIN/lib"))
    write(folder / "_internal" / "mlx" / "lib" / "libmlx.so", elf(needed=["libstdc++.so.6"]))
    write(folder / "_internal" / "libstdc++.so.6", elf(needed=["libm.so.6"]))
    papers(folder / "_internal")
    return folder


def found(path: Path, monkeypatch: pytest.MonkeyPatch, *forbidden: str) -> list[str]:
    monkeypatch.setattr(verify, "archives", lambda bundle: {})  # these programs hold none
    return list(verify.problems(verify.Bundle(path), list(forbidden)))


def test_good_bundles_pass(mac: Path, linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(mac, monkeypatch, "/Users/builder/checkout") == []
    assert found(linux, monkeypatch, "/home/builder/checkout") == []


def replace_plist(app: Path, **changes: object) -> None:
    path = app / "Contents" / "Info.plist"
    path.write_bytes(plistlib.dumps({**plistlib.loads(path.read_bytes()), **changes}))


MAC_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "another system promised": (
        lambda app: replace_plist(app, LSMinimumSystemVersion="12.0"),
        "LSMinimumSystemVersion is '12.0'",
    ),
    "a URL scheme": (lambda app: replace_plist(app, CFBundleURLTypes=[{}]), "URL scheme"),
    "no window": (lambda app: replace_plist(app, LSBackgroundOnly=True), "no window would be shown"),
    "no icon": (lambda app: (app / "Contents/Resources/icon.icns").unlink(), "the icon 'icon.icns'"),
    "no plist": (lambda app: (app / "Contents/Info.plist").write_text("<x"), "Info.plist cannot be read"),
    "no worker": (lambda app: (app / "Contents/MacOS/gemma-mlx").unlink(), "gemma-mlx is missing"),
    "a worker that may not run": (
        lambda app: (app / "Contents/MacOS/gemma-mlx").chmod(0o644),
        "gemma-mlx may not be run",
    ),
    "a library for newer systems": (
        lambda app: write(app / "Contents/Frameworks/mlx/lib/libmlx.dylib", mach_o(minimum=(26, 0))),
        "mlx/lib/libmlx.dylib: needs macOS 26.0",
    ),
    "a library that does not say": (
        lambda app: write(app / "Contents/Frameworks/a.dylib", mach_o(minimum=None)),
        "a.dylib: does not say",
    ),
    "an Intel library": (
        lambda app: write(app / "Contents/Frameworks/b.dylib", mach_o(cpu=X86_64)),
        "b.dylib: made for x86_64",
    ),
    "a universal library": (
        lambda app: write(app / "Contents/Frameworks/c.dylib", universal(mach_o(cpu=X86_64), mach_o())),
        "c.dylib: made for x86_64, arm64",
    ),
    "a library of the builder's": (
        lambda app: write(
            app / "Contents/Frameworks/d.dylib", mach_o(libraries=["/opt/homebrew/lib/libfoo.dylib"])
        ),
        "d.dylib: /opt/homebrew/lib/libfoo.dylib is not found",
    ),
    "a library that is not there": (
        lambda app: write(
            app / "Contents/Frameworks/e.dylib",
            mach_o(libraries=["@rpath/libbar.dylib"], search=["@loader_path"]),
        ),
        "e.dylib: @rpath/libbar.dylib is not found",
    ),
    "kernels not beside MLX": (
        lambda app: (app / "Contents/Frameworks/mlx.metallib").unlink(),
        "mlx.metallib is not beside Contents/Frameworks/libmlx.dylib",
    ),
    "kernels that lead nowhere": (
        lambda app: (app / "Contents/Resources/mlx/lib/mlx.metallib").unlink(),
        "mlx.metallib is not beside",
    ),
    "a source file": (
        lambda app: write(app / "Contents/Resources/update.py", "import urllib"),
        "update.py: source or byte code",
    ),
    "a path of the builder's": (
        lambda app: write(app / "Contents/Resources/x.txt", "at /Users/builder/checkout/gui"),
        "x.txt: names /Users/builder/checkout",
    ),
    "a package without its licence": (
        lambda app: (
            write(app / "Contents/Resources/foo-1.dist-info/METADATA", "Name: foo")
            and (app / "Contents/Frameworks/foo-1.dist-info").symlink_to("../Resources/foo-1.dist-info")
        ),
        "does not name foo",
    ),
    "a package under the GPL": (
        lambda app: write(
            app / "Contents/Resources/resources/licences.txt",
            LICENCES.replace("  mlx", "  readline 8: GPL-3.0-only\n  mlx", 1),
        ),
        "readline is under GPL-3.0-only",
    ),
    "a package of an unknown licence": (
        lambda app: write(
            app / "Contents/Resources/resources/licences.txt", LICENCES.replace("0.32.4: MIT", "0.32.4: ")
        ),
        "names no licence of mlx",
    ),
    "a licence without its text": (
        lambda app: write(
            app / "Contents/Resources/resources/licences.txt", LICENCES.replace("Python, mlx,", "Python,")
        ),
        "lacks the text of mlx's licence",
    ),
    "too much": (
        lambda app: grow(app / "Contents/Resources/huge.bin", 301_000_000),
        "more than the budget of 300 MB",
    ),
}


def grow(path: Path, size: int) -> None:
    """A file of this length that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)


@pytest.mark.parametrize("fault", MAC_FAULTS)
def test_what_is_wrong_with_an_app_is_found(mac: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    plant, expected = MAC_FAULTS[fault]
    plant(mac)
    if fault == "too much":  # without reading 301 MB of nothing
        monkeypatch.setattr(verify, "check_paths", lambda bundle, forbidden: iter(()))
    problems = found(mac, monkeypatch, "/Users/builder/checkout")
    assert any(expected in problem for problem in problems), problems
    assert len(problems) <= 2, problems


LINUX_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a library that is not there": (
        lambda folder: (folder / "_internal/mlx/lib/libmlx.so").unlink(),
        "mlx/core.so: libmlx.so is not found",
    ),
    "another machine's": (
        lambda folder: write(folder / "_internal/x.so", elf(machine=183)),
        "more than one machine",
    ),
    "broken by strip": (
        lambda folder: write(folder / "_internal/y.so", elf(misaligned=True)),
        "y.so: the loader refuses it",
    ),
}


@pytest.mark.parametrize("fault", LINUX_FAULTS)
def test_what_is_wrong_with_a_folder_is_found(
    linux: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    plant, expected = LINUX_FAULTS[fault]
    plant(linux)
    (problem,) = found(linux, monkeypatch)
    assert expected in problem


def test_modules_that_must_be_out_are_found(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"Gemma MLX": {"gui.app": b"", "mlx.core": b""}, "gemma-mlx": {"mlx.core": b"", "torch.nn": b""}}
    monkeypatch.setattr(verify, "archives", lambda bundle: held)
    problems = list(verify.problems(verify.Bundle(linux), []))
    assert problems == ["Gemma MLX holds mlx", "gemma-mlx holds torch"]


def test_models_and_kernels_are_not_counted(mac: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "check_paths", lambda bundle, forbidden: iter(()))
    write(mac / "Contents/Resources/resources/demo/model/model.safetensors", b"")
    grow(mac / "Contents/Resources/resources/demo/model/model.safetensors", 400_000_000)
    grow(mac / "Contents/Resources/mlx/lib/mlx.metallib", 147_000_000)
    assert found(mac, monkeypatch) == []
    sizes = verify.sizes(verify.Bundle(mac))
    assert list(sizes)[:2] == ["resources", "mlx"] and sizes["mlx"] > 147_000_000


def test_what_is_signed_comes_from_the_inside_out(mac: Path) -> None:
    """codesign seals what is already signed: a framework as a whole, the app's own program with the app."""
    order = [path.relative_to(mac / "Contents").as_posix() for path in verify.code(verify.Bundle(mac))]
    assert order == [
        "Frameworks/mlx/lib/libmlx.dylib",
        "Frameworks/mlx/core.so",
        "Frameworks/PySide6/Qt/lib/QtCore.framework",
        "MacOS/gemma-mlx",
    ]


def test_the_command_says_what_is_wrong(
    linux: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify, "archives", lambda bundle: {})
    monkeypatch.setattr(verify.sys, "argv", ["verify_bundle.py", str(linux)])
    assert verify.main() == 0
    assert "Gemma MLX is as it should be." in capsys.readouterr().out
    (linux / "gemma-mlx").unlink()
    assert verify.main() == 1
    assert "WRONG  the program gemma-mlx is missing" in capsys.readouterr().out
    monkeypatch.setattr(verify.sys, "argv", ["verify_bundle.py", str(linux / "nowhere")])
    assert verify.main() == 2
