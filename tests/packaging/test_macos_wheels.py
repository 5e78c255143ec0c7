"""The real wheels for macOS, downloaded from the lock alone: they resolve, and they fit into the planned app.

`make wheels` runs these: a download of some 250 MB. Skipped where no registry can be reached.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.loading import ROOT, load

pytestmark = [pytest.mark.slow, pytest.mark.wheels]

application, contents = load("application"), load("contents")
reader, verify = load("mach_o"), load("verify_bundle")

MAC = {
    "sys_platform": "darwin", "platform_machine": "arm64", "platform_system": "Darwin", "os_name": "posix",
    "python_version": "3.12", "python_full_version": "3.12.10", "implementation_name": "cpython",
    "platform_python_implementation": "CPython", "extra": "",
}  # fmt: skip

ROOTS = (
    "mlx/core.*.so", "numpy/_core/_multiarray_umath.*.so", "numpy/linalg/*.so", "numpy/fft/*.so",
    "pyarrow/lib.*.so", "pyarrow/_parquet.*.so", "pyarrow/_fs.*.so", "tokenizers/*.so", "pydantic_core/*.so",
    "sentencepiece/*.so", "safetensors/*.so", "yaml/*.so", "markupsafe/*.so", "msgpack/*.so",
    "PySide6/QtCore.abi3.so", "PySide6/QtGui.abi3.so", "PySide6/QtWidgets.abi3.so", "PySide6/QtSvg.abi3.so",
    "PySide6/QtOpenGLWidgets.abi3.so", "shiboken6/Shiboken.abi3.so", "PySide6/Qt/plugins/*/*.dylib",
)  # fmt: skip
"""What the app imports; all else comes in because one of these needs it."""


WITH_LIBRARIES = (
    "mlx", "mlx_metal", "numpy", "pyarrow", "tokenizers", "pydantic_core", "sentencepiece", "safetensors",
    "pyyaml", "markupsafe", "msgpack", "pyside6_essentials", "shiboken6",
)  # fmt: skip


def lock_for_a_mac() -> str:
    """The lines of the lock that are for macOS on arm64 and Python 3.12, with their hashes."""
    text = (ROOT / "requirements" / "bundle.txt").read_text(encoding="utf-8")
    chosen = []
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        line = entry.split("\n")[0].rstrip("\\ ")
        if not re.match(r"[A-Za-z0-9]", line):
            continue
        marker = Requirement(line).marker
        if marker is None or marker.evaluate(MAC):
            chosen.append(re.sub(r" ;[^\\\n]*", " ", entry, count=1))
    return "\n".join(chosen) + "\n"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every wheel of the lock, for macOS 14 on arm64 and Python 3.12."""
    folder = tmp_path_factory.mktemp("wheels")
    (folder / "lock.txt").write_text(lock_for_a_mac(), encoding="utf-8")
    smallest = next(entry for entry in lock_for_a_mac().split("\n") if entry.startswith("mdurl=="))
    probe = download(folder, [smallest.rstrip("\\ ")], 30)
    if probe.returncode != 0:
        pytest.skip(f"no registry can be reached: {(probe.stderr.strip().splitlines() or [''])[-1][:200]}")
    ended = download(folder, ["--require-hashes", "-r", "lock.txt"], 180)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder / "found"


def download(folder: Path, what: list[str], seconds: int) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps",
        "--only-binary=:all:", "--retries=1", "--timeout=15", "--platform=macosx_14_0_arm64",
        "--implementation=cp", "--python-version=3.12", "--dest=found", *what,
    ]  # fmt: skip
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"pip gave no wheel within {seconds} s")


@pytest.fixture(scope="module")
def unpacked(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site-packages")
    for wheel in wheels.glob("*.whl"):
        if wheel.name.startswith(tuple(f"{name}-" for name in WITH_LIBRARIES)):
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if "/include/" not in name]
                archive.extractall(folder, names)
    return folder


def test_the_lock_alone_gives_every_package_for_a_mac(wheels: Path) -> None:
    wanted = {re.split("==", line)[0] for line in re.findall(r"^[a-z0-9._-]+==", lock_for_a_mac(), re.M)}
    found = {re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower() for wheel in wheels.glob("*.whl")}
    assert found == wanted
    assert {"mlx", "mlx-metal", "pyside6-essentials", "numpy", "pyinstaller", "macholib", "dmgbuild"} <= found
    platforms = {wheel.stem.rsplit("-", 1)[1] for wheel in wheels.glob("*.whl")}
    assert all(re.fullmatch(r"any|macosx_1[0-4]_\d+_(arm64|universal2)", name) for name in platforms), (
        platforms
    )


def closure(site: Path) -> set[Path]:
    """The files that the app imports, and those that they load, to the end."""
    bundle = verify.Bundle(site)
    bundle.programs = site
    todo = [path for pattern in ROOTS for path in sorted(site.glob(pattern)) if wanted(path, site)]
    found: set[Path] = set()
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        one = next(each for each in reader.read_mach_o(file) if each.architecture == "arm64")
        search = [(path, file.parent) for path in one.search]
        for library in one.libraries:
            if not library.startswith(verify.SYSTEM_PLACES) and library not in one.weak:
                places = verify._places(library, file, bundle, search)
                there = [place.resolve() for place in places if place.exists()]
                assert there, f"{file.relative_to(site)}: {library}"
                todo.append(there[0])
    return found


def wanted(path: Path, site: Path) -> bool:
    return bool(contents.wanted(path.relative_to(site).as_posix()))


def thin(source: Path, target: Path) -> None:
    """What PyInstaller's target_arch does: the arm64 half of a universal file."""
    data = source.read_bytes()
    if data[:4] == b"\xca\xfe\xba\xbe":
        (count,) = struct.unpack_from(">I", data, 4)
        for number in range(count):
            cpu, _, offset, size, _ = struct.unpack_from(">iiIII", data, 8 + 20 * number)
            if cpu == reader.ARM64:
                data = data[offset : offset + size]
                break
    target.write_bytes(data)


@pytest.fixture(scope="module")
def planned(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Contents of the app, laid out by PyInstaller's own code for macOS from the real libraries."""
    osx = pytest.importorskip("PyInstaller.building.osx")
    entries = []
    for file in sorted(closure(unpacked)):
        name = file.relative_to(unpacked).as_posix()
        entries.append((name, str(file), "BINARY"))
        if file.suffix == ".dylib" and "/plugins/" not in name:  # PyInstaller finds libraries at the top
            entries.append((file.name, name, "SYMLINK"))
    entries += [
        ("mlx/lib/mlx.metallib", str(unpacked / "mlx/lib/mlx.metallib"), "DATA"),
        ("mlx.metallib", "mlx/lib/mlx.metallib", "SYMLINK"),  # as in the spec
    ]
    app = tmp_path_factory.mktemp("dist") / "Gemma MLX.app"
    layout = osx.BUNDLE.__new__(osx.BUNDLE)._process_bundle_toc(sorted(entries))
    for name, source, kind in layout:
        target = app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if kind == "SYMLINK":
            target.symlink_to(source)
        elif kind == "DATA":
            shutil.copyfile(source, target)
        else:
            thin(Path(source), target)
    yield app
    shutil.rmtree(app)


def test_the_real_libraries_fit_into_the_planned_app(planned: Path) -> None:
    bundle = verify.Bundle(planned)
    names = {bundle.name_of(file) for file in bundle.mach_o}
    assert "mlx/lib/libmlx.dylib" in names and "PySide6/Qt/plugins/platforms/libqcocoa.dylib" in names
    assert "PySide6/Qt/lib/QtGui.framework/Versions/A/QtGui" in names
    problems = [
        *verify.check_architecture(bundle), *verify.check_mac_libraries(bundle), *verify.check_metal(bundle)
    ]  # fmt: skip
    assert problems == []
    sizes = {name: f"{size / 1e6:.1f} MB" for name, size in verify.sizes(bundle).items()}
    print(f"libraries of the planned app: {sizes}")


def test_the_promised_system_is_the_one_that_the_libraries_need(planned: Path) -> None:
    """Neither higher, which would shut out Macs, nor lower, which would fail on them."""
    minima = {each.minimum for slices in verify.Bundle(planned).mach_o.values() for each in slices}
    assert ".".join(map(str, max(minima))) == application.MINIMUM_MACOS


def test_without_the_link_mlx_would_not_find_its_kernels(planned: Path) -> None:
    """The link of the spec is what public reports of frozen MLX apps lack."""
    link = planned / "Contents" / "Frameworks" / "mlx.metallib"
    place = link.readlink()
    link.unlink()
    try:
        (problem,) = verify.check_metal(verify.Bundle(planned))
        assert "not beside Contents/Frameworks/libmlx.dylib" in problem
    finally:
        link.symlink_to(place)


def test_our_reader_agrees_with_macholib(unpacked: Path) -> None:
    macholib = pytest.importorskip("macholib.MachO")
    compared = 0
    for file in [*unpacked.rglob("*.dylib"), *unpacked.rglob("*.so")]:
        ours, theirs = reader.read_mach_o(file), macholib.MachO(str(file)).headers
        for one, other in zip(ours, theirs, strict=True):
            assert {name for _, _, name in other.walkRelocatables()} == set(one.libraries), file
            compared += 1
    assert compared > 100
