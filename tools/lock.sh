#!/bin/sh
# Writes requirements/*.txt anew from pyproject.toml: one lock for macOS and Linux, Python 3.11 to 3.13.
# Needs uv. UPGRADE=1 takes newer versions; otherwise what is pinned stays where pyproject.toml allows it.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}
command -v "$uv" >/dev/null 2>&1 || uv=".venv/bin/python -m uv"
$uv --version >/dev/null 2>&1 || { echo "uv is missing. To mend it: .venv/bin/python -m pip install uv" >&2; exit 1; }

compile() { # NAME OPTION...
    name=$1; shift
    # A registry's address, a folder of this machine or the user's own settings of uv must not get in.
    env -u UV_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS -u UV_DEFAULT_INDEX -u UV_INDEX_URL \
        $uv pip compile --no-config --quiet --universal --python-version 3.11 --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links ${UPGRADE:+--upgrade} "$@" pyproject.toml requirements/build.in \
        --output-file "requirements/$name.txt"
    if grep -nE '://|^ *(-|--)[a-z]|@ ' "requirements/$name.txt" | grep -v -e '--hash'; then
        echo "requirements/$name.txt names a place; look at the settings of uv on this machine." >&2; exit 1
    fi
}

compile dev --generate-hashes --extra app --extra exchange --extra serve --extra bundle --extra dev
compile bundle --generate-hashes --extra app --extra exchange --extra serve --extra bundle \
    --constraint requirements/dev.txt
compile app --generate-hashes --extra app --constraint requirements/dev.txt
compile runtime --generate-hashes --constraint requirements/dev.txt
# Without hashes, and without torch's CUDA packages: torch itself asks for those that its build needs.
compile equivalence --extra equivalence --constraint requirements/dev.txt
sed -i.old -e '/^nvidia-/d' -e '/^cuda-/d' -e '/^triton/d' requirements/equivalence.txt && rm requirements/equivalence.txt.old
for lock in requirements/*.txt; do
    { echo "# Written by tools/lock.sh from pyproject.toml: edit that and run \`make lock\`."; cat "$lock"; } >"$lock.new"
    mv "$lock.new" "$lock"
done
wc -l requirements/*.txt
