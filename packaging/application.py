"""What the application is called, in which version, and what it tells macOS: the one place for all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUNDLE_NAME = "Gemma MLX"
ENGINE_NAME = "gemma-mlx"
IDENTIFIER = "org.gemma-mlx.app"
VERSION = re.search(  # type: ignore[union-attr]
    r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M
).group(1)
COPYRIGHT = "Copyright © 2026 the authors of Gemma MLX. Apache License 2.0."

MINIMUM_MACOS = "15.0"
"""The highest minimum of any library inside, read from the binaries: those of PySide6 6.11.3 say
15.0, although its wheel says 13; MLX's say 14.0. verify_bundle.py compares each of them with this."""

DATASETS = {
    "JSON lines": ("jsonl", "public.json"),
    "JSON": ("json", "public.json"),
    "Comma-separated values": ("csv", "public.comma-separated-values-text"),
    "Parquet": ("parquet", "public.data"),
    "Text": ("txt", "public.plain-text"),
}
"""The files that are opened as datasets: name to extension and the type that theirs conforms to."""


def info_plist() -> dict[str, Any]:
    """Info.plist. What is opened with the app never becomes its own: it is an alternate editor of all."""
    extensions = [extension for extension, _ in DATASETS.values()]
    return {
        "CFBundleName": BUNDLE_NAME,
        "CFBundleDisplayName": BUNDLE_NAME,
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleShortVersionString": VERSION,
        "CFBundleVersion": VERSION,
        "CFBundlePackageType": "APPL",
        "CFBundleDevelopmentRegion": "en",
        "CFBundleLocalizations": ["en", "zh_CN", "ru"],
        "LSMinimumSystemVersion": MINIMUM_MACOS,
        "LSApplicationCategoryType": "public.app-category.developer-tools",
        "LSArchitecturePriority": ["arm64"],
        "LSRequiresNativeExecution": True,
        "LSBackgroundOnly": False,  # PyInstaller says True where one of the programs is for the terminal
        "NSHighResolutionCapable": True,
        "NSSupportsAutomaticGraphicsSwitching": True,
        "NSRequiresAquaSystemAppearance": False,
        "NSHumanReadableCopyright": COPYRIGHT,
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": "Dataset",
                "CFBundleTypeRole": "Viewer",
                "LSHandlerRank": "Alternate",
                "CFBundleTypeExtensions": extensions,
                "LSItemContentTypes": [
                    f"{IDENTIFIER}.jsonl",
                    "public.json",
                    "public.comma-separated-values-text",
                    f"{IDENTIFIER}.parquet",
                    "public.plain-text",
                ],
            },
            {
                "CFBundleTypeName": "Model or adapter",
                "CFBundleTypeRole": "Viewer",
                "LSHandlerRank": "Alternate",
                "LSItemContentTypes": ["public.folder", f"{IDENTIFIER}.safetensors"],
            },
        ],
        "UTImportedTypeDeclarations": [
            imported(f"{IDENTIFIER}.jsonl", "JSON lines", "jsonl", "public.text"),
            imported(f"{IDENTIFIER}.parquet", "Parquet table", "parquet", "public.data"),
            imported(f"{IDENTIFIER}.safetensors", "Safetensors weights", "safetensors", "public.data"),
        ],
    }


def imported(identifier: str, name: str, extension: str, conforms_to: str) -> dict[str, Any]:
    """A type of file that others define and we only read."""
    return {
        "UTTypeIdentifier": identifier,
        "UTTypeDescription": name,
        "UTTypeConformsTo": [conforms_to],
        "UTTypeTagSpecification": {"public.filename-extension": [extension]},
    }
