"""Writes small Mach-O and ELF files: headers and load commands, no code."""

from __future__ import annotations

import struct
from collections.abc import Sequence

ARM64, X86_64 = 0x0100000C, 0x01000007


def _text_command(kind: int, text: str, fields: bytes) -> bytes:
    """A command that ends in a text: kind, size, the text's offset, further fields, the text; filled up."""
    offset = 12 + len(fields)
    size = (offset + len(text.encode()) + 8) // 8 * 8
    return (struct.pack("<III", kind, size, offset) + fields + text.encode()).ljust(size, b"\0")


def mach_o(
    *,
    cpu: int = ARM64,
    minimum: tuple[int, int] | None = (14, 0),
    libraries: Sequence[str] = (),
    weak: Sequence[str] = (),
    search: Sequence[str] = (),
    old_minimum: bool = False,
) -> bytes:
    """A library for one architecture."""
    versions = bytes(12)  # time stamp, current and compatible version
    commands = [_text_command(0xC, name, versions) for name in libraries]
    commands += [_text_command(0x80000018, name, versions) for name in weak]
    commands += [_text_command(0x8000001C, path, b"") for path in search]
    if minimum is not None:
        packed = minimum[0] << 16 | minimum[1] << 8
        if old_minimum:
            commands.append(struct.pack("<IIII", 0x24, 16, packed, packed))
        else:
            commands.append(struct.pack("<IIIIII", 0x32, 24, 1, packed, packed, 0))
    body = b"".join(commands)
    return struct.pack("<IiiIIIII", 0xFEEDFACF, cpu, 0, 6, len(commands), len(body), 0, 0) + body


def universal(*slices: bytes) -> bytes:
    """A file of several architectures."""
    start = 4096
    header, body = struct.pack(">II", 0xCAFEBABE, len(slices)), b""
    for piece in slices:
        (cpu,) = struct.unpack_from("<i", piece, 4)
        header += struct.pack(">iiIII", cpu, 0, start + len(body), len(piece), 12)
        body += piece
    return header.ljust(start, b"\0") + body


def elf(
    *, needed: Sequence[str] = (), search: str = "", machine: int = 62, misaligned: bool = False
) -> bytes:
    """A library: one segment that is loaded, and the dynamic section."""
    strings = b"\0"
    entries: list[tuple[int, int]] = []
    for tag, text in [*((1, name) for name in needed), *([(29, search)] if search else [])]:
        entries.append((tag, len(strings)))
        strings += text.encode() + b"\0"
    address = 0x1000
    table_at, dynamic_at = 64, 64 + 2 * 56
    strings_at = dynamic_at + 16 * (len(entries) + 2)
    entries += [(5, address + strings_at), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    length = strings_at + len(strings)
    offset_of_load = 8 if misaligned else 0
    segments = struct.pack("<IIQQQQQQ", 1, 5, offset_of_load, address, address, length, length, 0x1000)
    segments += struct.pack("<IIQQQQQQ", 2, 6, dynamic_at, 0, 0, len(dynamic), len(dynamic), 8)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, table_at, 0, 0, 64, 56, 2, 64, 0, 0)
    return header + segments + dynamic + strings
