"""The Mac icon: all sizes, within Apple's margins, and small ones that unpack to what was drawn."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from tests.packaging.loading import PACKAGING, load

make_icon = load("make_icon")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("icon")
    subprocess.run([sys.executable, str(PACKAGING / "make_icon.py"), str(folder)], check=True, timeout=60)
    return folder


def entries(data: bytes) -> dict[bytes, bytes]:
    """An icns file's entries, its lengths checked."""
    assert data[:4] == b"icns" and struct.unpack(">I", data[4:8])[0] == len(data)
    found, position = {}, 8
    while position < len(data):
        kind, length = (
            data[position : position + 4],
            struct.unpack(">I", data[position + 4 : position + 8])[0],
        )
        found[kind] = data[position + 8 : position + length]
        position += length
    assert position == len(data)
    return found


def unpacked(data: bytes, length: int) -> tuple[bytes, int]:
    """One plane and where the next begins: the other side of `packed`, from the format's description."""
    out, position = bytearray(), 0
    while len(out) < length:
        head = data[position]
        if head >= 0x80:
            out += bytes([data[position + 1]]) * (head - 0x80 + 3)
            position += 2
        else:
            out += data[position + 1 : position + 2 + head]
            position += 2 + head
    return bytes(out), position


def test_the_icon_has_every_size(made: Path) -> None:
    found = entries((made / "icon.icns").read_bytes())
    sizes = {kind: QImage.fromData(data).width() for kind, data in found.items() if data[:4] == b"\x89PNG"}
    assert sizes == make_icon.PNG_TYPES
    for kind, size in make_icon.ARGB_TYPES.items():
        rest = found[kind].removeprefix(b"ARGB")
        for _ in range(4):
            plane, used = unpacked(rest, size * size)
            assert len(plane) == size * size
            rest = rest[used:]
        assert rest == b""


@pytest.mark.parametrize(
    "plane",
    [b"", b"a", b"ab", b"aaa", b"a" * 131, bytes(range(256)), b"ab" * 200 + b"c" * 300 + b"de", b"aab" * 50],
)
def test_packing_loses_nothing(plane: bytes) -> None:
    assert unpacked(make_icon.packed(plane), len(plane))[0] == plane


def test_the_icon_keeps_a_macs_margins(made: Path) -> None:
    """Apple's grid: a tile of 824 in 1024, round corners, nothing but a shadow outside of it."""
    image = QImage(str(made / "icon.png"))
    assert (image.width(), image.height()) == (1024, 1024)

    def opacity(x: int, y: int) -> int:
        return image.pixelColor(x, y).alpha()

    assert opacity(512, 104) == 255 and opacity(512, 919) == 255 and opacity(104, 512) == 255
    assert opacity(512, 60) == 0 and opacity(40, 512) == 0 and opacity(512, 980) == 0
    assert opacity(108, 108) < 120, "the corner is round"
    assert 0 < opacity(512, 930) < 255, "a shadow below"


def test_the_background_has_both_densities(made: Path) -> None:
    once, twice = QImage(str(made / "background.png")), QImage(str(made / "background@2x.png"))
    assert (once.width(), once.height()) == make_icon.WINDOW
    assert (twice.width(), twice.height()) == (2 * once.width(), 2 * once.height())
    assert twice.dotsPerMeterX() == pytest.approx(2 * once.dotsPerMeterX(), abs=2)
