"""The token is made once, for its owner's eyes, and read again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.serving.access_token import read_or_make


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "home" / "serve-token"
    before = os.umask(0)
    try:
        token, fresh = read_or_make(path)
    finally:
        os.umask(before)
    assert fresh and len(token) >= 40 and mode(path) == 0o600
    assert read_or_make(path) == (token, False)
    other, fresh = read_or_make(path, anew=True)
    assert fresh and other != token and read_or_make(path) == (other, False)


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "serve-token"
    path.write_text("a-token-from-elsewhere\n")
    path.chmod(0o644)
    assert read_or_make(path) == ("a-token-from-elsewhere", False) and mode(path) == 0o600


@pytest.mark.parametrize(
    "content", ["", "short", "two words of a token", "a" * 300, "tökentökentöken-tökent"]
)
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "serve-token"
    path.write_text(content)
    with pytest.raises(GemmaError) as refused:
        read_or_make(path)
    assert refused.value.code == "bad-token-file" and "--new-token" in refused.value.fix


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "serve-token")
    with pytest.raises(GemmaError) as refused:
        read_or_make(tmp_path / "serve-token")
    assert refused.value.code == "bad-token-file"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GemmaError) as refused:
        read_or_make(tmp_path / "file" / "serve-token")
    assert refused.value.code == "cannot-write"
