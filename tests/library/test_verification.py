"""Where a comparison's result is kept, and that what is no result is none."""

from __future__ import annotations

from pathlib import Path

from gemma_mlx.library.verification import read_verification, store_verification, verification_path


def test_beside_a_model_of_the_library(gemma_home: Path) -> None:
    model = gemma_home / "models" / "google" / "gemma"
    model.mkdir(parents=True)
    assert read_verification(model) is None
    assert store_verification(model, {"summary": "verified against PyTorch"}) == model / "verification.json"
    assert read_verification(model) == {"summary": "verified against PyTorch"}


def test_models_elsewhere_stay_untouched_and_apart(gemma_home: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "gemma", tmp_path / "b" / "gemma"
    for model in (first, second):
        model.mkdir(parents=True)
        store_verification(model, {"summary": str(model)})
    assert not list(first.iterdir())
    assert read_verification(first) == {"summary": str(first)}
    assert read_verification(second) == {"summary": str(second)}
    assert gemma_home in verification_path(first).parents


def test_a_damaged_result_is_none(gemma_home: Path) -> None:
    model = gemma_home / "models" / "x"
    model.mkdir(parents=True)
    for text in ("{", "[]", "{}", '{"summary": 3}'):
        (model / "verification.json").write_text(text)
        assert read_verification(model) is None
