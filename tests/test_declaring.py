"""Tests of how settings are declared and read: from YAML and JSON, with every refusal named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.declaring import check_settings, read_settings
from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import RunSettings


@pytest.mark.parametrize("text", ["lora: {rank: 4}\n", '{"lora": {"rank": 4}}'])
def test_yaml_and_json_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_settings(RunSettings, path).lora.rank == 4


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"a: [", b"- 1", b"", b"!!python/object/apply:os.system [ls]"]
)
def test_a_file_that_holds_no_settings(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        read_settings(RunSettings, path)
    assert refused.value.code == "unreadable-settings" and refused.value.where == str(path)


@pytest.mark.parametrize("text", ["lora: {rank: 4}\nlora: {alpha: 8}\n", "lora:\n  rank: 4\n  rank: 8\n"])
def test_a_name_that_is_given_twice_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"given twice: (lora|rank)"):
        read_settings(RunSettings, path)


def test_unknown_names_are_refused_with_where_they_stand() -> None:
    with pytest.raises(SettingsError) as caught:
        check_settings(RunSettings, {"lora": {"rnk": 4}, "trainig": {}}, "some.yaml")
    assert "lora.rnk" in caught.value.what and "trainig" in caught.value.what
    assert caught.value.where == "some.yaml"
