"""Offline means zero sockets: the whole of loading, training and chatting in a network that has nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.cli import switched_offline
from gemma_mlx.library.resources import resource

SCRIPT = """
import io, json, sys
made = []
def hook(event, arguments):
    if event == "socket.__new__" or event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        made.append((event, str(arguments[1:])))
sys.addaudithook(hook)
from rich.console import Console
from gemma_mlx.cli import run
from gemma_mlx.terminal.output import Output

def do(*words, said=""):
    sys.stdin = io.StringIO(said)
    told = io.StringIO()
    out = Output(json="--json" in words, stdout=Console(file=told), stderr=Console(file=io.StringIO()))
    return run(words, out), told.getvalue()

model, rows, folder = sys.argv[1:4]
results = [
    do("train", model, "--dataset", rows, "--out", folder, "--steps", "2", "--batch-size", "2", "--offline",
       "--json"),
    do("chat", model, "--adapter", folder, "--temperature", "0", "--max-tokens", "8", "--offline",
       said="What is the capital of Italy?\\n/quit\\n"),
    do("download", "google/gemma-2-2b-it", "--offline", "--json"),
    do("train", model, "--dataset", "hf:a/b", "--offline", "--json"),
]
inside = [line for line in open("/proc/net/sockstat") if not line.startswith("sockets")]
devices = [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line]
found = {"results": results, "made": list(made), "stat": inside, "devices": devices}
import socket
socket.socket().close()
print(json.dumps({**found, "seen": len(made) - len(found["made"])}))
"""


def namespaced() -> list[str]:
    """How to run something in a network of its own; the test is skipped where the system forbids it."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        pytest.skip("network namespaces are Linux's, through unshare")
    tried = subprocess.run(["unshare", "-rn", "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"this system allows no network namespace: {tried.stderr.strip()}")
    return ["unshare", "-rn"]


def outcome(tmp_path: Path) -> dict[str, Any]:
    words = [*namespaced(), sys.executable, "-c", SCRIPT]
    rows = tmp_path / "rows.jsonl"
    lines = resource("demo", "pirate", "train.jsonl").read_text(encoding="utf-8").splitlines()[:8]
    rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
    paths = [resource("demo", "model"), rows, tmp_path / "run"]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GEMMA_MLX_OFFLINE", "HF_HUB_OFFLINE")
    }
    process = subprocess.run(
        [*words, *map(str, paths)], capture_output=True, text=True, timeout=300, env=environment
    )
    assert process.returncode == 0, process.stderr[-2000:]
    found = json.loads(process.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_loading_training_and_chatting_open_no_socket(tmp_path: Path) -> None:
    found = outcome(tmp_path)
    (trained, document), (chatted, said), (refused, problem), (unfetched, missing) = found["results"]
    assert found["devices"] == ["lo"], "the namespace has no way out"
    assert trained == 0 and json.loads(document)["step"] == 2
    assert chatted == 0 and said.strip()
    assert refused == 1 and json.loads(problem)["error"]["code"] == "offline"
    assert unfetched == 1 and json.loads(missing)["error"]["code"] == "offline"
    assert found["made"] == [] and found["seen"] == 1, "the watch sees one where there is one"
    used = [line.split() for line in found["stat"] if line.startswith(("TCP:", "UDP:", "RAW:"))]
    assert used and all(words[2] == "0" for words in used), "the kernel counts none either"
    print(f"sockets opened offline: {len(found['made'])}")


def test_the_switch_is_a_word_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMMA_MLX_OFFLINE", "")
    monkeypatch.setenv("HF_HUB_OFFLINE", "")
    words = ["generate", "demo", "--", "--offline"]
    assert switched_offline(words) == words
    assert not os.environ["GEMMA_MLX_OFFLINE"]
    assert switched_offline(["train", "--offline", "demo"]) == ["train", "demo"]
    assert os.environ["GEMMA_MLX_OFFLINE"] == os.environ["HF_HUB_OFFLINE"] == "1"
