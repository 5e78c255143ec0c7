"""`gemma-mlx serve` as a person starts and ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from openai import OpenAI

from gemma_mlx.commands.serve import model_name, named_adapters
from gemma_mlx.errors import AdapterError, SettingsError
from tests.command_line import gemma


def start(tiny_model: Path, *flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gemma_mlx", "serve", str(tiny_model), "--port", "0", *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_it_shows_a_token_once_answers_and_ends_in_good_order(
    tiny_model: Path, gemma_home: Path, number: signal.Signals
) -> None:
    flags = ("--json", "--temperature", "0", "--max-tokens", "5")
    with start(tiny_model, *flags) as process:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.communicate()
            text += line
        document = json.loads(text)
        file = Path(document["token_file"])
        assert file.parent == gemma_home and stat.S_IMODE(file.stat().st_mode) == 0o600
        assert document["models"] == [tiny_model.name]
        with OpenAI(base_url=document["address"], api_key=document["token"], max_retries=0) as client:
            reply = client.chat.completions.create(
                model=tiny_model.name, messages=[{"role": "user", "content": "Hello"}]
            )
            assert reply.usage is not None and 0 < reply.usage.completion_tokens <= 5
        os.kill(process.pid, number)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_what_is_wrong_is_told_before_a_model_is_loaded(tiny_model: Path, gemma_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert gemma("serve", tiny_model, "--port", port, "--json").error["code"] == "cannot-listen"
    assert gemma("serve", tiny_model, "--adapter", "nowhere", "--json").error["code"] == "no-adapter"
    assert gemma("serve", tiny_model, "--temperature", "9", "--json").error["code"] == "bad-settings"
    assert gemma("serve", tiny_model, "--slots", "0", "--json").error["code"] == "bad-command-line"
    assert gemma("serve", gemma_home / "nothing", "--port", "0", "--json").error["code"] == "no-model"
    assert not (gemma_home / "serve-token").exists(), "a token that nobody was shown"


def test_names_are_those_of_folders_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("base", "a", "run/adapter"):
        (tmp_path / folder).mkdir(parents=True)
    assert model_name("demo") == "demo" and model_name(str(tmp_path / "base")) == "base"
    found = named_adapters(["a", "run/adapter", "mine=a"], "base")
    assert found == {"a": Path("a"), "run": Path("run/adapter"), "mine": Path("a")}
    for given in (["a", "a"], ["base=a"], ["=a"]):
        with pytest.raises(SettingsError):
            named_adapters(given, "base")
    with pytest.raises(AdapterError):
        named_adapters(["mine=nowhere"], "base")
