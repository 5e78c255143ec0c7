#!/bin/sh
# Releases what is checked out, in one command: `make release`. Tags it with pyproject.toml's version and pushes the
# tag; .github/workflows/bundle.yml then tests, builds, signs and publishes. Stops where something does not fit.
set -eu
cd "$(dirname "$0")/.."
remote=${1:-origin}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
tag="v$version"

fail() { echo "$1" >&2; echo "To mend it: $2" >&2; exit 1; }
grep -q "^__version__ = \"$version\"\$" gemma_mlx/__init__.py ||
    fail "gemma_mlx/__init__.py and pyproject.toml name different versions." "make both $version."
[ -z "$(git status --porcelain)" ] || fail "There are changes that are not committed." "commit them, or put them away."
branch=$(git symbolic-ref --quiet --short HEAD) || fail "No branch is checked out." "git switch main"
git fetch --quiet "$remote" "$branch" --tags
[ "$(git rev-parse HEAD)" = "$(git rev-parse FETCH_HEAD)" ] ||
    fail "$remote has another $branch than this." "git push $remote $branch, or git pull; then wait for the tests."
if git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null; then
    fail "$tag is already there." "raise the version in pyproject.toml and gemma_mlx/__init__.py, and commit that."
fi
git tag -a "$tag" -m "Gemma MLX $version"
git push --quiet "$remote" "refs/tags/$tag"
echo "$tag is on its way: the workflow \"bundle\" builds and publishes it."
