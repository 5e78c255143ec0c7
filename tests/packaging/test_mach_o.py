"""What a Mac's libraries say of themselves: read from small files that are made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.loading import load
from tests.packaging.small_files import ARM64, X86_64, mach_o, universal

reader = load("mach_o")


def write(folder: Path, data: bytes) -> Path:
    path = folder / "library.dylib"
    path.write_bytes(data)
    return path


def test_a_library_says_its_architecture_system_libraries_and_search_path(tmp_path: Path) -> None:
    data = mach_o(
        minimum=(15, 2),
        libraries=["@rpath/libmlx.dylib", "/usr/lib/libSystem.B.dylib"],
        weak=["/System/Library/Frameworks/New.framework/New"],
        search=["@loader_path/lib"],
    )
    (only,) = reader.read_mach_o(write(tmp_path, data))
    assert (only.architecture, only.minimum, only.signed) == ("arm64", (15, 2), False)
    assert only.libraries[:2] == ("@rpath/libmlx.dylib", "/usr/lib/libSystem.B.dylib")
    assert only.weak == {"/System/Library/Frameworks/New.framework/New"} <= set(only.libraries)
    assert only.search == ("@loader_path/lib",)


def test_a_universal_file_has_a_slice_for_each_architecture(tmp_path: Path) -> None:
    both = universal(
        mach_o(cpu=X86_64, minimum=(10, 13), old_minimum=True), mach_o(cpu=ARM64, minimum=(13, 0))
    )
    found = reader.read_mach_o(write(tmp_path, both))
    assert [(each.architecture, each.minimum) for each in found] == [("x86_64", (10, 13)), ("arm64", (13, 0))]


def test_a_file_may_not_say_what_it_needs(tmp_path: Path) -> None:
    (only,) = reader.read_mach_o(write(tmp_path, mach_o(minimum=None)))
    assert only.minimum is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xca\xfe\xba\xbe",
        b"#!/bin/sh\necho\n" * 9,
        b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + b"java" * 99,
        mach_o(libraries=["@rpath/libmlx.dylib"])[:60],
        universal(mach_o())[:4100],
        b"\xcf\xfa\xed\xfe" + b"\xff" * 60,
    ],
)
def test_what_is_no_mach_o_file_or_cut_off_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(reader.NotMachO):
        reader.read_mach_o(write(tmp_path, data))
