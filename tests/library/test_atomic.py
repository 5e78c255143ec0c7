"""Publishing survives a refused rename, a full disk and SIGKILL at every step."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.library import atomic


def _no_leftovers(folder: Path) -> bool:
    return not [entry.name for entry in folder.iterdir() if entry.name.startswith(".")]


def _refuse(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_write_replaces_the_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "file.json"
    atomic.atomic_write(path, b"a long first content")
    atomic.atomic_write(path, b"second")
    assert path.read_bytes() == b"second"
    assert _no_leftovers(path.parent)


def test_write_keeps_the_mode_and_the_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(target)
    atomic.atomic_write(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["_synchronize", "rename"])
def test_refused_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "file"
    atomic.atomic_write(path, b"old")
    if step == "rename":
        monkeypatch.setattr(Path, "rename", _refuse)
    else:
        monkeypatch.setattr(atomic, step, _refuse)
    with pytest.raises(GemmaError) as caught:
        atomic.atomic_write(path, b"new")
    assert caught.value.code == "cannot-write"
    assert "No space left" in caught.value.what
    assert path.read_bytes() == b"old"
    assert _no_leftovers(tmp_path)


def test_write_below_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(GemmaError) as caught:
        atomic.atomic_write(tmp_path / "file" / "below", b"x")
    assert caught.value.code == "cannot-write"
    assert "below" in caught.value.where


def test_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "model [4 bit]"
    with atomic.atomic_folder(target) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_bytes(b"x")
        assert not target.exists()
    assert (target / "inner" / "file").read_bytes() == b"x"
    assert _no_leftovers(tmp_path)


def test_an_exception_leaves_nothing_or_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "adapter"
    with pytest.raises(KeyError), atomic.atomic_folder(target) as folder:
        (folder / "file").write_bytes(b"half")
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with atomic.atomic_folder(target) as folder:
        (folder / "file").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), atomic.atomic_folder(target, replace=True) as folder:
        (folder / "file").write_bytes(b"half")
        raise KeyboardInterrupt
    assert (target / "file").read_bytes() == b"old"
    assert _no_leftovers(tmp_path)


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "mine").write_bytes(b"mine")
    with pytest.raises(GemmaError) as caught, atomic.atomic_folder(target):
        pass
    assert caught.value.code == "folder-exists"
    assert (target / "mine").read_bytes() == b"mine"


def test_a_folder_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with pytest.raises(GemmaError) as caught, atomic.atomic_folder(target) as folder:
        (folder / "file").write_bytes(b"ours")
        target.mkdir()
        (target / "file").write_bytes(b"theirs")
    assert caught.value.code == "folder-exists"
    assert (target / "file").read_bytes() == b"theirs"


@pytest.mark.parametrize("exchange", [True, False])
def test_replacing_gives_the_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda first, second: False)
    target = tmp_path / "adapter"
    for content in ("first", "second"):
        with atomic.atomic_folder(target, replace=True) as folder:
            (folder / content).write_text(content)
    assert [path.name for path in target.iterdir()] == ["second"]
    assert _no_leftovers(tmp_path)


def test_a_refused_exchange_keeps_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "adapter"
    with atomic.atomic_folder(target) as folder:
        (folder / "file").write_bytes(b"old")
    monkeypatch.setattr(atomic, "_exchange", lambda first, second: False)
    monkeypatch.setattr(Path, "rename", _refuse)
    with (
        pytest.raises(GemmaError, match="No space left"),
        atomic.atomic_folder(target, replace=True) as folder,
    ):
        (folder / "file").write_bytes(b"new")
    assert (target / "file").read_bytes() == b"old"
    assert _no_leftovers(tmp_path)


_VICTIM = """
import os, signal, sys
from pathlib import Path
from gemma_mlx.library import atomic

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

target, step = Path(sys.argv[1]), sys.argv[2]
if step == "between renames":
    atomic._exchange = lambda first, second: False
    plain = atomic._synchronize_folder
    def synchronize(folder):
        if not target.exists():
            die()
        plain(folder)
    atomic._synchronize_folder = synchronize
elif step == "before publishing":
    atomic._publish = die
elif step == "after publishing":
    plain_publish = atomic._publish
    def publish(*arguments):
        plain_publish(*arguments)
        die()
    atomic._publish = publish
with atomic.atomic_folder(target, replace=True) as folder:
    (folder / "one").write_text("new")
    if step == "while writing":
        die()
    (folder / "two").write_text("new")
"""


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("while writing", "old"),
        ("before publishing", "old"),
        ("between renames", "old"),
        ("after publishing", "new"),
    ],
)
def test_sigkill_leaves_one_whole_folder(tmp_path: Path, step: str, expected: str) -> None:
    target = tmp_path / "adapter"
    with atomic.atomic_folder(target) as folder:
        (folder / "one").write_text("old")
        (folder / "two").write_text("old")
    root = Path(atomic.__file__).parents[2]
    victim = subprocess.run(
        [sys.executable, "-c", _VICTIM, str(target), step], cwd=root, capture_output=True, check=False
    )
    assert victim.returncode == -signal.SIGKILL, victim.stderr.decode()
    atomic.recover_folder(target)
    assert {path.name: path.read_text() for path in target.iterdir()} == {"one": expected, "two": expected}
    # The next write removes what the killed process left.
    with atomic.atomic_folder(target, replace=True) as folder:
        (folder / "one").write_text("newest")
    assert [path.name for path in target.iterdir()] == ["one"]
    assert _no_leftovers(tmp_path)


def test_the_work_of_a_living_process_is_not_swept(tmp_path: Path) -> None:
    target = tmp_path / "adapter"
    with atomic.atomic_folder(target, replace=True) as first:
        (first / "file").write_bytes(b"first")
        with atomic.atomic_folder(target, replace=True) as second:
            (second / "file").write_bytes(b"second")
        assert first.exists()
    assert (target / "file").read_bytes() == b"first"


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert atomic.sha256_file(tmp_path / "file") == expected


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "long").write_bytes(b"12345")
    for name in ("fifo", "loop", "missing", "long"):
        with pytest.raises(OSError):
            atomic.read_regular(tmp_path / name, limit=4)
    with pytest.raises(OSError):
        atomic.read_regular(tmp_path)
    assert atomic.read_regular(tmp_path / "long", limit=5) == b"12345"


def test_process_alive() -> None:
    assert atomic.process_alive(os.getpid())
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    assert not atomic.process_alive(finished.pid)
    assert not atomic.process_alive(0)


def test_what_mlx_could_not_write_is_a_clear_error(tmp_path: Path) -> None:
    """Its own writing raises RuntimeError; another RuntimeError is none of a disk's."""
    with pytest.raises(GemmaError) as told, atomic.atomic_folder(tmp_path / "adapter"):
        raise RuntimeError("[write] Unable to write 692 bytes to file.")
    assert told.value.code == "cannot-write" and "space" in told.value.fix
    with pytest.raises(RuntimeError), atomic.atomic_folder(tmp_path / "adapter"):
        raise RuntimeError("something else")
    assert _no_leftovers(tmp_path)


def test_a_folder_is_held_by_one_and_free_when_that_is_gone(tmp_path: Path) -> None:
    with atomic.locked_folder(tmp_path), pytest.raises(BlockingIOError), atomic.locked_folder(tmp_path):
        pass
    program = "import sys, pathlib; from gemma_mlx.library.atomic import locked_folder\n"
    program += "with locked_folder(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    with pytest.raises(BlockingIOError), atomic.locked_folder(tmp_path):
        pass
    process.kill()
    process.communicate()
    with atomic.locked_folder(tmp_path):
        pass
