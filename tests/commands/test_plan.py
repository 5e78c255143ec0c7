"""gemma-mlx plan: what a run takes, what fits, and what to do where nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemma_mlx.training import calibration
from tests.command_line import gemma


@pytest.fixture(autouse=True)
def quick_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_SIZES", (64,))


def test_a_plan_shows_parts_peak_and_what_it_proposes(tiny_model: Path) -> None:
    said = gemma("plan", tiny_model, "--longest", "64", "--batch-size", "2")
    assert said.status == 0, said.stderr
    for words in ("weights", "optimizer", "activations", "peak", "Proposed: batch_size 64"):
        assert words in said.stdout
    document = gemma("plan", tiny_model, "--longest", "64", "--batch-size", "2", "--json").document
    assert document["fits"] and document["changes"] == {"batch_size": 64}
    assert document["asked"]["total"] < document["proposed"]["total"] <= document["allowed_bytes"]
    assert document["asked"]["seconds_per_step"] > 0


def test_what_cannot_fit_is_refused_with_a_way(tiny_model: Path) -> None:
    error = gemma("plan", tiny_model, "--memory", "0.0001", "--json").error
    assert error["code"] == "does-not-fit" and error["fix"]


def test_the_table_needs_no_model() -> None:
    said = gemma("plan", "--table")
    assert said.status == 0 and said.stdout.startswith("| model | 8 GB |")
    assert gemma("plan", "--table", "--json").document["table"][0]["model"]


@pytest.mark.parametrize(
    "flags",
    [[], ["MODEL", "--longest", "2"], *(["MODEL", "--memory", text] for text in ("-1", "nan", "inf"))],
)
def test_bad_wishes_are_errors(tiny_model: Path, flags: list[str]) -> None:
    words = [str(tiny_model) if flag == "MODEL" else flag for flag in flags]
    assert gemma("plan", *words, "--json").error["code"] in ("no-model", "bad-settings")
