"""Reads of a Linux library (ELF) what its loading depends on: machine, libraries, search path, alignment."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

MACHINES = {62: "x86_64", 183: "aarch64"}


class NotElf(ValueError):
    """The file is not an ELF file of 64 bits, little end first, or is cut off."""


@dataclass(frozen=True)
class Elf:
    """`needed` are names of libraries, `search` the folders of RPATH and RUNPATH.

    `aligned` is False where the loader would refuse the file: `strip` can do that to files that patchelf has
    changed.
    """

    machine: str
    needed: tuple[str, ...]
    search: tuple[str, ...]
    aligned: bool


def read_elf(path: Path) -> Elf:
    """The file's header and dynamic section (the ELF specification's names in comments).

    Raises:
        NotElf: it is none.
    """
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise NotElf(str(path))
    try:
        return _parse(data)
    except (struct.error, IndexError, OverflowError, ValueError) as problem:
        raise NotElf(f"{path}: {problem}") from None


def _parse(data: bytes) -> Elf:
    (machine,) = struct.unpack_from("<H", data, 18)
    (table,) = struct.unpack_from("<Q", data, 32)  # e_phoff
    size, count = struct.unpack_from("<HH", data, 54)  # e_phentsize, e_phnum
    loads, dynamic, aligned = [], b"", True
    for number in range(count):
        place = table + number * size
        kind, _, offset, address, _, length, _, align = struct.unpack_from("<IIQQQQQQ", data, place)
        if kind == 1:  # PT_LOAD
            loads.append((address, offset, length))
            aligned &= align <= 1 or (address - offset) % align == 0
        elif kind == 2:  # PT_DYNAMIC
            dynamic = data[offset : offset + length]
    entries = list(struct.iter_unpack("<qQ", dynamic[: len(dynamic) // 16 * 16]))
    strings = next((_offset_of(value, loads) for tag, value in entries if tag == 5), 0)  # DT_STRTAB

    def text(position: int) -> str:
        start = strings + position
        return data[start : data.index(b"\0", start)].decode("utf-8", "replace")

    needed = tuple(text(value) for tag, value in entries if tag == 1)
    search = tuple(
        part for tag, value in entries if tag in (15, 29) for part in text(value).split(":") if part
    )
    return Elf(MACHINES.get(machine, str(machine)), needed, search, aligned)


def _offset_of(address: int, loads: list[tuple[int, int, int]]) -> int:
    for start, offset, length in loads:
        if start <= address < start + length:
            return address - start + offset
    return address
