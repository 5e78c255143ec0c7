#!/bin/sh
# Builds the bundle into dist/, checks it and lets it try itself. `make bundle` runs this in the environment that
# requirements/bundle.txt makes. On Linux: a folder. On a Mac: the app; ARGS=--release makes the disk image, too.
set -eu
cd "$(dirname "$0")/.."
python=${BUNDLE_PYTHON:-.venv/bin/python} # an environment with requirements/bundle.txt, made here if none is named
build=build/bundle
export PYTHONDONTWRITEBYTECODE=1

if [ "$(uname -s)" = Darwin ]; then
    exec sh packaging/build_macos.sh "$@"
fi

if [ -z "${BUNDLE_PYTHON:-}" ]; then
    "$python" tools/install.py bundle
    "$python" tools/qt_libraries.py
fi
began=$(date +%s)
rm -rf "$build" "dist/Gemma MLX"
mkdir -p "$build"
echo "Building (one to three minutes; all of PyInstaller's lines are in $build/build.log)"
if ! "$python" -m PyInstaller --noconfirm --log-level WARN --distpath dist --workpath "$build" \
    packaging/gemma_mlx.spec >"$build/build.log" 2>&1; then
    tail -n 30 "$build/build.log" >&2
    exit 1
fi
echo "Built in $(($(date +%s) - began)) s. Size by package:"
"$python" packaging/verify_bundle.py "dist/Gemma MLX"
echo "It tries itself, cut off from the network, without a compiler, its home read-only:"
sh packaging/try_alone.sh "dist/Gemma MLX/Gemma MLX"
echo "All in all $(($(date +%s) - began)) s: dist/Gemma MLX"
