"""Reads of a Mac's program or library (Mach-O) what its loading depends on: architectures, system, libraries.

After Apple's mach-o/loader.h and mach-o/fat.h, whose names stand in the comments.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

ARM64, X86_64 = 0x0100000C, 0x01000007
NAMES = {ARM64: "arm64", X86_64: "x86_64"}
MAGIC_64 = 0xFEEDFACF
FAT, FAT_64 = 0xCAFEBABE, 0xCAFEBABF
MACOS = 1
MOST_COMMANDS_BYTES = 2**22


class NotMachO(ValueError):
    """The file is not a 64-bit Mach-O file, or is cut off."""


@dataclass(frozen=True)
class Slice:
    """One architecture of a file. `minimum` is (major, minor) of macOS, None where the file does not say."""

    architecture: str
    minimum: tuple[int, int] | None
    libraries: tuple[str, ...]
    weak: frozenset[str]
    search: tuple[str, ...]
    name: str
    signed: bool


def read_mach_o(path: Path) -> list[Slice]:
    """The slices of a file, one for each architecture.

    Raises:
        NotMachO: it is none.
    """
    with path.open("rb") as file:
        try:
            return _slices(file)
        except (struct.error, OverflowError) as problem:
            raise NotMachO(f"{path}: {problem}") from None


def _slices(file: BinaryIO) -> list[Slice]:
    head = file.read(8)
    if len(head) < 8:
        raise NotMachO("too short")
    magic, count = struct.unpack(">II", head)
    if magic not in (FAT, FAT_64):
        return [_slice(file, 0)]
    if count > 32:  # a Java class begins with the same four bytes, and its version follows
        raise NotMachO("not a universal file")
    form = ">iiQQII" if magic == FAT_64 else ">iiIII"  # fat_arch_64, fat_arch: cputype, subtype, offset, size
    size = struct.calcsize(form)
    entries = [struct.unpack(form, file.read(size)) for _ in range(count)]
    return [_slice(file, entry[2]) for entry in entries]


def _slice(file: BinaryIO, start: int) -> Slice:
    file.seek(start)
    magic, cpu, _, _, count, length, _, _ = struct.unpack("<IiiIIIII", file.read(32))  # mach_header_64
    if magic != MAGIC_64 or length > MOST_COMMANDS_BYTES:
        raise NotMachO("no 64-bit header")
    commands = file.read(length)
    minimum, signed, name = None, False, ""
    libraries: list[str] = []
    search: list[str] = []
    weak: set[str] = set()
    position = 0
    for _ in range(count):
        kind, size = struct.unpack_from("<II", commands, position)
        if size < 8:
            raise NotMachO("a command without length")
        if kind in (0xC, 0x80000018, 0x8000001F):  # LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB
            libraries.append(_text(commands, position, size))
            if kind == 0x80000018:
                weak.add(libraries[-1])
        elif kind == 0xD:  # LC_ID_DYLIB
            name = _text(commands, position, size)
        elif kind == 0x8000001C:  # LC_RPATH
            search.append(_text(commands, position, size))
        elif kind == 0x32:  # LC_BUILD_VERSION: platform, minos
            platform, version = struct.unpack_from("<II", commands, position + 8)
            minimum = (version >> 16, version >> 8 & 0xFF) if platform == MACOS else minimum
        elif kind == 0x24:  # LC_VERSION_MIN_MACOSX
            (version,) = struct.unpack_from("<I", commands, position + 8)
            minimum = (version >> 16, version >> 8 & 0xFF)
        elif kind == 0x1D:  # LC_CODE_SIGNATURE
            signed = True
        position += size
    return Slice(
        NAMES.get(cpu, hex(cpu)), minimum, tuple(libraries), frozenset(weak), tuple(search), name, signed
    )


def _text(commands: bytes, position: int, size: int) -> str:
    """A command's text (lc_str): its offset stands behind the command's two numbers."""
    (offset,) = struct.unpack_from("<I", commands, position + 8)
    return commands[position + offset : position + size].split(b"\0")[0].decode("utf-8", "replace")
