"""The table of models and Macs: generated, and the same in README."""

from __future__ import annotations

from pathlib import Path

from gemma_mlx.training.plan_table import MACS, allowed_on, cell, markdown, published_sizes, table


def test_readme_shows_the_table_that_is_generated(project: Path) -> None:
    text = (project / "README.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- plan -->\n")[2].partition("<!-- /plan -->")[0]
    assert shown == markdown(table()), "put the output of `gemma-mlx plan --table` there"


def test_every_published_size_is_in_it() -> None:
    assert {"gemma-2b", "gemma-2-27b", "gemma-3-270m", "gemma-3-12b"} <= published_sizes().keys()
    assert published_sizes()["gemma-3-1b"].layer_windows[0] == 512
    assert published_sizes()["gemma-3-12b"].layer_windows[0] == 1024


def test_more_memory_never_fits_less() -> None:
    for name, config in published_sizes().items():
        fits = [cell(config, allowed_on(size)) != "no" for size in MACS]
        assert fits == sorted(fits), name


def test_metal_allows_a_share_of_the_memory() -> None:
    assert allowed_on(24) == 16 * 2**30 and allowed_on(64) == 48 * 2**30
