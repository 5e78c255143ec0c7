"""What the app tells macOS of itself: one version everywhere, and only file types that it opens."""

from __future__ import annotations

import plistlib
import runpy
import tomllib

import gemma_mlx
from tests.packaging.loading import PACKAGING, ROOT, load

application = load("application")


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    plist = application.info_plist()
    versions = {plist["CFBundleVersion"], plist["CFBundleShortVersionString"], gemma_mlx.__version__}
    assert versions == {project["version"]}


def test_the_plist_can_be_written_and_promises_what_it_should() -> None:
    plist = plistlib.loads(plistlib.dumps(application.info_plist()))
    assert plist["LSMinimumSystemVersion"] == application.MINIMUM_MACOS
    assert plist["NSHighResolutionCapable"] is True
    assert "CFBundleURLTypes" not in plist
    opened = {name for kind in plist["CFBundleDocumentTypes"] for name in kind["LSItemContentTypes"]}
    assert {"public.json", "public.folder"} <= opened
    declared = {each["UTTypeIdentifier"] for each in plist["UTImportedTypeDeclarations"]}
    assert {name for name in opened if name.startswith(application.IDENTIFIER)} <= declared
    assert all(kind["LSHandlerRank"] == "Alternate" for kind in plist["CFBundleDocumentTypes"])


def test_every_dataset_that_is_read_can_be_opened() -> None:
    kinds = {kind["CFBundleTypeName"]: kind for kind in application.info_plist()["CFBundleDocumentTypes"]}
    assert {"jsonl", "json", "csv", "parquet", "txt"} == set(kinds["Dataset"]["CFBundleTypeExtensions"])


def test_the_entitlements_are_those_that_mlx_and_python_need() -> None:
    found = plistlib.loads((PACKAGING / "entitlements.plist").read_bytes())
    assert found == {
        f"com.apple.security.cs.{name}": True
        for name in ("allow-jit", "allow-unsigned-executable-memory", "disable-library-validation")
    }


def test_the_disk_image_shows_app_and_applications_on_its_background() -> None:
    """dmgbuild runs the file with `defines`, what its -D options name."""
    defines = {"app": "dist/Gemma MLX.app", "background": "build/bundle/background.png"}
    settings = runpy.run_path(str(PACKAGING / "dmg_settings.py"), init_globals={"defines": defines})
    assert settings["files"] == ["dist/Gemma MLX.app"] and settings["symlinks"] == {
        "Applications": "/Applications"
    }
    width, height = settings["window_rect"][1]
    assert (width, height) == load("make_icon").WINDOW
    assert settings["icon_locations"].keys() == {"Gemma MLX.app", "Applications"}
    half = settings["icon_size"] / 2
    for x, y in settings["icon_locations"].values():
        assert half <= x <= width - half and half <= y <= height - half
