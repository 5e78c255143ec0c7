"""Scripts and workflows: a release stops where something does not fit; shell for a Mac alone is sound."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.loading import PACKAGING, ROOT

SCRIPTS = sorted(PACKAGING.glob("*.sh"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def git(folder: Path, *words: str) -> str:
    name = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *name, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project of its own with a remote, both at the same commit."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    git(tmp_path, "clone", "--quiet", "remote.git", "checkout")
    folder = tmp_path / "checkout"
    for path, text in {
        "pyproject.toml": 'version = "1.2.3"\n',
        "gemma_mlx/__init__.py": '__version__ = "1.2.3"\n',
    }.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    (folder / "packaging").mkdir()
    shutil.copy(PACKAGING / "release.sh", folder / "packaging")
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@example.org")
    git(folder, "checkout", "--quiet", "-B", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "All")
    git(folder, "push", "--quiet", "-u", "origin", "main")
    return folder


def release(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "packaging/release.sh"], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_a_release_is_one_command(checkout: Path) -> None:
    done = release(checkout)
    assert done.returncode == 0, done.stderr
    assert "v1.2.3" in git(checkout.parent / "remote.git", "tag", "--list")
    again = release(checkout)
    assert (
        again.returncode == 1 and "v1.2.3 is already there" in again.stderr and "To mend it" in again.stderr
    )


def other_version(folder: Path) -> None:
    (folder / "gemma_mlx" / "__init__.py").write_text('__version__ = "1.2.4"\n')


def uncommitted(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")


def not_pushed(folder: Path) -> None:
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "More")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_version, "different versions"),
        (uncommitted, "not committed"),
        (not_pushed, "origin has another main"),
    ],
)
def test_what_does_not_fit_is_not_released(checkout: Path, change: Any, reason: str) -> None:
    change(checkout)
    done = release(checkout)
    assert done.returncode == 1 and reason in done.stderr and "To mend it" in done.stderr
    assert git(checkout.parent / "remote.git", "tag", "--list") == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_sound_shell(script: Path) -> None:
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", str(script)], check=True)
    checker = shutil.which("shellcheck")
    if checker is None:
        pytest.skip("shellcheck is not installed; the workflow runs it")
    checked = subprocess.run([checker, str(script)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_a_mac_build_refuses_other_systems() -> None:
    if shutil.which("sw_vers"):
        pytest.skip("this is a Mac")
    done = subprocess.run(["sh", str(PACKAGING / "build_macos.sh")], capture_output=True, text=True)
    assert done.returncode == 1 and "Apple silicon" in done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_is_there(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert workflow["permissions"] == {"contents": "read"}, "nothing may write unless its job says so"
    for name, job in workflow["jobs"].items():
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()
            continue
        assert job["timeout-minutes"] <= 45, name
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            if "run" in step:
                subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
                assert "${{" not in step["run"], f"{name}: a name from outside in a script; use env"
                assert set(re.findall(r"\bmake ([a-z]+)", step["run"])) <= targets


def test_a_tag_is_tested_built_on_both_systems_and_published_with_checksums() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/bundle.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    assert workflow[True]["push"]["tags"] == ["v*"]  # YAML takes `on` for a truth value
    assert set(jobs["publish"]["needs"]) == {"tests", "linux", "macos"}
    assert jobs["macos"]["runs-on"].startswith("macos-") and jobs["macos"]["runs-on"] != "macos-13"
    last = jobs["publish"]["steps"][-1]["run"]
    assert "sha256sum --check" in last and "gh release create" in last
    assert any("cdx.json" in step.get("run", "") for step in jobs["linux"]["steps"])
