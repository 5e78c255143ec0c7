"""The walls around the bundle's self-test hold: no network, no programs, only the app's folders to write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.loading import PACKAGING

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's namespaces")

PROBE = """#!/bin/sh
# Uses nothing but what the shell itself has.
data="$HOME/.local/share/Gemma MLX" state="$HOME/.config/Gemma MLX"
for place in "$HOME" "$HOME/.local/share" "$data" "$state" "${0%/*}" "$TMPDIR"; do
    if (echo x >"$place/probe") 2>/dev/null; then echo "writes ${place#"$HOME"}"; fi
done
while read -r line; do
    case $line in *:*) echo "network ${line%%:*}" ;; esac
done </proc/net/dev
for program in cc gcc g++ clang python3 curl ls; do
    command -v "$program" >/dev/null && echo "finds $program"
done
echo "token ${HF_TOKEN:-none}, asked for $*"
exit "${STATUS:-0}"
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    if subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "--mount", "true"], capture_output=True
    ).returncode:
        pytest.skip("this system forbids namespaces")
    path = tmp_path / "Gemma MLX" / "Gemma MLX"
    path.parent.mkdir()
    path.write_text(PROBE, encoding="utf-8")
    path.chmod(0o755)
    return path


def try_alone(program: Path, *steps: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(PACKAGING / "try_alone.sh"), str(program), *steps],
        env={**os.environ, "HF_TOKEN": "secret", "TRY_ALONE": "required"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(shutil.which("unshare") is None, reason="util-linux is not installed")
def test_nothing_but_the_apps_folders_can_be_written_or_reached(program: Path) -> None:
    done = try_alone(program, "window", "chat")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    written = [line.removeprefix("writes ") for line in said if line.startswith("writes ")]
    assert (
        written[:2] == ["/.local/share/Gemma MLX", "/.config/Gemma MLX"] and len(written) == 3
    )  # and TMPDIR
    assert [line for line in said if line.startswith(("network", "finds"))] == ["network lo"]
    assert "token none, asked for --self-test window chat" in said


@pytest.mark.skipif(shutil.which("unshare") is None, reason="util-linux is not installed")
def test_a_failing_self_test_fails_the_build(program: Path) -> None:
    program.write_text("#!/bin/sh\necho FAILED chat\nexit 1\n", encoding="utf-8")
    done = try_alone(program)
    assert done.returncode == 1 and "FAILED chat" in done.stdout
