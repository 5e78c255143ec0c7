"""What a folder says beside the vocabulary: names, end ids, templates; what is no such file is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text import folder as module
from gemma_mlx.text.tokenizer import load_tokenizer


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"tokenizer_config.json": {"chat_template": "A"}}, "A"),
        ({"tokenizer_config.json": {"chat_template": "A"},
          "chat_template.json": {"chat_template": "B"}}, "B"),
        ({"chat_template.jinja": "C", "chat_template.json": {"chat_template": "B"}}, "C"),
        ({"tokenizer_config.json": {"chat_template": [{"name": "tool", "template": "T"},
                                                      {"name": "default", "template": "D"}]}}, "D"),
        ({"tokenizer_config.json": {"chat_template": None}}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_where_the_template_comes_from(
    tiny_folders: tuple[Path, Path], tmp_path: Path, files: dict[str, Any], expected: str | None
) -> None:
    folder = Path(shutil.copytree(tiny_folders[0], tmp_path / "m"))
    for name, content in files.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    tokenizer = load_tokenizer(folder)
    assert tokenizer.chat_template == expected
    assert {path.name for path in tokenizer.files} == {"tokenizer.model", *files}


def test_special_tokens_are_strings_or_objects() -> None:
    settings = {
        "bos_token": "<s>",
        "eos_token": {"content": "</s>"},
        "pad_token": None,
        "unk_token": "\ud800",
    }
    assert module.read_special_tokens(settings) == {"bos_token": "<s>", "eos_token": "</s>"}


@pytest.mark.parametrize(("written", "expected"), [(1, [1]), ([1, 107], [1, 107]), (None, [])])
def test_end_ids_are_one_or_several(tmp_path: Path, written: object, expected: list[int]) -> None:
    assert module.read_end_ids(tmp_path) == []
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": written}))
    assert module.read_end_ids(tmp_path) == expected


def test_declared_tokens_know_what_they_are() -> None:
    settings = {
        "added_tokens_decoder": {"1": {"content": "<x>"}, "2": {"content": "<b>"}, "3": {"content": "w"}}
    }
    assert module.read_declared_tokens(settings, Path("tokenizer_config.json")) == {
        1: ("<x>", True),
        2: ("<b>", False),
        3: ("w", False),
    }
    with pytest.raises(TokenizerError):
        module.read_declared_tokens({"added_tokens_decoder": {"1": "\ud800"}}, Path("tokenizer_config.json"))


def test_a_file_larger_than_any_tokenizer_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate(2**40)  # sparse
    with pytest.raises(TokenizerError) as refused:
        module.read_bytes(tmp_path / "tokenizer.json")
    assert refused.value.code == "unreadable-tokenizer"
