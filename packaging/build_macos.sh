#!/bin/sh
# Builds dist/Gemma MLX.app on a Mac with Apple silicon, signs and checks it and lets it try itself; with --release
# makes the disk image, checksums and bill of materials, too. From the environment:
#   PYTHON                    Python 3.12 for arm64, such as python.org's (not given: python3.12 on PATH)
#   GEMMA_MLX_SIGN_AS         an identity of the keychain, "Developer ID Application: ..." (not given: signed ad hoc)
#   GEMMA_MLX_NOTARY_PROFILE  what `xcrun notarytool store-credentials` was told to call itself (not given: no notary)
#   GEMMA_MLX_NOTARY_KEYCHAIN the keychain's file that holds it (not given: the login keychain)
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3.12}
identity=${GEMMA_MLX_SIGN_AS:--}
notary=${GEMMA_MLX_NOTARY_PROFILE:-}
build=build/bundle
app="dist/Gemma MLX.app"
release=
[ "${1:-}" = --release ] && release=yes
export PYTHONDONTWRITEBYTECODE=1

fail() { echo "$*" >&2; exit 1; }
[ "$(uname -sm)" = "Darwin arm64" ] || fail "This builds on a Mac with Apple silicon only."
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null ||
    fail "Python 3.12 is needed: install python.org's, or name one: PYTHON=/path/to/python3.12"
[ -z "$notary" ] || [ "$identity" != - ] || fail "The notary takes only what GEMMA_MLX_SIGN_AS has signed."

rm -rf "$build" "$app"
mkdir -p "$build/wheels"
echo "== Packages of the lock, for macOS 14 whatever this Mac runs: MLX's wheels for newer systems fail on older ones."
"$python" -m venv "$build/env"
env_python=$build/env/bin/python
"$env_python" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: --require-hashes \
    --platform macosx_14_0_arm64 -r requirements/bundle.txt --dest "$build/wheels"
"$env_python" -m pip --disable-pip-version-check install --quiet --no-deps --no-index "$build"/wheels/*.whl

echo "== Build"
"$env_python" packaging/make_icon.py "$build"
"$env_python" -m PyInstaller --noconfirm --log-level WARN --distpath dist --workpath "$build" packaging/gemma_mlx.spec

echo "== Sign, from the inside out, as: $identity"
sign() { # OPTION... FILE: with a time stamp where somebody signs
    if [ "$identity" = - ]; then
        codesign --force --sign - --options runtime --timestamp=none "$@"
    else
        codesign --force --sign "$identity" --options runtime --timestamp "$@"
    fi
}
# Libraries, then frameworks, then the second program; the app itself comes last and seals all of it.
"$env_python" packaging/verify_bundle.py --code "$app" >"$build/code.txt"
while IFS= read -r file; do
    case $file in
        *"/Contents/MacOS/"*) sign --entitlements packaging/entitlements.plist "$file" ;;
        *) sign "$file" ;;
    esac
done <"$build/code.txt"
sign --entitlements packaging/entitlements.plist "$app"
codesign --verify --deep --strict --verbose=1 "$app"

echo "== Check"
"$env_python" packaging/verify_bundle.py "$app"
echo "== It tries itself, cut off from the network, with nothing on PATH"
env -i HOME="$HOME" TMPDIR="${TMPDIR:-/tmp}" PATH=/nonexistent LANG=en_US.UTF-8 \
    /usr/bin/sandbox-exec -p '(version 1) (allow default) (deny network-outbound (remote ip))' \
    "$app/Contents/MacOS/Gemma MLX" --self-test
codesign --verify --deep --strict "$app" # it has written nothing into itself

notarize() { # FILE: sends it in and waits for the answer
    set -- "$1" --keychain-profile "$notary" --wait
    [ -z "${GEMMA_MLX_NOTARY_KEYCHAIN:-}" ] || set -- "$@" --keychain "$GEMMA_MLX_NOTARY_KEYCHAIN"
    xcrun notarytool submit "$@"
}
if [ -n "$notary" ]; then
    echo "== Notarize"
    ditto -c -k --keepParent "$app" "$build/notarize.zip"
    notarize "$build/notarize.zip"
    xcrun stapler staple "$app"
    spctl --assess --type execute --verbose "$app"
fi
[ -n "$release" ] || exit 0

echo "== Disk image"
version=$("$env_python" -c 'import sys; sys.path.insert(0, "packaging"); import application; print(application.VERSION)')
image="Gemma-MLX-$version-arm64.dmg"
rm -f "dist/$image"
"$env_python" -m dmgbuild -s packaging/dmg_settings.py -D app="$app" -D background="$build/background.png" \
    "Gemma MLX" "dist/$image"
if [ "$identity" != - ]; then
    codesign --force --sign "$identity" --timestamp "dist/$image"
fi
if [ -n "$notary" ]; then
    notarize "dist/$image"
    xcrun stapler staple "dist/$image"
fi
cp "$app/Contents/Resources/resources/sbom.cdx.json" "dist/Gemma-MLX-$version-arm64.cdx.json"
(cd dist && shasum -a 256 "$image" "Gemma-MLX-$version-arm64.cdx.json" >SHA256SUMS-macos.txt)
cat dist/SHA256SUMS-macos.txt
