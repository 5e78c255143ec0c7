#!/bin/sh
# Lets the Linux bundle try itself where it has nothing but itself: no network, no programs on PATH (so no compiler
# and no Python), a home in which only the app's own folders can be written, and the bundle itself read-only.
# The walls are namespaces (unshare, of util-linux); where the system forbids them, that is said and it runs without.
set -eu
program=$(realpath "$1")
shift
bundle=$(dirname "$program")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/home/.local/share/Gemma MLX" "$place/home/.config/Gemma MLX" "$place/tmp" "$place/empty"

run() { # HOW...: run the program by way of HOW
    # shellcheck disable=SC2086  # the steps are words
    "$@" env -i HOME="$place/home" TMPDIR="$place/tmp" PATH="$place/empty" LANG=C.UTF-8 \
        "$program" --self-test $steps
}
steps=$*

if unshare --user --map-root-user --net --mount true 2>/dev/null; then
    # shellcheck disable=SC2016  # the inner shell is to expand these
    run unshare --user --map-root-user --net --mount sh -eu -c '
        home=$1 bundle=$2
        shift 2
        mount --bind "$home" "$home"
        for folder in ".local/share/Gemma MLX" ".config/Gemma MLX"; do
            mount --bind "$home/$folder" "$home/$folder"
        done
        mount -o remount,ro,bind "$home"
        mount --bind "$bundle" "$bundle"
        mount -o remount,ro,bind "$bundle"
        if touch "$home/x" 2>/dev/null || touch "$bundle/x" 2>/dev/null; then
            echo "The walls do not hold." >&2
            exit 1
        fi
        exec "$@"
    ' sh "$place/home" "$bundle"
elif [ "${TRY_ALONE:-}" = required ]; then
    echo "This system forbids namespaces." >&2
    exit 1
else
    echo "This system forbids namespaces: it runs with the network and a home that can be written." >&2
    run
fi
left=$(find "$place/home" -mindepth 1 -not -type d -not -path '*/Gemma MLX/*')
if [ -n "$left" ]; then
    echo "It wrote outside of its folders: $left" >&2
    exit 1
fi
