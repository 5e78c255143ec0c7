"""What goes into the bundle: what our modules need and nothing else, with licences and bill of materials."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.packaging.loading import ROOT, load

contents, licences, sbom = load("contents"), load("licences"), load("sbom")

MISSED_ON_PURPOSE = {
    # Each of these is caught, and the user told what to install or that this program has no such thing.
    "torch", "transformers", "peft", "h5py", "hf_xet", "readline",
    "gemma_mlx.verification.record", "gemma_mlx.verification.record_folder",
    "gemma_mlx.verification.reference",
}  # fmt: skip


def imports_of(module: str) -> set[str]:
    """Every module that a file imports, wherever in it."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{each.name}" for each in node.names}
    return found


@pytest.mark.parametrize(
    ("modules", "left_out"),
    [
        (contents.window_modules(), contents.LEFT_OUT + contents.LEFT_OUT_OF_THE_WINDOW),
        (contents.engine_modules(), [*contents.LEFT_OUT, "PySide6", "pyqtgraph"]),
    ],
    ids=["window", "engine"],
)
def test_what_goes_in_needs_nothing_that_stays_out(modules: list[str], left_out: list[str]) -> None:
    ours = [name for name in modules if name.startswith(("gemma_mlx", "gui"))]
    assert len(ours) > 50
    missed = {
        (name, needed)
        for name in ours
        for needed in imports_of(name)
        for out in left_out
        if (needed == out or needed.startswith(f"{out}."))
        and not any(needed == known or needed.startswith(f"{known}.") for known in MISSED_ON_PURPOSE)
    }
    assert not missed


WITHOUT = """
import importlib, sys
from types import ModuleType
class Wall:
    def find_spec(self, name, path=None, target=None):
        if any(name == out or name.startswith(out + ".") for out in {left_out!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Wall())
sys.modules["PySide6.QtOpenGL"] = ModuleType("PySide6.QtOpenGL")  # as window_main.py does
for name in {modules!r}:
    importlib.import_module(name)
"""


@pytest.mark.parametrize("program", ["window", "engine"])
def test_all_that_goes_in_can_be_imported_without_what_stays_out(program: str) -> None:
    """Libraries' own imports, too: numpy and pyqtgraph ask for things that they hardly use."""
    if program == "window":
        modules, left_out = contents.window_modules(), contents.LEFT_OUT + contents.LEFT_OUT_OF_THE_WINDOW
    else:
        modules, left_out = contents.engine_modules(), [*contents.LEFT_OUT, "PySide6", "pyqtgraph"]
    modules = [name for name in modules if not name.startswith(("keyring.backends", "mlx_lm."))]
    code = WITHOUT.format(left_out=left_out, modules=modules)
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


def test_numpys_random_numbers_are_used_by_nothing_inside() -> None:
    """numpy.random stays out; numpy itself asks for it only when it is used, by an attribute."""
    for name in [*contents.window_modules(), *contents.engine_modules()]:
        path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        if path.is_file():
            assert not re.search(r"\b(np|numpy)\.random\b", path.read_text(encoding="utf-8")), name


@pytest.mark.parametrize(
    ("target", "goes_in"),
    [
        ("PySide6/Qt/plugins/platforms/libqcocoa.dylib", True),
        ("PySide6/Qt/plugins/platforms/libqoffscreen.so", True),
        ("PySide6/Qt/plugins/platforms/libqeglfs.so", False),
        ("PySide6/Qt/plugins/tls/libqopensslbackend.so", False),
        ("PySide6/Qt/plugins/styles/libqmacstyle.dylib", True),
        ("PySide6/Qt/lib/QtDBus.framework/Versions/A/QtDBus", True),
        ("PySide6/Qt/lib/QtNetwork.framework/Versions/A/QtNetwork", False),
        ("PySide6/Qt/lib/libQt6Qml.so.6", False),
        ("PySide6/Qt/translations/qtbase_ru.qm", True),
        ("PySide6/Qt/translations/qtbase_de.qm", False),
        ("resources/translations/gemma_mlx_ru.qm", True),
        ("pyarrow/libarrow.so.2600", True),
        ("pyarrow/libarrow_flight.so.2600", False),
        ("mlx/lib/mlx.metallib", True),
        ("mlx/include/mlx/array.h", False),
        ("libX11.so.6", False),
        ("libssl.so.3", True),
    ],
)
def test_what_files_go_in(target: str, goes_in: bool) -> None:
    assert contents.wanted(target) == goes_in


def test_the_demo_goes_in_and_its_scripts_stay_out() -> None:
    targets = {target for target, _, _ in contents.resource_files()}
    assert {"resources/demo/model/pytorch.recording", "resources/demo/pirate/train.jsonl"} <= targets
    assert {"resources/icons/app.svg", "resources/style/app.qss", "resources/catalogue.json"} <= targets
    assert not any(target.endswith(".py") for target in targets)


def test_a_library_that_strip_breaks_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.packaging.small_files import elf

    (tmp_path / "whole.so").write_bytes(elf())
    program = tmp_path / "strip"
    program.write_text('#!/bin/sh\ncp "$BROKEN" "$3"\n')
    program.chmod(0o755)
    monkeypatch.setattr(contents.shutil, "which", lambda name: str(program))
    monkeypatch.setattr(contents.sys, "platform", "linux")
    entries = [("a.so", str(tmp_path / "whole.so"), "BINARY"), ("b.txt", "x", "DATA")]
    for broken, kept in ((elf(misaligned=True), True), (b"", True), (elf(), False)):
        (tmp_path / "out").write_bytes(broken)
        monkeypatch.setenv("BROKEN", str(tmp_path / "out"))
        made = contents.stripped(entries, tmp_path / "build")
        assert (made[0][1] == entries[0][1]) == kept
        assert made[1] == entries[1]


def packages() -> list[metadata.Distribution]:
    return [metadata.distribution(name) for name in ("numpy", "PySide6-Essentials", "tokenizers", "mlx")]


def test_a_file_leads_to_the_package_that_it_comes_from() -> None:
    import numpy

    found = contents.distributions(
        [("numpy/__init__.py", str(numpy.__file__), "PYMODULE"), ("x", "", "DATA")]
    )
    assert [each.metadata["Name"] for each in found] == ["numpy"]


def test_licences_name_each_package_and_hold_the_texts() -> None:
    text = licences.collect(packages())
    for name in ("Gemma MLX", "Python", "numpy", "PySide6", "tokenizers", "mlx"):
        assert re.search(rf"^\s*{name}\S* \S+: \S", text, re.M), name
    assert "GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3" in text, (
        "the wheel has no text"
    )
    titles = re.findall(r"^={100}\n(.+)\n={100}$", text, re.M)
    assert "Gemma MLX, tokenizers" in titles, "the same text once, and it stands for a package without"


def test_the_bill_of_materials_is_cyclonedx() -> None:
    text = sbom.bill_of_materials(packages())
    assert text == sbom.bill_of_materials(packages()), "the same packages, the same bill"
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    by_name = {entry["name"]: entry for entry in bill["components"]}
    assert by_name["numpy"]["purl"] == f"pkg:pypi/numpy@{metadata.version('numpy')}"
    assert by_name["PySide6_Essentials" if "PySide6_Essentials" in by_name else "PySide6-Essentials"][
        "licenses"
    ]
    references = [entry["bom-ref"] for entry in bill["components"]]
    assert len(set(references)) == len(references)
    assert bill["dependencies"][0] == {
        "ref": bill["metadata"]["component"]["bom-ref"],
        "dependsOn": references,
    }
    for entry in bill["components"]:
        for licence in entry.get("licenses", []):
            assert licence.keys() <= {"expression", "license"}


def test_definitions_of_other_families_go_in_without_the_package_around_them() -> None:
    inside, outside = contents.definitions()
    assert {"mlx_lm.models.qwen2", "mlx_lm.models.base", "mlx_lm.models.rope_utils"} <= set(inside)
    assert {"mlx_lm.convert", "mlx_lm.generate", "mlx_lm.utils"} <= set(outside)
    assert not set(inside) & set(outside) and set(inside) <= set(contents.engine_modules())
    assert not any(name.startswith("mlx_lm") for name in contents.window_modules())
    asked = """
from gemma_mlx.families import FAMILY_NAMES
from gemma_mlx.models.families import definition_of
assert all(definition_of(kind) is not None for kind in FAMILY_NAMES)
"""
    code = WITHOUT.format(left_out=[*contents.LEFT_OUT, *outside], modules=[]) + asked
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr[-2000:]
