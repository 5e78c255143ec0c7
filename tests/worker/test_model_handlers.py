"""What the real worker says of models and does with them, on tiny ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.worker import protocol, results
from gemma_mlx.worker.machine import verdict
from tests.tiny import write_tiny_model


@pytest.fixture
def pipe(open_worker: Any) -> Any:
    return open_worker("real")


def home(tmp_path: Path) -> Path:
    """The data folder that conftest gives the worker."""
    return tmp_path / "home"


def listed(pipe: Any) -> dict[str, results.ModelSummary]:
    answer = results.ModelList.model_validate(pipe.ask(protocol.ListModels()))
    return {model.name: model for model in answer.models if model.origin != "demo"}


def test_models_of_the_library_are_described_without_loading_them(pipe: Any, tmp_path: Path) -> None:
    write_tiny_model(home(tmp_path) / "models" / "tiny", "gemma2", dtype="bfloat16", tokenizer=True)
    model = listed(pipe)["tiny"]
    assert (model.generation, model.origin, model.dtype) == ("Gemma 2", "app", "bfloat16")
    assert model.parameters > 100_000
    assert model.memory_bytes > model.parameters * 2
    assert model.verdict == "fits"
    assert model.has_tokenizer and not model.problem


def test_a_broken_model_is_listed_with_the_reason(pipe: Any, tmp_path: Path) -> None:
    folder = write_tiny_model(home(tmp_path) / "models" / "broken", "gemma2")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    model = listed(pipe)["broken"]
    assert model.problem and model.fix
    assert not model.has_tokenizer


def test_a_folder_is_imported_whole_and_only_what_a_model_consists_of(pipe: Any, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "downloads" / "my model", "gemma3_text", tokenizer=True)
    (source / "notes.exe").write_bytes(b"not a part of a model")
    (source / "optimizer.safetensors").write_bytes(b"nor this")
    (source / "verification.json").write_text('{"summary": "verified, says whoever made the folder"}')
    summary = results.ModelSummary.model_validate(pipe.ask(protocol.ImportModel(path=str(source))))
    target = Path(summary.path)
    assert target == home(tmp_path) / "models" / "my model"
    assert sorted(path.name for path in target.iterdir()) == [
        "config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json",
    ]  # fmt: skip
    assert (target / "model.safetensors").read_bytes() == (source / "model.safetensors").read_bytes()


def test_a_folder_that_is_no_model_is_refused_and_nothing_is_copied(pipe: Any, tmp_path: Path) -> None:
    source = tmp_path / "downloads"
    source.mkdir()
    (source / "config.json").write_text(json.dumps({"model_type": "llama"}))
    failed = pipe.end_of(pipe.send(protocol.ImportModel(path=str(source))))
    assert isinstance(failed, protocol.ErrorMessage)
    assert failed.kept == "Nothing was copied."
    assert not (home(tmp_path) / "models").exists()


def test_a_quantization_is_forecast_and_then_made_as_forecast(pipe: Any, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny", "gemma2", tokenizer=True)
    settings = QuantizeSettings(bits=4, group_size=64)
    preview = results.QuantizationPreview.model_validate(
        pipe.ask(protocol.QuantizePreview(model=str(source), settings=settings))
    )
    assert preview.after_bytes < preview.before_bytes / 2
    assert preview.relative_error is not None and 0.05 < preview.relative_error < 0.2
    done = pipe.ask(protocol.Quantize(model=str(source), settings=settings, name="tiny-4bit"))
    assert Path(done["folder"]) == home(tmp_path) / "models" / "tiny-4bit"
    made = listed(pipe)["tiny-4bit"]
    assert made.quantization.startswith("4 bit")
    assert made.size_bytes < 1.3 * preview.after_bytes + 30_000


def test_quantizing_stops_and_leaves_nothing(pipe: Any, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny", "gemma2", tokenizer=True)
    job = pipe.send(protocol.Quantize(model=str(source), settings=QuantizeSettings(), name="four"))
    pipe.send(protocol.Cancel(target=job))
    failed = pipe.end_of(job)
    assert isinstance(failed, protocol.ErrorMessage)
    assert failed.code == "cancelled"
    assert not [path for path in (home(tmp_path) / "models").glob("*") if not path.name.startswith(".")]


def test_a_verified_model_says_against_what(pipe: Any, tmp_path: Path) -> None:
    folder = write_tiny_model(home(tmp_path) / "models" / "tiny", "gemma2", tokenizer=True)
    assert listed(pipe)["tiny"].verification is None
    document = {
        "summary": "verified", "verdict": "pass", "made": "2026-11-21T09:30:00+00:00",
        "reference": "PyTorch 2.13.0 with transformers 5.23.0 on NVIDIA H200, 2026-11-20",
    }  # fmt: skip
    (folder / "verification.json").write_text(json.dumps(document))
    assert listed(pipe)["tiny"].verification == results.Verification(
        passed=True,
        reference="PyTorch 2.13.0 with transformers 5.23.0 on NVIDIA H200",
        made="2026-11-21T09:30:00+00:00",
    )


def test_a_model_is_exported_for_llama_cpp_and_an_adapter_is_asked_for(pipe: Any, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    source = write_tiny_model(tmp_path / "tiny", "gemma2", tokenizer=True)
    target = tmp_path / "exports" / "tiny"
    done = pipe.ask(protocol.ExportModel(model=str(source), format="gguf-q8_0", target=str(target)))
    assert Path(done["folder"]) == target
    assert sorted(path.name for path in target.iterdir()) == ["Modelfile", "tiny-Q8_0.gguf"]
    assert (target / "tiny-Q8_0.gguf").read_bytes()[:4] == b"GGUF"
    for kind in ("safetensors", "gguf-adapter", "mlx-lm-adapter"):
        command = protocol.ExportModel(model=str(source), format=kind, target=str(tmp_path / kind))
        failed = pipe.end_of(pipe.send(command))
        assert isinstance(failed, protocol.ErrorMessage)
        assert failed.code == "nothing-to-export" and failed.kept == "Nothing was written."
        assert not (tmp_path / kind).exists()


def test_verdicts() -> None:
    assert verdict(5, 10) == "fits"
    assert verdict(9, 10) == "tight"
    assert verdict(11, 10) == "too-large"
    assert verdict(0, 10) == verdict(5, 0) == "unknown"
