"""Installs one lock of requirements/ into the environment that runs this file, then the project itself.

`python tools/install.py runtime|app|bundle|dev|equivalence`. Runs before anything else is installed, so it
needs only the standard library and pip. Nothing is done when the lock, pyproject.toml and the place are
unchanged.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"

# Each lock holds all of the locks before it, at the same versions; equivalence stands beside dev.
HOLDS = {
    "runtime": ("runtime", "app", "bundle", "dev"),
    "app": ("app", "bundle", "dev"),
    "bundle": ("bundle", "dev"),
    "dev": ("dev",),
    "equivalence": ("equivalence",),
}

PACKAGE_LINE = re.compile(
    r"(?:Collecting |Requirement already satisfied: |Processing \S*/(?=\S*\.whl))"
    r"([A-Za-z0-9._-]+?)(?:-\d|==|\s|$)"
)
"""What pip prints for each package: from a registry, from a folder of wheels, or already here."""


def fingerprint(lock: str) -> str:
    """What an installation depends on: the lock, pyproject.toml, and where the project lies."""
    content = hashlib.sha256()
    for part in ((LOCKS / f"{lock}.txt").read_bytes(), (ROOT / "pyproject.toml").read_bytes(), bytes(ROOT)):
        content.update(hashlib.sha256(part).digest())
    return content.hexdigest()


def stamp(lock: str) -> Path:
    """The file in the environment that says with what fingerprint a lock was installed."""
    return Path(sys.prefix) / f".installed-{lock}"


def is_installed(lock: str) -> bool:
    """Whether this lock, or one that holds it, stands in the environment as it is now."""
    return any(
        stamp(name).is_file() and stamp(name).read_text(encoding="ascii") == fingerprint(name)
        for name in HOLDS[lock]
    )


def wanted_here(lock: str) -> int:
    """How many of a lock's packages are for this system (a lock serves macOS and Linux, three Pythons)."""
    from pip._vendor.packaging.requirements import Requirement

    lines = (LOCKS / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    requirements = (Requirement(line.rstrip("\\ ")) for line in lines if re.match(r"[A-Za-z0-9]", line))
    return sum(
        1 for requirement in requirements if requirement.marker is None or requirement.marker.evaluate()
    )


def show(text: str) -> None:
    """One line that replaces itself on a terminal, and a line of its own in a log."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)
    else:
        print(text, flush=True)


def run_pip(arguments: list[str], total: int) -> None:
    """Run pip with its own lines in a log file and a count of packages on the screen.

    Raises:
        SystemExit: pip failed; its last lines and the log's place are printed first.
    """
    log = Path(sys.prefix) / "pip.log"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--progress-bar",
        "off",
        *arguments,
    ]
    seen, lines = 0, []
    with log.open("a", encoding="utf-8") as record:
        record.write(f"\n{' '.join(command)}\n")
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                record.write(line)
                lines.append(line.rstrip())
                if found := PACKAGE_LINE.match(line):
                    seen += 1
                    if sys.stdout.isatty() or seen % 10 == 0:
                        show(f"  {min(seen, total)} of {total} packages: {found.group(1)}")
                elif line.startswith("Installing collected packages"):
                    show(f"  unpacking {'the project itself' if total == 1 else f'{seen} packages'}")
        status = process.returncode
    if status != 0:
        show("")
        print("\n".join(line for line in lines[-12:] if line), file=sys.stderr)
        print(f"\nThe installation failed. All of pip's lines are in {log}.", file=sys.stderr)
        print(
            "To mend it: the first installation needs the network (a proxy is read from HTTPS_PROXY);\n"
            "run make again, what was downloaded is not downloaded twice. Before macOS 14 and on an\n"
            "Intel Mac there is no MLX.",
            file=sys.stderr,
        )
        raise SystemExit(1)


def install(lock: str) -> None:
    """Bring the environment to what the lock says, then the project itself, importable from where it lies."""
    started = time.monotonic()
    total = wanted_here(lock)
    if lock == "equivalence":
        print(
            f"Installing the PyTorch reference ({total} packages) into {Path(sys.prefix).name}.", flush=True
        )
        if sys.platform == "linux":
            print(
                "On Linux pip takes PyTorch's CUDA build, several gigabytes, unless it knows of a CPU build "
                "(a folder of wheels in pip's find-links, as some machines have it).",
                flush=True,
            )
        # No hashes here: which build of torch is right depends on the machine; its own pins bring the rest.
        run_pip(["-r", "requirements/equivalence.txt"], total)
    else:
        print(f"Installing {total} pinned packages into {Path(sys.prefix).name} (once).", flush=True)
        # The lock is complete, so pip need not resolve anything: --no-deps. Wheels only: nothing is compiled.
        run_pip(
            ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", f"requirements/{lock}.txt"],
            total,
        )
        # setuptools is in the lock: the build of the project itself downloads nothing.
        run_pip(["--no-deps", "--no-build-isolation", "--editable", "."], 1)
    stamp(lock).write_text(fingerprint(lock), encoding="ascii")
    show(f"  installed in {time.monotonic() - started:.0f} s")
    if sys.stdout.isatty():
        print()


def main(arguments: list[str]) -> None:
    if len(arguments) != 1 or arguments[0] not in HOLDS:
        raise SystemExit(f"usage: python tools/install.py {'|'.join(HOLDS)}")
    if sys.prefix == sys.base_prefix:
        raise SystemExit("tools/install.py changes only an environment of its own: make setup makes one.")
    if not is_installed(arguments[0]):
        install(arguments[0])


if __name__ == "__main__":
    main(sys.argv[1:])
