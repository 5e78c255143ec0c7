"""Tests of flags made from settings classes: names, help, limits, overriding a file."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import cyclopts
import pytest

from gemma_mlx.errors import SettingsError
from gemma_mlx.settings import (
    DataSettings,
    LoraSettings,
    QuantizeSettings,
    RunSettings,
    SamplingSettings,
    TrainSettings,
)
from gemma_mlx.terminal.flags import Given, merged_settings, with_settings

KINDS = {
    "quantization": QuantizeSettings,
    "lora": LoraSettings,
    "data": DataSettings,
    "training": TrainSettings,
}


def parse(*tokens: str) -> Given:
    """The settings that a command line names."""
    seen: list[Given] = []

    @with_settings(**KINDS)
    def command(model: str = "", /, *, given: Given) -> None:
        seen.append(given)

    app = cyclopts.App(result_action="return_value")
    app.default(command)
    app(list(tokens), exit_on_error=False, print_error=False)
    return seen[0]


def test_every_setting_has_a_flag() -> None:
    @with_settings(**KINDS)
    def command(*, given: Given) -> None: ...

    flags = set(inspect.signature(command).parameters)
    for kind in KINDS.values():
        assert set(kind.model_fields) <= flags


def test_only_what_was_given_is_given() -> None:
    given = parse("model", "--rank", "8", "--learning-rate", "1e-3", "--no-use-dora")
    assert given == {
        "quantization": {},
        "lora": {"rank": 8, "use_dora": False},
        "data": {},
        "training": {"learning_rate": 1e-3},
    }


@pytest.mark.parametrize(
    ("tokens", "group", "name", "value"),
    [
        (["--modules", "q_proj", "v_proj"], "lora", "modules", ["q_proj", "v_proj"]),
        (["--modules", "q_proj", "--modules", "v_proj"], "lora", "modules", ["q_proj", "v_proj"]),
        (["--layers", "0", "3"], "lora", "layers", [0, 3]),
        (["--columns.prompt", "question"], "data", "columns", {"prompt": "question"}),
        (["--columns", '{"prompt": "question"}'], "data", "columns", {"prompt": "question"}),
        (["--bits", "8"], "quantization", "bits", 8),
        (["--mode", "mxfp4"], "quantization", "mode", "mxfp4"),
        (["--sample-prompts", "Hello, you", "And?"], "training", "sample_prompts", ["Hello, you", "And?"]),
        (["--max-gradient-norm", "none"], "training", "max_gradient_norm", None),
        (["--gradient-checkpointing"], "training", "gradient_checkpointing", True),
        (["--tokens-per-batch", "2048"], "training", "tokens_per_batch", 2048),
    ],
)
def test_values_of_every_kind(tokens: list[str], group: str, name: str, value: Any) -> None:
    given = parse("model", *tokens)
    assert given[group] == {name: value}
    assert KINDS[group].model_validate(given[group])


def test_a_flag_shows_help_limits_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    @with_settings(lora=LoraSettings, sampling=SamplingSettings)
    def command(*, given: Given) -> None: ...

    app = cyclopts.App(result_action="return_value")
    app.default(command)
    app(["--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "Rank r of the adapter" in said
    assert "(1 to 1024) [default: 16]" in said
    assert "(at least 0, below 1)" in said
    assert "Sampling" in said and "Adapter" in said


def test_two_flags_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        with_settings(training=TrainSettings, sampling=SamplingSettings)(lambda *, given: None)


def test_flags_override_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("model: base\nlora: {rank: 4, dropout: 0.1}\ntraining: {steps: 9}\n", encoding="utf-8")
    settings = merged_settings(RunSettings, path, {"lora": {"rank": 8}, "quantization": {"bits": 8}})
    assert settings.lora.rank == 8 and settings.lora.dropout == 0.1
    assert settings.training.steps == 9
    assert settings.quantization == QuantizeSettings(bits=8)


def test_an_override_that_is_refused_names_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("model: base\n", encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        merged_settings(RunSettings, path, {"lora": {"rank": -1}})
    assert "command line" in refused.value.where and str(path) in refused.value.where


@pytest.mark.parametrize(
    ("text", "word"),
    [("lora: {rnk: 4}", "rnk"), ("- a\n- b", "names and values"), ("a: [", "cannot be read"), (None, "read")],
)
def test_a_bad_settings_file_is_named(tmp_path: Path, text: str | None, word: str) -> None:
    path = tmp_path / "run.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        merged_settings(RunSettings, path, {})
    assert refused.value.where == str(path)
    assert word in refused.value.what
