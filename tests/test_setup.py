"""Tests of the set-up: the locks, the Makefile, CI's script and the tools that make .venv."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("runtime", "app", "bundle", "dev", "equivalence")


def load_tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lock_lines(name: str) -> list[str]:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def pins(name: str) -> dict[tuple[str, str], str]:
    """Package and marker -> version."""
    requirements = [
        Requirement(line.rstrip("\\ ")) for line in lock_lines(name) if re.match(r"[A-Za-z0-9]", line)
    ]
    return {(each.name, str(each.marker)): str(each.specifier) for each in requirements}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_everything_and_names_no_place(name: str) -> None:
    for line in lock_lines(name):
        assert re.fullmatch(
            r"#.*|[a-z0-9._-]+==\S+( ; .*?)?( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?", line
        ), line
    assert pins(name)


@pytest.mark.parametrize("name", ["runtime", "app", "bundle", "dev"])
def test_every_package_of_a_lock_has_hashes(name: str) -> None:
    lines = lock_lines(name)
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if "==" in line and not line.startswith("#"):
            assert line.endswith("\\") and below.startswith("    --hash=")


@pytest.mark.parametrize(("small", "large"), [("runtime", "app"), ("app", "bundle"), ("bundle", "dev")])
def test_a_larger_lock_holds_the_smaller_at_the_same_versions(small: str, large: str) -> None:
    versions = {(name, version) for (name, _), version in pins(small).items()}
    assert versions <= {(name, version) for (name, _), version in pins(large).items()}


def test_the_reference_is_installed_beside_the_same_packages() -> None:
    shared = pins("dev").keys() & pins("equivalence").keys()
    assert ("numpy", 'python_full_version < "3.12"') in shared
    assert all(pins("dev")[package] == pins("equivalence")[package] for package in shared)


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("runtime", ()),
        ("app", ("app",)),
        ("bundle", ("app", "exchange", "serve", "bundle")),
        ("dev", ("app", "exchange", "serve", "bundle", "dev")),
        ("equivalence", ("equivalence",)),
    ],
)
def test_a_lock_satisfies_pyproject(lock: str, extras: tuple[str, ...]) -> None:
    declared = [
        *project()["dependencies"],
        *(line for extra in extras for line in project()["optional-dependencies"][extra]),
    ]
    pinned = {name: version for (name, _), version in pins(lock).items()}
    for line in declared:
        wanted = Requirement(line)
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        assert name in pinned, f"{line}: run make lock"
        assert wanted.specifier.contains(pinned[name].removeprefix("==")), f"{line}: run make lock"


def test_make_knows_every_target_that_is_spoken_of() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        text = (ROOT / page).read_text(encoding="utf-8")
        spoken = set(re.findall(r"(?:`|^|\n)make ([a-z]+)", text))
        assert spoken <= targets, f"{page}: {spoken - targets}"


def test_ci_runs_only_what_a_reader_would() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"for target in test lint equivalence", script)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


# make_venv.sh, with a PATH of our own making


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout with the script alone and a PATH with nothing but small programs, as a plain user."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "make_venv.sh", tmp_path / "tools")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dirname", "uname", "sh"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    fake(programs, "id", "echo 1000")
    return tmp_path


def make_venv(bare: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "tools/make_venv.sh"],
        cwd=bare,
        env={"PATH": str(bare / "bin"), **environment},
        capture_output=True,
        text=True,
    )


def test_without_python_the_mend_is_named(bare: Path) -> None:
    result = make_venv(bare)
    assert result.returncode == 1
    assert "No Python 3.11, 3.12 or 3.13" in result.stderr and "To mend it" in result.stderr


def test_debians_python_without_venv_names_the_package(bare: Path) -> None:
    fake(bare / "bin", "python3.11", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    result = make_venv(bare)
    assert result.returncode == 1
    assert "sudo apt-get install -y python3.11-venv" in result.stderr
    assert not (bare / ".venv").exists()


def test_a_shim_that_does_not_run_is_passed_over(bare: Path) -> None:
    fake(bare / "bin", "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    without_pip = 'case "$*" in "-m venv"*) set -- "$@" --without-pip;; esac'  # the slow part
    fake(bare / "bin", "python3.11", f'{without_pip}; exec {sys.executable} "$@"')
    result = make_venv(bare)
    assert result.returncode == 0, result.stderr
    assert "python3.11" in result.stdout
    made = subprocess.run(
        [bare / ".venv/bin/python", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True
    )
    assert made.stdout.strip() == str((bare / ".venv").resolve())


def test_a_python_that_is_too_new_or_too_old_is_passed_over(bare: Path) -> None:
    fake(bare / "bin", "python3", "exit 1")  # answers the question for its version with no
    assert make_venv(bare).returncode == 1


# install.py


def test_an_installation_is_done_again_only_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = load_tool("install")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "LOCKS", tmp_path)
    monkeypatch.setattr(tool.sys, "prefix", str(tmp_path))
    for name in LOCKS:
        (tmp_path / f"{name}.txt").write_text(f"{name}==1\n")
    (tmp_path / "pyproject.toml").write_text("a\n")
    assert not tool.is_installed("runtime")
    tool.stamp("dev").write_text(tool.fingerprint("dev"))
    assert tool.is_installed("runtime") and tool.is_installed("dev") and not tool.is_installed("equivalence")
    (tmp_path / "pyproject.toml").write_text("b\n")
    assert not tool.is_installed("runtime")


def test_a_failed_installation_says_why_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tool = load_tool("install")
    monkeypatch.setattr(tool.sys, "prefix", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        tool.run_pip(["--no-index", "--find-links", str(tmp_path), "there-is-no-such-package"], 1)
    said = capfd.readouterr().err
    assert stopped.value.code == 1
    assert "there-is-no-such-package" in said and "To mend it" in said and "pip.log" in said
    assert "there-is-no-such-package" in (tmp_path / "pip.log").read_text()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (
            "Collecting docstring-parser==0.18.0 (from -r requirements/runtime.txt (line 187))",
            "docstring-parser",
        ),
        ("Requirement already satisfied: mlx-lm==0.32.2 in ./.venv/lib", "mlx-lm"),
        ("Processing /wheels/annotated_types-0.8.0-py3-none-any.whl (from -r x)", "annotated_types"),
        ("Obtaining file:///somewhere", None),
    ],
)
def test_pips_lines_are_counted(line: str, name: str | None) -> None:
    found = load_tool("install").PACKAGE_LINE.match(line)
    assert (found.group(1) if found else None) == name


def test_the_count_of_packages_is_of_this_system() -> None:
    tool = load_tool("install")
    everything = len(pins("dev"))
    here = sum(
        1
        for name, marker in pins("dev")
        if marker == "None" or Requirement(f"{name}; {marker}").marker.evaluate()
    )  # type: ignore[union-attr]
    assert tool.wanted_here("dev") == here < everything


# qt_libraries.py


@pytest.mark.skipif(sys.platform != "linux", reason="macOS lacks nothing that Qt needs")
def test_missing_qt_libraries_are_named_to_a_plain_user(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = load_tool("qt_libraries")
    monkeypatch.setattr(tool, "problem", lambda: "libEGL.so.1: cannot open shared object file")
    monkeypatch.setattr(tool.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(tool.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SystemExit):
        tool.main()
    said = capsys.readouterr().err
    assert (
        "libEGL.so.1" in said
        and "sudo apt-get install -y --no-install-recommends" in said
        and "libegl1" in said
    )


@pytest.mark.skipif(sys.platform != "linux", reason="macOS lacks nothing that Qt needs")
def test_qt_is_tried_as_it_is_used() -> None:
    assert load_tool("qt_libraries").problem() == ""


# .ci/run, with a make of our own making


@pytest.mark.parametrize(("failing", "status"), [("", 0), ("lint", 1), ("equivalence", 1)])
def test_ci_fails_when_any_of_its_commands_fails(tmp_path: Path, failing: str, status: int) -> None:
    clone, programs = tmp_path / "clone", tmp_path / "bin"
    (clone / ".ci").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    programs.mkdir()
    shutil.copy(ROOT / ".ci" / "run", clone / ".ci")
    fake(programs, "make", f'echo "ran $2 with $GEMMA_MLX_TEST_DATA"; [ "$2" != "{failing}" ]')
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", str(clone / ".ci" / "run")], env=environment, capture_output=True, text=True
    )
    assert result.returncode == status
    for target in ("test", "lint", "equivalence"):
        assert f"ran {target} with {tmp_path / 'shared'}" in result.stdout
        assert re.search(rf"^make {target}: \d+ s$", result.stdout, re.M)
    assert (f"Failed: {failing}" in result.stdout) == bool(failing)
