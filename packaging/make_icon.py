"""Draws the Mac icon and the disk image's background: `python packaging/make_icon.py FOLDER`.

The icon is resources/icons/app.svg, whose tile keeps Apple's margins (824 of 1024, rounded), with the shadow
that Mac icons have, in every size of an icns file. Needs PySide6, on any system, and no screen.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

from application import ROOT

SVG = ROOT / "resources" / "icons" / "app.svg"
PNG_TYPES = {
    b"ic11": 32, b"ic12": 64, b"ic07": 128, b"ic13": 256,
    b"ic08": 256, b"ic14": 512, b"ic09": 512, b"ic10": 1024,
}  # fmt: skip
"""An icns entry's type to its pixels: 16, 32, 128, 256 and 512 points, each in single and double density."""
ARGB_TYPES = {b"ic04": 16, b"ic05": 32}
"""The two smallest, which macOS wants as packed colour planes."""
WINDOW = (660, 400)
"""The disk image's window, in points."""


def packed(plane: bytes) -> bytes:
    """icns' run lengths: 0x80 + n - 3 and a byte for n of 3 to 130 alike; n - 1 and n bytes for others."""
    out, plain, position = bytearray(), bytearray(), 0

    def flush() -> None:
        for start in range(0, len(plain), 128):
            part = plain[start : start + 128]
            out.append(len(part) - 1)
            out.extend(part)
        plain.clear()

    while position < len(plane):
        length = 1
        while length < 130 and position + length < len(plane) and plane[position + length] == plane[position]:
            length += 1
        if length >= 3:
            flush()
            out += bytes((0x80 + length - 3, plane[position]))
        else:
            plain += plane[position : position + length]
        position += length
    flush()
    return bytes(out)


def icns(pictures: dict[int, bytes], pixels: dict[int, bytes]) -> bytes:
    """An icns file of PNG files by size, and of the small sizes' pixels (A, R, G, B each)."""
    entries = []
    for kind, size in ARGB_TYPES.items():
        planes = b"".join(packed(pixels[size][channel::4]) for channel in range(4))
        entries.append((kind, b"ARGB" + planes))
    entries += [(kind, pictures[size]) for kind, size in PNG_TYPES.items()]
    body = b"".join(kind + struct.pack(">I", len(data) + 8) + data for kind, data in entries)
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def main(folder: Path) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication([])
    folder.mkdir(parents=True, exist_ok=True)
    sizes = sorted({*PNG_TYPES.values(), *ARGB_TYPES.values()})
    drawn = {size: draw_icon(size) for size in sizes}
    pictures = {size: as_png(image) for size, image in drawn.items()}
    pixels = {size: as_argb(drawn[size]) for size in ARGB_TYPES.values()}
    (folder / "icon.icns").write_bytes(icns(pictures, pixels))
    (folder / "icon.png").write_bytes(pictures[1024])
    for density in (1, 2):
        name = "background.png" if density == 1 else "background@2x.png"
        (folder / name).write_bytes(as_png(draw_background(density)))
    del application


def draw_icon(size: int):  # type: ignore[no-untyped-def]
    """The icon as a QImage of `size` pixels, its shadow below."""
    from PySide6.QtCore import QRectF, Qt
    from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 1024, size / 1024)
    painter.setPen(Qt.PenStyle.NoPen)
    # A blur of 28 to 12 below, made of rings: each is faint, and they add up towards the tile.
    rings = 28
    for ring in range(rings, 0, -1):
        shade = QPainterPath()
        tile = QRectF(100, 112, 824, 824).adjusted(-ring, -ring, ring, ring)
        shade.addRoundedRect(tile, 186 + ring, 186 + ring)
        painter.fillPath(shade, QColor(0, 0, 0, round(1 + 5 * (1 - ring / rings))))
    QSvgRenderer(str(SVG)).render(painter, QRectF(0, 0, 1024, 1024))
    painter.end()
    return image


def draw_background(density: int):  # type: ignore[no-untyped-def]
    """What lies behind the disk image's two icons, as a QImage: an arrow from one to the other."""
    from PySide6.QtCore import QPointF, Qt
    from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPen, QPolygonF

    width, height = WINDOW
    image = QImage(width * density, height * density, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(density, density)
    ground = QLinearGradient(0, 0, 0, height)
    ground.setColorAt(0, QColor("#f7f9fd"))
    ground.setColorAt(1, QColor("#dfe7f6"))
    painter.fillRect(0, 0, width, height, ground)
    pen = QPen(QColor("#8fa6d6"), 7)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.drawLine(QPointF(286, 190), QPointF(366, 190))
    painter.drawPolyline(QPolygonF([QPointF(344, 164), QPointF(370, 190), QPointF(344, 216)]))
    painter.end()
    dots = round(72 * density / 0.0254)  # so that the Finder knows which picture is for which density
    image.setDotsPerMeterX(dots)
    image.setDotsPerMeterY(dots)
    return image


def as_png(image) -> bytes:  # type: ignore[no-untyped-def]
    from PySide6.QtCore import QBuffer, QIODevice

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def as_argb(image) -> bytes:  # type: ignore[no-untyped-def]
    """Four bytes a pixel: alpha, red, green, blue, not multiplied."""
    from PySide6.QtGui import QImage

    plain = image.convertToFormat(QImage.Format.Format_ARGB32)
    colours = (plain.pixel(x, y) for y in range(plain.height()) for x in range(plain.width()))
    return b"".join(struct.pack(">I", colour) for colour in colours)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
