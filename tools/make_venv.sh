#!/bin/sh
# Makes .venv with the newest Python from 3.11 to 3.13 that works here. Does nothing when a good one is there.
set -eu
cd "$(dirname "$0")/.."

fits='import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))'
if [ -x .venv/bin/python ] && .venv/bin/python -c "$fits" 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

# A name on PATH proves nothing (pyenv's shims exist for versions that are switched off): each is run.
chosen= ; without_venv=
for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
    command -v "$name" >/dev/null 2>&1 || continue
    "$name" -c "$fits" 2>/dev/null || continue
    if "$name" -c 'import venv, ensurepip' 2>/dev/null; then chosen=$name; break; fi
    without_venv=${without_venv:-$name}
done

if [ -z "$chosen" ] && [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    command="apt-get install -y python$version-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Python $version is here without its venv module. Installing it: $command"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive $command -qq >/dev/null && chosen=$without_venv
    else
        echo "Python $version is here, but not its venv module, which Debian and Ubuntu ship apart." >&2
        echo "To mend it, run: sudo $command    and then make again." >&2
        exit 1
    fi
fi
if [ -z "$chosen" ]; then
    echo "No Python 3.11, 3.12 or 3.13 was found on PATH." >&2
    echo "To mend it: on a Mac 'brew install python@3.13' or the installer of Python's own site;" >&2
    echo "on Debian 12 or Ubuntu 'sudo apt-get install python3 python3-venv'. Another place: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if [ "$(uname -s)" = Darwin ] && [ "$("$chosen" -c 'import platform; print(platform.machine())')" != arm64 ]; then
    echo "This Python runs as an Intel program; MLX needs Apple silicon and a native (arm64) Python." >&2
    echo "To mend it: on an M-series Mac install an arm64 Python, then make PYTHON=/opt/homebrew/bin/python3.13" >&2
    exit 1
fi

echo "Making .venv with $("$chosen" --version) ($(command -v "$chosen"))"
"$chosen" -m venv --clear .venv
