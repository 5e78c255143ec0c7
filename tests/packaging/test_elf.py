"""What a Linux library says of itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.packaging.loading import load
from tests.packaging.small_files import elf

reader = load("elf")


def write(folder: Path, data: bytes) -> Path:
    path = folder / "library.so"
    path.write_bytes(data)
    return path


def test_a_library_says_its_machine_libraries_and_search_path(tmp_path: Path) -> None:
    found = reader.read_elf(
        write(tmp_path, elf(needed=["libmlx.so", "libc.so.6"], search="$ORIGIN/lib:$ORIGIN"))
    )
    assert found == reader.Elf("x86_64", ("libmlx.so", "libc.so.6"), ("$ORIGIN/lib", "$ORIGIN"), True)


def test_a_file_that_strip_has_broken_is_known(tmp_path: Path) -> None:
    """As the loader says: "ELF load command address/offset not page-aligned"."""
    assert not reader.read_elf(write(tmp_path, elf(misaligned=True))).aligned


@pytest.mark.parametrize("data", [b"", b"\x7fELF\x01\x01", b"\x7fELF\x02\x01" + b"\xff" * 90, elf()[:100]])
def test_what_is_no_elf_file_or_cut_off_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(reader.NotElf):
        reader.read_elf(write(tmp_path, data))


@pytest.mark.skipif(sys.platform != "linux", reason="a Mac has no such file")
def test_real_libraries_are_read() -> None:
    core = pytest.importorskip("mlx.core")
    found = reader.read_elf(Path(core.__file__))
    assert found.aligned and "libmlx.so" in found.needed
