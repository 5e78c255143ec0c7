"""Tests of how events are drawn: what a person reads, and that a log gets no half-drawn bars."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from gemma_mlx import events
from gemma_mlx.terminal import progress
from gemma_mlx.terminal.output import Output
from gemma_mlx.terminal.progress import follow


def work() -> Iterator[events.Event]:
    yield events.Progress("Loading [model]", 1, 1, "modules")
    yield events.Progress("Training", 1, 2)
    yield events.Metrics(1, {"train_loss": 2.5, "tokens_per_second": 1234.0})
    yield events.Metrics(1, {"validation_loss": 1.5, "perplexity": 4.5})
    yield events.Sample(1, "What?", " That. ")
    yield events.Checkpoint(1, "/run/step-1", best=True)
    yield events.Checkpoint(1, "/run/step-1")
    yield events.Warning("some-code", "Careful.", "Do that.")
    yield events.Progress("Training", 2, 2)
    yield events.Done({"step": 2})


def drawn(*, terminal: bool, json: bool = False) -> tuple[events.Done, str, str, Output]:
    stdout, stderr = StringIO(), StringIO()
    out = Output(
        json=json,
        stdout=Console(file=stdout),
        stderr=Console(file=stderr, width=120, force_terminal=terminal, legacy_windows=False),
    )
    return follow(work(), out), stdout.getvalue(), stderr.getvalue(), out


def test_the_last_event_is_given_back() -> None:
    assert drawn(terminal=False)[0].result == {"step": 2}


@pytest.mark.parametrize("terminal", [True, False])
def test_measurements_samples_and_warnings_are_readable(terminal: bool) -> None:
    _, stdout, stderr, _ = drawn(terminal=terminal)
    assert stdout == ""
    for words in ("validation loss 1.5000, perplexity 4.50", "'What?': 'That.'", "Careful. Do that."):
        assert words in stderr
    assert "/run/step-1 (best so far)" in stderr


def test_a_checkpoint_is_announced_once() -> None:
    assert drawn(terminal=False)[2].count("/run/step-1") == 1


def test_a_terminal_gets_bars_with_counts_and_a_log_gets_none() -> None:
    on_terminal, in_log = drawn(terminal=True)[2], drawn(terminal=False)[2]
    assert "Loading [model]" in on_terminal and "2/2" in on_terminal
    assert "\x1b" not in in_log and "Training" not in in_log


def test_with_json_warnings_are_kept_for_the_document() -> None:
    _, stdout, stderr, out = drawn(terminal=False, json=True)
    assert stdout == stderr == ""
    assert out.warnings == [{"code": "some-code", "what": "Careful.", "fix": "Do that."}]


def test_work_that_ends_without_a_word_was_stopped() -> None:
    assert follow(iter(()), Output(json=True)).outcome == "stopped"


def test_a_log_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    said = drawn(terminal=False)[2]
    assert "Training: 2/2 steps" in said and "\x1b" not in said


def test_only_the_stage_at_hand_and_the_work_that_it_interrupts_have_bars() -> None:
    out = Output(stderr=Console(file=StringIO(), force_terminal=True, legacy_windows=False))
    drawer = progress.EventDrawer(out)

    def bars() -> list[str]:
        return [task.description for task in drawer.bars.tasks]

    for stage, done, total in (
        ("Loading", 0, 0),
        ("Reading", 5, 5),
        ("Training", 3, 9),
        ("Validating", 1, 0),
    ):
        drawer.show(events.Progress(stage, done, total))
    assert bars() == ["Training", "Validating"]
    drawer.show(events.Progress("Training", 4, 9))
    assert bars() == ["Training"]
