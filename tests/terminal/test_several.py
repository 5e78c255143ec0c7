"""Which rank decides, which is silent, and whose errors say where they come from."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.errors import ModelError
from gemma_mlx.settings import RunSettings
from gemma_mlx.terminal import several
from gemma_mlx.terminal.output import Output


class OneOfTwo:
    """Ranks that tell what the test says."""

    def __init__(self, rank: int, told: str = "") -> None:
        self.rank = rank
        self.first = rank == 0
        self.told = told
        self.closed = False

    def text_of_first(self, text: str) -> str:
        self.told = text if self.first else self.told
        return self.told

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Callable[[OneOfTwo], OneOfTwo]:
    def meeting(ranks: OneOfTwo) -> OneOfTwo:
        monkeypatch.setattr("gemma_mlx.training.distributed.join", lambda patience: ranks)
        return ranks

    return meeting


def never() -> Any:
    raise AssertionError("only rank 0 chooses")


def test_a_launcher_is_known_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert not several.several()
    monkeypatch.setenv("MLX_RANK", "1")
    assert several.several()


def test_rank_0_tells_the_others_what_to_train_and_they_do_it_silently(
    meet: Callable[[OneOfTwo], OneOfTwo], capfd: pytest.CaptureFixture[str]
) -> None:
    settings = RunSettings(model="/models/gemma")
    seen: list[tuple[RunSettings, Path, bool]] = []

    def run(settings: RunSettings, folder: Path, out: Output, *, resume: bool, ranks: Any) -> dict[str, Any]:
        seen.append((settings, folder, resume))
        out.say("words")
        out.warn("code", "a warning")
        return {"outcome": "finished"}

    out = Output()
    first = meet(OneOfTwo(0))
    chosen = (settings, Path("run"), True)
    assert several.train_together(lambda: chosen, run, out, 9.0) == {"outcome": "finished"}
    assert json.loads(first.told)["folder"] == "run" and first.closed
    assert "words" in capfd.readouterr().out
    second = meet(OneOfTwo(1, first.told))
    assert several.train_together(never, run, out, 9.0) is None
    assert seen == [chosen, chosen] and second.closed
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_an_error_says_which_rank_it_is_of(meet: Callable[[OneOfTwo], OneOfTwo]) -> None:
    def run(*_: Any, **__: Any) -> Any:
        raise ModelError("no-model", "There is none.", where="/models/gemma")

    told = json.dumps({"settings": RunSettings().model_dump(), "folder": "run", "resume": False})
    second = meet(OneOfTwo(1, told))
    with pytest.raises(ModelError) as raised:
        several.train_together(never, run, Output(), 9.0)
    assert raised.value.where == "rank 1: /models/gemma" and second.closed


def test_being_terminated_is_a_wish_to_stop_for_rank_0(meet: Callable[[OneOfTwo], OneOfTwo]) -> None:
    """Else what mlx.launch does when another rank fails would cost what was learned since the checkpoint."""

    def run(*_: Any, **__: Any) -> dict[str, Any]:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        return {"outcome": "stopped"}

    before = signal.getsignal(signal.SIGTERM)
    meet(OneOfTwo(0))
    assert several.train_together(lambda: (RunSettings(), Path("run"), False), run, Output(), 9.0)
    assert signal.getsignal(signal.SIGTERM) is before
