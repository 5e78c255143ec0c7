"""The app as PyInstaller's own code for macOS puts it together, from stand-ins, on any system."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.packaging.loading import PACKAGING, load
from tests.packaging.small_files import mach_o

application, verify = load("application"), load("verify_bundle")
osx: Any = pytest.importorskip("PyInstaller.building.osx")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What BUNDLE makes of our two programs, MLX's library and kernels, and a data file."""
    sources = tmp_path / "sources"
    sources.mkdir()

    def source(name: str, data: bytes) -> str:
        path = sources / name.replace("/", "_")
        path.write_bytes(data)
        return str(path)

    program = mach_o(search=["@executable_path/../Frameworks"])
    core = mach_o(libraries=["@rpath/libmlx.dylib"], search=["@loader_path/.."])  # as PyInstaller rewrites it
    monkeypatch.setattr(osx, "osxutils", SimpleNamespace(sign_binary=lambda *_, **__: None), raising=False)
    monkeypatch.setattr(osx, "process_collected_binary", lambda name, *_, **__: name)
    monkeypatch.setattr("PyInstaller.config.CONF", {"workpath": str(tmp_path), "specpath": str(PACKAGING)})
    bundle = osx.BUNDLE.__new__(osx.BUNDLE)
    bundle.__dict__.update(
        name=str(tmp_path / "Gemma MLX.app"), tocbasename="x", icon=source("icon.icns", b"icns"),
        appname="Gemma MLX", bundle_identifier=application.IDENTIFIER, version=application.VERSION,
        info_plist=application.info_plist(), exename=source("Gemma MLX", program),
        console=True,  # so it is when the second program is one for the terminal
        strip=False, upx=False, upx_exclude=None, target_arch="arm64", codesign_identity=None,
        entitlements_file=None,
        toc=[
            ("Gemma MLX", source("Gemma MLX", program), "EXECUTABLE"),
            ("gemma-mlx", source("gemma-mlx", program), "EXECUTABLE"),
            ("mlx/core.so", source("core.so", core), "EXTENSION"),
            ("mlx/lib/libmlx.dylib", source("libmlx.dylib", mach_o()), "BINARY"),
            ("libmlx.dylib", "mlx/lib/libmlx.dylib", "SYMLINK"),
            ("mlx/lib/mlx.metallib", source("mlx.metallib", b"MTLB"), "DATA"),
            ("mlx.metallib", "mlx/lib/mlx.metallib", "SYMLINK"),
            ("resources/demo/model/config.json", source("config.json", b"{}"), "DATA"),
        ],
    )  # fmt: skip
    bundle.assemble()
    return tmp_path / "Gemma MLX.app"


def test_the_app_has_a_window_both_programs_and_mlxs_kernels(app: Path) -> None:
    bundle = verify.Bundle(app)
    checks = (
        verify.check_plist, verify.check_programs, verify.check_architecture, verify.check_mac_libraries,
        verify.check_metal,
    )  # fmt: skip
    assert [problem for check in checks for problem in check(bundle)] == []


def test_resources_are_found_from_where_programs_look(app: Path) -> None:
    """sys._MEIPASS is Contents/Frameworks; the data itself lies in Contents/Resources."""
    inside = app / "Contents" / "Frameworks"
    assert (inside / "resources" / "demo" / "model" / "config.json").is_file()
    assert (app / "Contents" / "Resources" / "resources").is_dir()
    assert not (app / "Contents" / "Resources" / "resources").is_symlink()


def test_the_spec_links_the_kernels_and_names_the_plist() -> None:
    spec = (PACKAGING / "gemma_mlx.spec").read_text(encoding="utf-8")
    assert '("mlx.metallib", "mlx/lib/mlx.metallib", "SYMLINK")' in spec
    assert "info_plist=info_plist()" in spec and 'ARCHITECTURE = "arm64"' in spec
