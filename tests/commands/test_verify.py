"""Tests of `verify` and `record`: the verdict, its status, where it is kept, and what is refused."""

from __future__ import annotations

import io
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from rich.console import Console

from gemma_mlx.commands.verify import draw
from gemma_mlx.library.verification import read_verification, verification_path
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.terminal.output import Output
from gemma_mlx.verification.recording import Recording, read_recording, write_recording
from gemma_mlx.verification.report import Row
from gemma_mlx.verification.verify import result_document
from tests.command_line import gemma
from tests.tiny import write_tiny_model
from tests.verification.replays import part


def seeded_recording(path: Path) -> Path:
    write_recording(part("gemma2-resized"), path)
    return path


def test_a_recording_of_seeded_models_needs_no_model(tmp_path: Path) -> None:
    path = seeded_recording(tmp_path / "x.recording")
    outcome = gemma("verify", "--recording", path, "--json")
    assert outcome.status == 0
    document = outcome.document
    assert document["verdict"] == "pass" and document["failed"] == 0 and document["passed"] > 10
    assert document["summary"].startswith("verified against PyTorch 2.") and "NVIDIA" in document["summary"]
    assert "exit_status" not in document
    assert "verified against PyTorch" in gemma("verify", "--recording", path).stdout


def test_other_numbers_give_status_1_and_name_the_layer(tmp_path: Path) -> None:
    recording = part("gemma2-resized")
    points = recording.arrays["gemma2-resized/0/points"].copy()
    points[5:] *= 1.001  # from layer 1's feed-forward on
    wrong = Recording(recording.manifest, {**recording.arrays, "gemma2-resized/0/points": points})
    write_recording(wrong, tmp_path / "x.recording")
    outcome = gemma("verify", "--recording", tmp_path / "x.recording", "--precision", "fp32", "--json")
    assert outcome.status == 1 and outcome.document["verdict"] == "FAIL"
    assert "first at layer 1 feed-forward" in outcome.document["first_deviation"]
    said = gemma("verify", "--recording", tmp_path / "x.recording", "--precision", "fp32")
    assert said.status == 1 and "differs from PyTorch" in said.stdout and "FAIL" in said.stdout


def test_a_quantized_model_is_compared_with_its_own_weights(tiny_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "quantized"
    assert gemma("quantize", tiny_model, "--out", target).status == 0
    document = gemma("verify", target, "--json").document
    assert document["verdict"] == "pass"
    assert {row["quantity"] for row in document["rows"]} == {
        "quantized logits", "quantized logits, token by token", "quantized top-1",
    }  # fmt: skip
    assert document["summary"].startswith("verified against its own dequantized weights")
    kept = read_verification(target)
    assert kept is not None and kept["summary"] == document["summary"]
    assert verification_path(target).parent.name == "verifications", "not among files that are not ours"


def test_the_result_stands_beside_a_model_of_the_library(tiny_model: Path, gemma_home: Path) -> None:
    folder = gemma_home / "models" / "small"
    assert gemma("quantize", tiny_model, "--out", folder).status == 0
    assert gemma("verify", "small", "--json").status == 0
    assert json.loads((folder / "verification.json").read_text())["verdict"] == "pass"


def test_a_model_without_a_recording_is_told_how_to_get_one(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "torch" else real(name, *a)
    )
    error = gemma("verify", tiny_model, "--json").error
    assert error["code"] == "no-recording" and "gemma-mlx record" in error["fix"]
    assert gemma("record", tiny_model, "--json").error["code"] == "no-pytorch"


def test_a_recording_of_no_folder_does_not_serve_a_model(tiny_model: Path, tmp_path: Path) -> None:
    path = seeded_recording(tmp_path / "x.recording")
    assert (
        gemma("verify", tiny_model, "--recording", path, "--json").error["code"] == "recording-without-model"
    )


@pytest.mark.slow
@pytest.mark.reference
def test_a_model_is_recorded_and_verified(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", "gemma3_text", tokenizer=True, dtype="bfloat16")
    made = gemma("record", model, "--train-tokens", "0", "--device", "cpu", "--json").document
    assert Path(made["path"]) == model / "pytorch.recording"
    document = gemma("verify", model, "--json").document
    assert document["verdict"] == "pass", document["first_deviation"]
    assert {row["precision"] for row in document["rows"]} == {"fp32", "bf16"}

    quantized = tmp_path / "quantized"
    gemma("quantize", model, "--out", quantized, "--bits", "8")
    rows = gemma("verify", quantized, "--recording", made["path"], "--json").document["rows"]
    said = gemma("verify", quantized, "--recording", made["path"], "--json").document["summary"]
    assert said.startswith("verified against its own dequantized weights; from PyTorch's original KL 0.0")
    quality = {row["quantity"]: row["measured"] for row in rows if row["quantity"].startswith("quality")}
    assert 0 < quality["quality: KL, mean"] < 0.1 and quality["quality: top-1 agreement"] > 0.8

    other = tmp_path / "other"
    shutil.copytree(model, other)
    write_tiny_model(tmp_path / "seed1", "gemma3_text", tokenizer=True, dtype="bfloat16", seed=1)
    shutil.copy(tmp_path / "seed1" / "model.safetensors", other / "model.safetensors")
    assert gemma("verify", other, "--json").error["code"] == "recording-of-another"
    assert read_verification(other) is None, "the model is not called wrong for another's recording"
    assert gemma("quantize", other, "--out", tmp_path / "other-4bit").status == 0
    told = gemma("verify", tmp_path / "other-4bit", "--recording", made["path"], "--json").error
    assert told["code"] == "recording-of-another"


@pytest.mark.reference
def test_an_adapter_is_verified_with_its_own_recording(tmp_path: Path) -> None:
    from gemma_mlx.adapters.lora import lora_modules
    from gemma_mlx.adapters.peft import save_adapter
    from gemma_mlx.load import load_model
    from gemma_mlx.settings import LoraSettings
    from gemma_mlx.verification import cases, replay

    model = write_tiny_model(tmp_path / "model", "gemma2", tokenizer=True)
    loaded = load_model(model)
    loaded.model.freeze()
    initial = cases.make_lora(loaded.config.raw, 0)
    replay.attach_lora(loaded.model, initial, rank=4, alpha=8.0)
    assert any(True for _ in lora_modules(loaded.model))
    save_adapter(tmp_path / "adapter", loaded.model, LoraSettings(rank=4, alpha=8.0), str(model))
    options = ("--adapter", tmp_path / "adapter")
    made = gemma("record", model, *options, "--json").document
    assert Path(made["path"]) == tmp_path / "adapter" / "pytorch.recording", "the model's own is not touched"
    assert gemma("verify", model, *options, "--json").document["verdict"] == "pass"
    shutil.move(made["path"], tmp_path / "a.recording")
    made["path"] = str(tmp_path / "a.recording")
    (entry,) = read_recording(Path(made["path"])).cases.values()
    assert len(entry["adapter"]) == 64 and "losses" not in entry
    recording = ("--recording", tmp_path / "a.recording")
    document = gemma("verify", model, *options, *recording, "--json").document
    assert document["verdict"] == "pass", document["first_deviation"]
    assert gemma("verify", model, *recording, "--json").error["code"] == "recording-of-another"


def test_the_demo_models_recording_fits_it(project: Path) -> None:
    path = project / "resources" / "demo" / "model" / "pytorch.recording"
    if not path.is_file() or not (path.parent / "model.safetensors").is_file():
        pytest.skip("the demo's model is not recorded")
    from gemma_mlx.weights.headers import read_headers

    (entry,) = read_recording(path).cases.values()
    assert entry["fingerprint"] == read_headers(path.parent).fingerprint(), "gemma-mlx record demo"


@pytest.mark.parametrize("columns", [80, 140])
def test_in_a_narrow_terminal_only_what_failed_has_its_remark(columns: int) -> None:
    rows = [
        Row("demo", "fp32", "gradients, worst tensor", 3e-6, 1e-4, 2e-7, "pass", "the worst is somewhere"),
        Row("demo", "fp32", "hidden states", 3e-2, 1e-4, 2e-7, "FAIL", "the worst is elsewhere"),
    ]
    said = io.StringIO()
    draw(result_document(rows, None, "demo"), Output(stdout=Console(file=said, width=columns)), False)
    table = said.getvalue().partition("differs from")[0]
    assert ("somewhere" in table, "elsewhere" in table) == (columns == 140, True)
    assert ("--json" in said.getvalue()) == (columns == 80)


def test_numbers_that_are_none_fail_in_words_and_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = seeded_recording(tmp_path / "x.recording")
    head = Decoder.head
    monkeypatch.setattr(Decoder, "head", lambda self, hidden: head(self, hidden) * float("nan"))
    outcome = gemma("verify", "--recording", path, "--precision", "fp32", "--json")
    assert outcome.status == 1 and outcome.document["verdict"] == "FAIL"
    assert any(row["verdict"] == "FAIL" and row["measured"] is None for row in outcome.document["rows"])
    said = gemma("verify", "--recording", path, "--precision", "fp32")
    assert said.status == 1 and "inf" in said.stdout


def test_nothing_compared_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = seeded_recording(tmp_path / "x.recording")
    monkeypatch.setattr("gemma_mlx.verification.verify.compare_tiny", lambda *_, **__: iter(()))
    assert gemma("verify", "--recording", path, "--json").error["code"] == "nothing-compared"


def test_an_adapter_is_never_left_out_silently(tiny_model: Path, tmp_path: Path) -> None:
    path = seeded_recording(tmp_path / "x.recording")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    options = ("--adapter", adapter, "--json")
    assert gemma("verify", "--recording", path, *options).error["code"] == "no-adapter"
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (adapter / name).write_text("{}")
    assert gemma("verify", "--recording", path, *options).error["code"] == "adapter-not-compared"
    assert gemma("quantize", tiny_model, "--out", tmp_path / "quantized").status == 0
    assert gemma("verify", tmp_path / "quantized", *options).error["code"] == "adapter-not-compared"
