"""Tests of `record`: what it needs and refuses. What it writes is tested with `verify`, which reads it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.command_line import gemma


def test_without_pytorch_it_says_what_to_install(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "peft" else real(name, *a)
    )
    error = gemma("record", tiny_model, "--json").error
    assert error["code"] == "no-pytorch" and "peft" in error["what"] and "equivalence" in error["fix"]
    assert not (tiny_model / "pytorch.recording").exists()


@pytest.mark.reference
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--adapter", "EMPTY"], "no-adapter"), (["--adapter", "BROKEN"], "unreadable-adapter"),
        (["--device", "cuda"], "no-cuda"), (["--text", "BLANK"], "unreadable-text"),
        (["--train-tokens", "-1"], "bad-command-line"),
    ],
)  # fmt: skip
def test_wrong_wishes_are_told_and_leave_nothing(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    places = {"EMPTY": tmp_path / "owner" / "name", "BROKEN": tmp_path / "adapter", "BLANK": tmp_path / "t"}
    places["EMPTY"].mkdir(parents=True)
    places["BROKEN"].mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (places["BROKEN"] / name).write_text("{}")
    places["BLANK"].write_text(" \n")
    given = [str(places.get(word, word)) for word in words]
    error = gemma("record", tiny_model, *given, "--json").error
    assert error["code"] == code and error["fix"]
    assert not list(tiny_model.glob("*.recording")) and not list(tmp_path.rglob("*.recording"))


@pytest.mark.reference
def test_what_cannot_be_recorded_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    assert gemma("record", tmp_path / "nothing", "--json").error["code"] == "no-model"
    (tmp_path / "text").write_bytes(b"\xff\xfe\x00")
    assert (
        gemma("record", tiny_model, "--text", tmp_path / "text", "--json").error["code"] == "unreadable-text"
    )


def test_what_is_there_is_never_written_over(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *a: object())
    (tmp_path / "rows.jsonl").write_text("precious")
    error = gemma("record", tiny_model, "--out", tmp_path / "rows.jsonl", "--json").error
    assert error["code"] == "output-exists"
    assert (tmp_path / "rows.jsonl").read_text() == "precious"
