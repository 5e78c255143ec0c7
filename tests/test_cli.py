"""Tests of the command line as a whole: help, versions, wrong command lines, our own mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gemma_mlx import __version__, cli
from gemma_mlx.errors import Cancelled, GemmaError
from tests.command_line import gemma, write_rows

ROOT = Path(__file__).resolve().parent.parent


def shell(*tokens: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gemma_mlx", *map(str, tokens)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, **more})


def test_help_lists_every_command_with_what_it_does() -> None:
    said = gemma("--help")
    assert said.status == 0
    for _, name, summary in cli.installed_commands():
        assert name in said.stdout
        assert summary in said.stdout


def test_the_commands_that_are_promised_are_there() -> None:
    names = {name for _, name, _ in cli.installed_commands()}
    assert names >= {"demo", "inspect", "quantize", "train", "evaluate", "generate", "chat", "merge"}


def test_every_command_file_is_listed() -> None:
    files = {path.stem for path in (ROOT / "gemma_mlx" / "commands").glob("[a-z]*.py")}
    assert files <= {name for _, name, _ in cli.COMMANDS}


@pytest.mark.parametrize("name", [name for _, name, _ in cli.installed_commands()])
def test_every_command_explains_itself_and_offers_json(name: str) -> None:
    said = gemma(name, "--help")
    assert said.status == 0
    assert "Usage: gemma-mlx" in said.stdout
    assert "--json" in said.stdout


def test_without_a_command_the_help_is_shown() -> None:
    assert gemma().stdout == gemma("--help").stdout


def test_version() -> None:
    assert gemma("--version").stdout.strip() == __version__


def test_module_and_script_are_the_same() -> None:
    assert shell("--version").stdout.strip() == __version__


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["trian"], ["trian", "Did you mean train?"]),
        (["train", "--rnk", "3"], ["--rnk", "gemma-mlx train --help"]),
        (["train", "--rank", "many"], ["--rank", "many"]),
        (["train", "--schedule", "wavy"], ["--schedule", "linear"]),
        (["generate"], ["MODEL is missing."]),
        (["train", "m", "--steps"], ["--steps needs a value."]),
        (["export", "m"], ["--out is missing."]),
        (["inspect", "a", "b c"], ["too many here: b c"]),
        (["inspect", "a", "b"], ["b"]),
        (["quantize", "a", "--bits", "7"], ["--bits"]),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(tokens: list[str], words: list[str]) -> None:
    for_people = gemma(*tokens)
    assert for_people.status == cli.USAGE_STATUS
    assert for_people.stdout == ""
    said = " ".join(for_people.stderr.split())
    error = gemma(*tokens, "--json").error
    assert error["code"] == "bad-command-line"
    for word in words:
        assert word.lower() in said.lower()
        assert word.lower() in json.dumps(error).lower()


def test_every_refused_setting_is_named_at_once(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    error = gemma(
        "train", tiny_model, "--dataset", data, "--rank", "0", "--learning-rate", "7", "--json"
    ).error
    assert error["code"] == "bad-settings"
    assert "rank" in error["what"] and "learning_rate" in error["what"]


def fail_with(problem: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(_target: str, *, json: bool = False) -> None:
        raise problem

    put_in_place(command, monkeypatch)


def put_in_place(command: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `gemma-mlx inspect` be this command."""

    def build(_explained: str = "") -> object:
        app = cli.cyclopts.App(result_action="return_value")
        app.command(command, name="inspect")
        return app

    monkeypatch.setattr(cli, "build_app", build)


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (GemmaError("some-code", "what", where="where", fix="fix", kept="kept"), 1, "some-code"),
        (Cancelled("all of it"), 130, "cancelled"),
        (KeyboardInterrupt(), 130, "cancelled"),
        (PermissionError(13, "Permission denied", "/some/file"), 1, "system-refused"),
        (OSError(28, "No space left on device", "/some/file"), 1, "disk-full"),
        (MemoryError(), 70, "out-of-memory"),
        (ZeroDivisionError("our mistake"), 70, "internal"),
        (BaseException("a panic of Rust"), 70, "internal"),
    ],
)
def test_every_end_has_a_code_and_a_status(
    problem: BaseException,
    status: int,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path))
    fail_with(problem, monkeypatch)
    said = gemma("inspect", "x", "--json")
    assert said.status == status
    assert said.error["code"] == code
    for_people = gemma("inspect", "x")
    assert for_people.status == status
    assert "Traceback" not in for_people.stderr
    assert for_people.stderr.startswith("Error:")


def test_a_command_may_choose_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(_target: str, *, json: bool = False) -> dict[str, object]:
        return {"verdict": "beyond the limit", "exit_status": 1}

    put_in_place(command, monkeypatch)
    said = gemma("inspect", "x", "--json")
    assert said.status == 1
    assert said.document == {"verdict": "beyond the limit"}


def test_a_longer_help_is_reflowed() -> None:
    said = gemma("train", "--help", width=200).stdout
    assert "Fine-tune a model on a dataset. Ctrl-C once keeps what was learned, twice ends at once." in said
    assert "Parameters\n---" not in said


def test_our_own_mistake_leaves_a_report_to_send(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path))
    fail_with(ZeroDivisionError("our mistake"), monkeypatch)
    error = gemma("inspect", "x", "--json").error
    assert "ZeroDivisionError: our mistake" in error["what"]
    report = Path(error["where"]).read_text(encoding="utf-8")
    assert "Traceback" in report and __version__ in report


def test_text_after_two_dashes_is_no_flag(tiny_model: Path) -> None:
    said = gemma("generate", tiny_model, "--max-tokens", "1", "--", "--json")
    assert said.status == 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.stdout)


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m gemma_mlx train --help | head -1"
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout.startswith("Usage:")
    assert ended.stderr == ""


def test_ctrl_c_keeps_what_was_learned_and_the_run_goes_on(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    run = tmp_path / "run"
    command = [sys.executable, "-m", "gemma_mlx", "train", str(tiny_model), "--dataset", str(data)]
    options = ["--out", str(run), "--steps", "100000", "--batch-size", "1", "--json"]
    training = subprocess.Popen(
        [*command, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    metrics = run / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    training.send_signal(signal.SIGINT)
    said, errors = training.communicate(timeout=60)
    document = json.loads(said)
    assert training.returncode == 0, errors
    assert document["outcome"] == "stopped"
    assert 0 < document["step"] < 100_000
    assert (Path(document["adapter"]) / "adapter_model.safetensors").is_file()
    assert gemma("inspect", run, "--json").document["state"] == "stopped"
